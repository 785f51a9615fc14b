"""What the kubernetes plugin does with objects: names, state, previews, existing objects, drift, deletion.

One story for all tests: a program is brought up, others meddle with its objects, it is refreshed, changed, destroyed.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cluster_fixture import TestCluster
from kubernetes_program import Object, Trial, annotated, config_map, declared, ops, trial, workload
from pulumi.runtime.proto import provider_pb2

from lab.engine.kubernetes_provider.client import APPLY, MERGE_PATCH, ApiError
from lab.engine.kubernetes_provider.server import KubernetesProvider
from lab.engine.provider_values import struct
from lab.engine.serving import CallError
from lab.engine.stack import Run

HUSH = "hush-hush"
PROVIDERS = {"mutable": {"enableConfigMapMutable": "true"}, "upserting": {"upsertExistingObjects": "true"}}


def _crd() -> Object:
    schema = {"type": "object", "x_kubernetes_preserve_unknown_fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": "widgets", "singular": "widget", "kind": "Widget"}
    spec = {"group": "lab.example", "scope": "Namespaced", "names": names, "versions": [version]}
    kind = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
    return {**kind, "metadata": {"name": "widgets.lab.example"}, "spec": spec}


def _custom(api_version: str, kind: str) -> Object:
    return {"apiVersion": api_version, "kind": kind, "metadata": {}, "spec": {"size": 1}}


def _of_every_sort() -> dict[str, Object]:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {}, "type": "Opaque"}
    inside = workload("Deployment", replicas=2)
    inside["metadata"]["namespace"] = {"$name": "namespace"}
    return {
        "auto": config_map(),
        "named": config_map("by-hand"),
        "namespace": {"apiVersion": "v1", "kind": "Namespace", "metadata": {}},
        "inside": inside,
        "role": {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {}},
        "text": secret | {"stringData": {"a": {"$secret": HUSH}}},
        "data": secret | {"data": {"a": base64.b64encode(HUSH.encode()).decode()}},
        "leak": config_map(data={"a": {"$secret": HUSH}, "b": "open"}),
        "definition": _crd(),
        "widget": declared(_custom("lab.example/v1", "Widget"), after=["definition"]),
        "kept": config_map(labels={"a": "1"}),
        "lost": config_map("lost"),
        "gone": config_map("gone"),
        "left": annotated(workload("Deployment", app="orphan"), deletionPropagationPolicy="orphan"),
    }


def _shared(value: str, **annotations: str) -> Object:
    return declared(annotated(config_map("shared", data={"a": value}), **annotations), provider="mutable")


def _scaled(label: str) -> Object:
    manifest = annotated(workload("Deployment", app="scaled"), skipAwait="true")
    manifest["metadata"]["labels"] = {"step": label}
    return declared(manifest, ignore=["spec.replicas"])


def _stuck() -> Object:
    manifest = annotated(config_map("stuck"), timeoutSeconds="2")
    manifest["metadata"]["finalizers"] = ["lab.example/never"]
    return manifest


@dataclass(frozen=True)
class Story:
    trial: Trial
    first_preview: Run
    wrong_preview: Run
    first: Run
    live: Mapping[str, Object]
    """Live objects after the first update, by logical name."""
    state: Mapping[str, Any]
    unchanged: Run
    unrefreshed: Run
    drifted: Run
    drifted_inputs: Object
    second: Run
    after: Mapping[str, Object]
    """Live objects after the second update."""
    forced: Object
    destroyed: Run


def _tell(environment: Mapping[str, str], cluster: TestCluster, folder: Path) -> Story:
    made = trial(environment, cluster, folder)
    api, stack = cluster.api, made.stack
    own = f"/api/v1/namespaces/{made.namespace}/configmaps"
    api.call("POST", own, body=config_map("taken"))
    api.call("POST", own, body=config_map("adopted", labels={"a": "b"}))

    early = {"early": config_map(namespace="is-not-there")}
    first_preview = made.declare(_of_every_sort() | early, **PROVIDERS).stack.preview()
    wrong = {"wrong": workload("Deployment", selector={"matchLabels": {"app": "other"}})}
    wrong_preview = made.declare({"tried": config_map("tried")} | wrong, **PROVIDERS).stack.preview(check=False)

    adopted = config_map("adopted", labels={"a": "b"}, namespace=made.namespace)
    meddled = {"shared": _shared("1"), "scaled": _scaled("one"), "stuck": _stuck()}
    taken = {"taken": config_map("taken", data={"a": "2"})}
    program = _of_every_sort() | meddled | {"adopted": declared(adopted, adopt=f"{made.namespace}/adopted")}
    first = made.declare(program | taken, **PROVIDERS).stack.up("--continue-on-error", check=False)
    live = made.live("auto", "named", "text", "widget", "namespace", "scaled", "kept")
    state = stack.state()
    program |= {"adopted": declared(adopted)}
    unchanged = made.declare(program, **PROVIDERS).stack.preview()

    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "theirs"}}
    api.call("PATCH", f"{own}/shared", body=theirs, content=APPLY, fieldManager="somebody-else", force="true")
    scaled = f"/apis/apps/v1/namespaces/{made.namespace}/deployments/{live['scaled']['metadata']['name']}/scale"
    api.call("PATCH", scaled, body={"spec": {"replicas": 3}}, content=MERGE_PATCH)
    labels = {"metadata": {"labels": {"a": "drifted", "foreign": "label"}}}
    api.call("PATCH", f"{own}/{live['kept']['metadata']['name']}", body=labels, content=MERGE_PATCH)
    api.call("DELETE", f"{own}/lost")
    unrefreshed = stack.preview()
    # Not those that others hold: refreshed, what they set would be taken for ours.
    held = [entry["urn"] for entry in state["resources"] if entry["urn"].rsplit("::", 1)[1] in ("shared", "scaled")]
    stack.refresh("--exclude", held[0], "--exclude", held[1])
    drifted_inputs = stack.resource("kept")["inputs"]
    drifted = stack.preview()

    program |= {"scaled": _scaled("two"), "shared": _shared("2")}
    upserting = {"taken": declared(config_map("taken", data={"b": "2"}), provider="upserting")}
    second = made.declare(program | upserting, **PROVIDERS).stack.up("--continue-on-error", check=False)
    after = made.live("shared", "taken", "scaled")
    program |= {"shared": _shared("2", patchForce="true")}
    made.declare(program | upserting, **PROVIDERS).stack.up()
    forced = made.live("shared")["shared"]

    api.call("DELETE", f"{own}/gone")
    destroyed = stack.destroy("--continue-on-error", check=False)
    return Story(
        trial=made,
        first_preview=first_preview,
        wrong_preview=wrong_preview,
        first=first,
        live=live,
        state=state,
        unchanged=unchanged,
        unrefreshed=unrefreshed,
        drifted=drifted,
        drifted_inputs=drifted_inputs,
        second=second,
        after=after,
        forced=forced,
        destroyed=destroyed,
    )


def _lonely(environment: Mapping[str, str], cluster: TestCluster, folder: Path) -> Run:
    made = trial(environment, cluster, folder).declare({"lonely": declared(_custom("nobody.example/v1", "Thing"))})
    return made.stack.up(check=False)


SCENARIOS = {"story": _tell, "lonely": _lonely}


@pytest.fixture(scope="module")
def story(scenarios: Mapping[str, Future[Story]]) -> Story:
    return scenarios["story"].result()


def _said(run: Run) -> str:
    return "\n".join(run.messages())


def _recorded(story: Story, name: str) -> Object:
    return next(entry for entry in story.state["resources"] if entry["urn"].endswith(f"::{name}"))


# -- names, state, creation --------------------------------------------------------------------------------------------


def test_an_unnamed_object_gets_its_logical_name_with_eight_hex_digits_and_is_marked(story: Story) -> None:
    metadata = story.live["auto"]["metadata"]
    assert re.fullmatch(r"auto-[0-9a-f]{8}", metadata["name"])
    assert metadata["annotations"]["pulumi.com/autonamed"] == "true"
    assert "pulumi.com/autonamed" not in story.live["named"]["metadata"].get("annotations", {})


def test_an_object_without_namespace_goes_to_the_providers_and_a_cluster_wide_one_to_none(story: Story) -> None:
    assert _recorded(story, "auto")["id"].startswith(f"{story.trial.namespace}/auto-")
    assert re.fullmatch(r"role-[0-9a-f]{8}", _recorded(story, "role")["id"])


def test_secrets_are_never_in_the_clear_in_state(story: Story) -> None:
    state = json.dumps(story.state)
    assert HUSH not in state
    assert base64.b64encode(HUSH.encode()).decode() not in state
    assert _recorded(story, "leak")["outputs"]["data"]["b"] == "open"


def test_string_data_reaches_the_cluster_as_data(story: Story) -> None:
    assert base64.b64decode(story.live["text"]["data"]["a"]).decode() == HUSH
    assert "stringData" not in _recorded(story, "text")["inputs"]


def test_state_keeps_inputs_field_manager_and_first_api_version(story: Story) -> None:
    outputs = _recorded(story, "auto")["outputs"]
    assert re.fullmatch(r"pulumi-kubernetes-[0-9a-f]{8}", outputs["__fieldManager"])
    assert outputs["__initialApiVersion"] == "v1"
    assert outputs["__inputs"]["data"] == {"a": "1"}


def test_an_object_is_created_by_a_plain_create_in_the_plugins_name(story: Story) -> None:
    entries = story.live["auto"]["metadata"]["managedFields"]
    assert [(entry["manager"], entry["operation"]) for entry in entries] == [("pulumi-kubernetes", "Update")]


def test_a_custom_resource_is_made_in_the_same_update_as_its_definition(story: Story) -> None:
    assert story.live["widget"]["spec"] == {"size": 1}


def test_what_the_server_defaults_is_in_the_outputs_and_not_in_the_inputs(story: Story) -> None:
    recorded = _recorded(story, "scaled")
    assert recorded["outputs"]["spec"]["progressDeadlineSeconds"] == 600
    assert "progressDeadlineSeconds" not in recorded["inputs"]["spec"]


# -- previews ----------------------------------------------------------------------------------------------------------


def test_a_first_preview_accepts_kinds_and_namespaces_that_are_yet_to_come(story: Story) -> None:
    planned = ops(story.first_preview)
    assert [planned[name] for name in ("widget", "inside", "early")] == [["create"]] * 3


def test_a_preview_lets_the_server_try_it_and_leaves_no_trace(story: Story) -> None:
    assert story.wrong_preview.code != 0
    assert "`selector` does not match template `labels`" in _said(story.wrong_preview)
    with pytest.raises(ApiError, match="not found"):
        story.trial.cluster.api.call("GET", f"/api/v1/namespaces/{story.trial.namespace}/configmaps/tried")


def test_an_untouched_program_previews_no_changes(story: Story) -> None:
    assert ops(story.unchanged) == {}


# -- objects that are there already, and other managers ---------------------------------------------------------------


def test_an_existing_object_is_not_taken_over_unless_upserting_is_on(story: Story) -> None:
    assert 'configmaps "taken" already exists' in _said(story.first)
    assert "upsertExistingObjects" in _said(story.first)
    assert story.after["taken"]["data"] == {"a": "1", "b": "2"}


def test_an_imported_object_is_adopted_as_it_is(story: Story) -> None:
    assert ops(story.first)["adopted"] == ["import"]


def test_a_field_of_another_manager_is_a_conflict_that_names_it_and_force_takes_it(story: Story) -> None:
    assert 'conflict with "somebody-else"' in _said(story.second)
    assert "pulumi.com/patchForce" in _said(story.second)
    assert story.after["shared"]["data"] == {"a": "theirs"}
    assert story.forced["data"] == {"a": "2"}


def test_an_ignored_field_of_another_manager_is_left_to_it(story: Story) -> None:
    assert story.after["scaled"]["metadata"]["labels"] == {"step": "two"}
    assert story.after["scaled"]["spec"]["replicas"] == 3


# -- refresh -----------------------------------------------------------------------------------------------------------


def test_drift_does_not_show_before_a_refresh(story: Story) -> None:
    assert ops(story.unrefreshed) == {}


def test_a_refresh_records_drift_of_own_fields_only(story: Story) -> None:
    assert story.drifted_inputs["metadata"]["labels"] == {"a": "drifted"}


def test_after_a_refresh_a_preview_shows_drift_and_what_is_gone(story: Story) -> None:
    assert ops(story.drifted) == {"kept": ["update"], "lost": ["create"]}
    assert [step.differences for step in story.drifted.steps("update")] == [{"metadata.labels.a": "update"}]


# -- deletion ----------------------------------------------------------------------------------------------------------


def test_a_destroy_waits_until_a_namespace_and_everything_in_it_is_gone(story: Story) -> None:
    name = story.live["namespace"]["metadata"]["name"]
    with pytest.raises(ApiError, match="not found"):
        story.trial.cluster.api.call("GET", f"/api/v1/namespaces/{name}")


def test_an_object_that_is_gone_already_is_deleted_without_complaint(story: Story) -> None:
    assert "gone" in {step.name for step in story.destroyed.steps("delete")}
    assert '"gone"' not in _said(story.destroyed)


def test_a_foreground_deletion_takes_the_dependents_and_orphaning_leaves_them(story: Story) -> None:
    path = f"/apis/apps/v1/namespaces/{story.trial.namespace}/replicasets"
    apps = [item["metadata"]["labels"]["app"] for item in story.trial.cluster.api.call("GET", path)["items"]]
    assert apps == ["orphan"]


def test_a_deletion_that_does_not_end_fails_in_time_and_names_the_finalizer(story: Story) -> None:
    assert story.destroyed.code != 0
    assert "lab.example/never" in "\n".join(story.destroyed.messages("warning"))
    assert "timed out waiting to be deleted" in _said(story.destroyed)
    left = story.trial.stack.state()["resources"]
    assert [entry["urn"].rsplit("::", 1)[1] for entry in left if entry["type"].startswith("kubernetes:")] == ["stuck"]


# -- what is refused ---------------------------------------------------------------------------------------------------


def test_a_kind_that_nobody_defined_fails_and_hints_at_the_definition(scenarios: Mapping[str, Future[Run]]) -> None:
    said = _said(scenarios["lonely"].result())
    assert 'no matches for kind "Thing" in version "nobody.example/v1"' in said
    assert "required CRDs" in said


@pytest.mark.parametrize("token", ["core/v1:ConfigMapPatch", "core/v1:ConfigMapList", "helm.sh/v3:Release"])
def test_what_is_not_modelled_is_refused_in_words(cluster: TestCluster, token: str) -> None:
    provider = KubernetesProvider()
    settings = {"kubeconfig": cluster.kubeconfig.read_text()}
    provider.Configure(provider_pb2.ConfigureRequest(args=struct(settings)), None)
    urn = f"urn:pulumi:test::trial::kubernetes:{token}::any"
    with pytest.raises(CallError, match=r"not modelled|cannot be created"):
        provider.Check(provider_pb2.CheckRequest(urn=urn, news=struct(config_map("any"))), None)
