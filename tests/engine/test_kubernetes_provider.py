"""What the kubernetes plugin does with objects: names, state, previews, existing objects, drift, deletion."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from cluster_fixture import TestCluster
from conftest import Engine
from kubernetes_program import Object, Trial, annotated, config_map, declared, job, ops, trial, workload

from lab.engine.kubernetes_provider.client import APPLY, MERGE_PATCH, ApiError
from lab.engine.stack import Run

HUSH = "hush-hush"
Make = Callable[[], Trial]


@pytest.fixture
def make(engine: Engine, cluster: TestCluster, tmp_path: Path) -> Make:
    return lambda: trial(engine.environment, cluster, tmp_path)


def _said(run: Run) -> str:
    return "\n".join(run.messages())


def _path(made: Trial, name: str, kind: str = "configmaps") -> str:
    return f"/api/v1/namespaces/{made.namespace}/{kind}/{name}"


# -- one program with an object of every sort --------------------------------------------------------------------------

CRD_NAME = "widgets.lab.example"


def _crd() -> Object:
    schema = {"type": "object", "x_kubernetes_preserve_unknown_fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": "widgets", "singular": "widget", "kind": "Widget"}
    spec = {"group": "lab.example", "scope": "Namespaced", "names": names, "versions": [version]}
    kind = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
    return {**kind, "metadata": {"name": CRD_NAME}, "spec": spec}


def _widget(size: int) -> Object:
    return {"apiVersion": "lab.example/v1", "kind": "Widget", "metadata": {}, "spec": {"size": size}}


def _everything() -> dict[str, Object]:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {}, "type": "Opaque"}
    return {
        "auto": config_map(),
        "named": config_map("by-hand"),
        "namespace": {"apiVersion": "v1", "kind": "Namespace", "metadata": {}},
        "inside": config_map(namespace={"$name": "namespace"}),
        "role": {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {}, "rules": []},
        "text": secret | {"stringData": {"a": {"$secret": HUSH}}},
        "data": secret | {"data": {"a": base64.b64encode(HUSH.encode()).decode()}},
        "leak": config_map(data={"a": {"$secret": HUSH}, "b": "open"}),
        "definition": _crd(),
        "widget": declared(_widget(1), after=["definition"]),
    }


@dataclass(frozen=True)
class Made:
    trial: Trial
    preview: Run
    again: Run


@pytest.fixture(scope="module")
def everything(engine: Engine, cluster: TestCluster, tmp_path_factory: pytest.TempPathFactory) -> Made:
    made = trial(engine.environment, cluster, tmp_path_factory.mktemp("everything")).declare(_everything())
    preview = made.stack.preview()
    made.stack.up()
    return Made(made, preview, made.stack.preview())


def test_an_unnamed_object_gets_its_logical_name_with_eight_hex_digits_and_is_marked(everything: Made) -> None:
    metadata = everything.trial.live("auto")["metadata"]
    assert re.fullmatch(r"auto-[0-9a-f]{8}", metadata["name"])
    assert metadata["annotations"]["pulumi.com/autonamed"] == "true"
    assert "pulumi.com/autonamed" not in everything.trial.live("named")["metadata"].get("annotations", {})


def test_an_object_without_namespace_goes_to_the_providers_and_a_cluster_wide_one_to_none(everything: Made) -> None:
    made = everything.trial
    assert made.stack.resource("auto")["id"].startswith(f"{made.namespace}/auto-")
    assert re.fullmatch(r"role-[0-9a-f]{8}", made.stack.resource("role")["id"])


def test_secrets_are_never_in_the_clear_in_state(everything: Made) -> None:
    state = json.dumps(everything.trial.stack.state())
    assert HUSH not in state
    assert base64.b64encode(HUSH.encode()).decode() not in state
    assert everything.trial.outputs("leak")["data"]["b"] == "open"


def test_string_data_reaches_the_cluster_as_data(everything: Made) -> None:
    assert base64.b64decode(everything.trial.live("text")["data"]["a"]).decode() == HUSH
    assert "stringData" not in everything.trial.outputs("text")["__inputs"]


def test_state_keeps_inputs_field_manager_and_first_api_version(everything: Made) -> None:
    outputs = everything.trial.outputs("auto")
    assert re.fullmatch(r"pulumi-kubernetes-[0-9a-f]{8}", outputs["__fieldManager"])
    assert outputs["__initialApiVersion"] == "v1"
    assert outputs["__inputs"]["data"] == {"a": "1"}


def test_an_object_is_created_by_a_plain_create_in_the_plugins_name(everything: Made) -> None:
    entries = everything.trial.live("auto")["metadata"]["managedFields"]
    assert [(entry["manager"], entry["operation"]) for entry in entries] == [("pulumi-kubernetes", "Update")]


def test_a_custom_resource_is_made_in_the_same_update_as_its_definition(everything: Made) -> None:
    assert everything.trial.live("widget")["spec"] == {"size": 1}


def test_a_first_preview_accepts_kinds_and_namespaces_that_are_yet_to_come(everything: Made) -> None:
    assert ops(everything.preview)["widget"] == ["create"]
    assert ops(everything.preview)["inside"] == ["create"]


def test_an_untouched_program_previews_no_changes(everything: Made) -> None:
    assert ops(everything.again) == {}


def test_what_the_server_defaults_is_in_the_outputs_and_no_drift(make: Make) -> None:
    made = make().declare({"workload": annotated(workload("Deployment"), skipAwait="true")})
    made.stack.up()
    assert made.outputs("workload")["spec"]["progressDeadlineSeconds"] == 600
    assert "progressDeadlineSeconds" not in made.outputs("workload")["__inputs"]["spec"]
    made.stack.refresh()
    assert ops(made.stack.preview()) == {}


# -- previews ----------------------------------------------------------------------------------------------------------


def test_a_preview_lets_the_server_try_it_and_leaves_no_trace(make: Make) -> None:
    wrong = workload("Deployment", selector={"matchLabels": {"app": "other"}})
    made = make().declare({"right": config_map("tried"), "wrong": wrong})
    run = made.stack.preview(check=False)
    assert run.code != 0
    assert "`selector` does not match template `labels`" in _said(run)
    with pytest.raises(ApiError, match="not found"):
        made.cluster.api.call("GET", _path(made, "tried"))


def test_a_preview_into_a_missing_namespace_passes(make: Make) -> None:
    made = make().declare({"early": config_map(namespace="is-not-there")})
    assert ops(made.stack.preview())["early"] == ["create"]


def test_a_kind_that_nobody_defined_fails_and_hints_at_the_definition(make: Make) -> None:
    lonely = {"apiVersion": "nobody.example/v1", "kind": "Thing", "metadata": {}}
    made = make().declare({"lonely": declared(lonely)})
    assert ops(made.stack.preview())["lonely"] == ["create"]
    run = made.stack.up(check=False)
    assert "required CRDs" in _said(run)


# -- objects that are there already, and other managers ---------------------------------------------------------------


def test_an_existing_object_is_not_taken_over_unless_upserting_is_on(make: Make) -> None:
    made = make()
    made.cluster.api.call("POST", _path(made, ""), body=config_map("taken"))
    made.declare({"taken": config_map("taken", data={"a": "2"})})
    assert ops(made.stack.preview())["taken"] == ["create"]
    run = made.stack.up(check=False)
    assert 'configmaps "taken" already exists' in _said(run)
    assert "upsertExistingObjects" in _said(run)
    upserting = declared(config_map("taken", data={"b": "2"}), provider="upserting")
    made.declare({"taken": upserting}, upserting={"upsertExistingObjects": "true"}).stack.up()
    assert made.live("taken")["data"] == {"a": "1", "b": "2"}


def test_an_imported_object_is_adopted_as_it_is(make: Make) -> None:
    made = make()
    made.cluster.api.call("POST", _path(made, ""), body=config_map("adopted", labels={"a": "b"}))
    entry = declared(
        config_map("adopted", labels={"a": "b"}, namespace=made.namespace), adopt=f"{made.namespace}/adopted"
    )
    run = made.declare({"adopted": entry}).stack.up()
    assert ops(run)["adopted"] == ["import"]
    assert ops(made.declare({"adopted": entry | {"adopt": None}}).stack.preview()) == {}


def test_a_field_of_another_manager_is_a_conflict_that_names_it_and_force_takes_it(make: Make) -> None:
    mutable = {"mutable": {"enableConfigMapMutable": "true"}}

    def shared(value: str, **annotations: str) -> dict[str, Object]:
        return {
            "shared": declared(annotated(config_map("shared", data={"a": value}), **annotations), provider="mutable")
        }

    made = make().declare(shared("1"), **mutable)
    made.stack.up()
    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "theirs"}}
    made.cluster.api.call(
        "PATCH", _path(made, "shared"), body=theirs, content=APPLY, fieldManager="somebody-else", force="true"
    )
    run = made.declare(shared("2"), **mutable).stack.up(check=False)
    assert 'conflict with "somebody-else"' in _said(run)
    assert "pulumi.com/patchForce" in _said(run)
    assert made.live("shared")["data"] == {"a": "theirs"}
    made.declare(shared("2", patchForce="true"), **mutable).stack.up()
    assert made.live("shared")["data"] == {"a": "2"}


def test_an_ignored_field_of_another_manager_is_left_to_it(make: Make) -> None:
    def scaled(label: str) -> dict[str, Object]:
        manifest = annotated(workload("Deployment"), skipAwait="true")
        manifest["metadata"]["labels"] = {"step": label}
        return {"scaled": declared(manifest, ignore=["spec.replicas"])}

    made = make().declare(scaled("one"))
    made.stack.up()
    path = f"/apis/apps/v1/namespaces/{made.stack.resource('scaled')['id'].replace('/', '/deployments/')}"
    made.cluster.api.call("PATCH", f"{path}/scale", body={"spec": {"replicas": 3}}, content=MERGE_PATCH)
    made.declare(scaled("two")).stack.up()
    live = made.live("scaled")
    assert (live["metadata"]["labels"], live["spec"]["replicas"]) == ({"step": "two"}, 3)


# -- refresh -----------------------------------------------------------------------------------------------------------


def test_a_refresh_shows_drift_of_own_fields_only_and_forgets_what_is_gone(make: Make) -> None:
    made = make().declare({"kept": config_map(labels={"a": "1"}), "lost": config_map("lost")})
    made.stack.up()
    kept = made.stack.resource("kept")["id"].split("/")[1]
    others = {"metadata": {"labels": {"a": "drifted", "foreign": "label"}}}
    made.cluster.api.call("PATCH", _path(made, kept), body=others, content=MERGE_PATCH)
    made.cluster.api.call("DELETE", _path(made, "lost"))
    assert ops(made.stack.preview()) == {}
    made.stack.refresh()
    assert made.outputs("kept")["__inputs"]["metadata"]["labels"] == {"a": "drifted"}
    run = made.stack.preview()
    assert ops(run) == {"kept": ["update"], "lost": ["create"]}
    drift = next(step.differences for step in run.steps() if step.name == "kept")
    assert drift == {"metadata.labels.a": "update"}


# -- deletion ----------------------------------------------------------------------------------------------------------


def test_a_destroy_waits_for_dependents_and_accepts_what_is_gone(make: Make) -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {}}
    inside = workload("Deployment", replicas=2)
    inside["metadata"]["namespace"] = {"$name": "namespace"}
    made = make().declare({"namespace": namespace, "workload": inside, "gone": config_map("gone"), "job": job()})
    made.stack.up()
    name = made.live("namespace")["metadata"]["name"]
    made.cluster.api.call("DELETE", _path(made, "gone"))
    made.stack.destroy()
    assert made.cluster.api.call("GET", "/apis/apps/v1/replicasets")["items"] == [] or all(
        item["metadata"]["namespace"] != name
        for item in made.cluster.api.call("GET", "/apis/apps/v1/replicasets")["items"]
    )
    pods = made.cluster.api.call("GET", "/api/v1/pods")["items"]
    assert [pod["metadata"]["name"] for pod in pods if pod["metadata"]["namespace"] in (name, made.namespace)] == []
    with pytest.raises(ApiError, match="not found"):
        made.cluster.api.call("GET", f"/api/v1/namespaces/{name}")


def test_a_deletion_that_does_not_end_fails_in_time_and_names_the_finalizer(make: Make) -> None:
    stuck = annotated(config_map("stuck"), timeoutSeconds="2")
    stuck["metadata"]["finalizers"] = ["lab.example/never"]
    made = make().declare({"stuck": stuck})
    made.stack.up()
    run = made.stack.destroy(check=False)
    assert run.code != 0
    assert "lab.example/never" in "\n".join(run.messages("warning"))
    assert "timed out" in _said(run)
    made.cluster.api.call("PATCH", _path(made, "stuck"), body={"metadata": {"finalizers": None}}, content=MERGE_PATCH)
    made.stack.destroy()


def test_orphan_propagation_leaves_the_dependents(make: Make) -> None:
    made = make().declare({"left": annotated(workload("Deployment", app="orphan"), deletionPropagationPolicy="orphan")})
    made.stack.up()
    made.stack.destroy()
    sets = made.cluster.api.call("GET", f"/apis/apps/v1/namespaces/{made.namespace}/replicasets")["items"]
    assert len(sets) == 1


# -- what the stand-in does not model ----------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["core/v1:ConfigMapPatch", "core/v1:ConfigMapList", "helm.sh/v3:Release"])
def test_what_is_not_modelled_is_refused_in_words(make: Make, token: str) -> None:
    entry = declared(config_map("any")) | {"type": f"kubernetes:{token}"}
    run = make().declare({"any": entry}).stack.preview(check=False)
    assert run.code != 0
    assert re.search("not modelled|cannot be created", _said(run))
