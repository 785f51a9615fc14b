"""Behaviour of the kubernetes plugin that the program needs: names, state, previews, existing objects, drift, deletion.

One scenario for all tests: a program is deployed, others change its objects, it is refreshed, changed, destroyed.
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

from lab.engine.stack import Run
from lab.node.api import ApiError
from lab.testing.cluster import TestCluster
from lab.tests.engine.kubernetes_program import Object, Trial, annotated, config_map, declared, ops, trial, workload

HUSH = "hush-hush"


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
        "kept": config_map(labels={"a": "1"}),
        "lost": config_map("lost"),
        "gone": config_map("gone"),
    }


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
    missing: Run
    drifted_inputs: Object
    after: Mapping[str, Object]
    """Live objects after the second update."""
    destroyed: Run


def _tell(environment: Mapping[str, str], cluster: TestCluster, folder: Path) -> Story:
    made = trial(environment, cluster, folder)
    api, stack = cluster.api, made.stack
    own = f"/api/v1/namespaces/{made.namespace}/configmaps"
    api.create(own, config_map("taken"))

    early = {"early": config_map(namespace="is-not-there")}
    first_preview = made.declare(_of_every_sort() | early).stack.preview()
    wrong = {"wrong": workload("Deployment", selector={"matchLabels": {"app": "other"}})}
    wrong_preview = made.declare({"tried": config_map("tried")} | wrong).stack.preview(check=False)

    program = _of_every_sort() | {"scaled": _scaled("one"), "stuck": _stuck()}
    taken = {"taken": config_map("taken", data={"a": "2"})}
    first = made.declare(program | taken).stack.up("--continue-on-error", check=False)
    live = made.live("auto", "named", "text", "namespace", "scaled", "kept")
    state = stack.state()
    unchanged = made.declare(program).stack.preview()

    scaled = f"/apis/apps/v1/namespaces/{made.namespace}/deployments/{live['scaled']['metadata']['name']}/scale"
    api.merge(scaled, {"spec": {"replicas": 3}})
    labels = {"metadata": {"labels": {"a": "drifted", "foreign": "label"}}}
    api.merge(f"{own}/{live['kept']['metadata']['name']}?fieldManager=kubectl-label", labels)
    api.delete(f"{own}/lost")
    unrefreshed = stack.preview()
    # Not fields of others: after a refresh their values would count as ours.
    held = next(entry["urn"] for entry in state["resources"] if entry["urn"].endswith("::scaled"))
    stack.refresh("--exclude", held)
    drifted_inputs = stack.resource("kept")["inputs"]
    drifted = stack.preview(check=False)
    # Alone: the engine stops at the first refusal, and the events until then are random.
    lost = next(entry["urn"] for entry in state["resources"] if entry["urn"].endswith("::lost"))
    missing = stack.preview("--target", lost)

    program |= {"scaled": _scaled("two")}
    made.declare(program).stack.up("--continue-on-error", check=False)
    after = made.live("scaled")

    api.delete(f"{own}/gone")
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
        missing=missing,
        drifted_inputs=drifted_inputs,
        after=after,
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


def test_what_the_server_defaults_is_in_the_outputs_and_not_in_the_inputs(story: Story) -> None:
    recorded = _recorded(story, "scaled")
    assert recorded["outputs"]["spec"]["progressDeadlineSeconds"] == 600
    assert "progressDeadlineSeconds" not in recorded["inputs"]["spec"]


# -- previews ----------------------------------------------------------------------------------------------------------


def test_a_first_preview_accepts_namespaces_that_are_yet_to_come(story: Story) -> None:
    planned = ops(story.first_preview)
    assert [planned[name] for name in ("inside", "early")] == [["create"]] * 2


def test_a_preview_lets_the_server_try_it_and_leaves_no_trace(story: Story) -> None:
    assert story.wrong_preview.code != 0
    assert "`selector` does not match template `labels`" in _said(story.wrong_preview)
    with pytest.raises(ApiError, match="not found"):
        story.trial.cluster.api.get(f"/api/v1/namespaces/{story.trial.namespace}/configmaps/tried")


def test_an_untouched_program_previews_no_changes_and_no_warning(story: Story) -> None:
    """Nor a warning about the plugin's version, which may be below the SDK's."""
    assert (ops(story.unchanged), story.unchanged.messages("warning")) == ({}, [])


# -- objects that are there already, and other managers ----------------------------------------------------------------


def test_an_existing_object_that_somebody_else_wrote_is_not_overwritten(story: Story) -> None:
    """Version 4.25 refuses fields of other managers; newer versions (pull request 4278) refuse all existing objects."""
    found = story.trial.cluster.api.get(f"/api/v1/namespaces/{story.trial.namespace}/configmaps/taken")
    assert found["data"] == {"a": "1"}
    assert [step.name for step in story.first.steps("create") if f"::{step.name}" in _said(story.first)] == ["taken"]


def test_an_ignored_field_of_another_manager_is_left_to_it(story: Story) -> None:
    assert story.after["scaled"]["metadata"]["labels"] == {"step": "two"}
    assert story.after["scaled"]["spec"]["replicas"] == 3


# -- refresh -----------------------------------------------------------------------------------------------------------


def test_drift_does_not_show_before_a_refresh(story: Story) -> None:
    assert ops(story.unrefreshed) == {}


def test_a_refresh_records_drift_of_own_fields_only(story: Story) -> None:
    assert story.drifted_inputs["metadata"]["labels"] == {"a": "drifted"}


def test_after_a_refresh_a_preview_shows_what_is_gone_and_refuses_to_take_a_field_back(story: Story) -> None:
    """The last writer owns the field, unless the object has pulumi.com/patchForce."""
    assert story.drifted.code != 0
    assert 'conflict with "kubectl-label"' in _said(story.drifted)
    assert ops(story.missing)["lost"] == ["create"]


# -- deletion ----------------------------------------------------------------------------------------------------------


def test_a_destroy_waits_until_a_namespace_and_everything_in_it_is_gone(story: Story) -> None:
    name = story.live["namespace"]["metadata"]["name"]
    with pytest.raises(ApiError, match="not found"):
        story.trial.cluster.api.get(f"/api/v1/namespaces/{name}")


def test_an_object_that_is_gone_already_is_deleted_without_complaint(story: Story) -> None:
    assert "gone" in {step.name for step in story.destroyed.steps("delete")}
    assert '"gone"' not in _said(story.destroyed)


def test_a_deletion_that_does_not_end_fails_in_time_and_names_the_finalizer(story: Story) -> None:
    assert story.destroyed.code != 0
    assert "lab.example/never" in "\n".join(story.destroyed.messages("warning"))
    assert "timed out waiting" in _said(story.destroyed)
    left = story.trial.stack.state()["resources"]
    assert [entry["urn"].rsplit("::", 1)[1] for entry in left if entry["type"].startswith("kubernetes:")] == ["stuck"]


# -- what is refused ---------------------------------------------------------------------------------------------------


def test_a_kind_that_nobody_defined_fails_and_hints_at_the_definition(scenarios: Mapping[str, Future[Run]]) -> None:
    said = _said(scenarios["lonely"].result())
    assert 'no matches for kind "Thing" in version "nobody.example/v1"' in said
    assert "required CRDs" in said
