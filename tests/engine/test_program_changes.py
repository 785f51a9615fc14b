"""One change at a time: what the engine creates, updates, replaces and deletes for it, exactly."""

from __future__ import annotations

import pytest

from lab.engine.stack import Run
from tests.engine.program_changes import (
    CHANGES,
    EXECUTOR_CHANGE,
    IMAGE_CHANGE,
    JWT_KEY_CHANGE,
    NEVER_REPLACED,
    PARTS,
    PROTECTED_CHANGES,
    REPLACED_SECRETS,
    Change,
)
from tests.engine.program_stacks import Life, done, identities, moments, names

REAL = {"executor changed": EXECUTOR_CHANGE, "image changed": IMAGE_CHANGE, "jwt key replaced": JWT_KEY_CHANGE}
"""Changes that are carried out; the others are previewed."""


@pytest.mark.parametrize("name", [*CHANGES, *REPLACED_SECRETS, *REAL])
def test_a_change_reaches_exactly_its_readers(changing: Life, name: str) -> None:
    require(changing.runs[name], {**CHANGES, **REPLACED_SECRETS, **REAL}[name])


@pytest.mark.parametrize("name", PROTECTED_CHANGES)
def test_a_change_of_a_protected_stack_reaches_exactly_its_readers(unlucky: Life, name: str) -> None:
    require(unlucky.runs[name], PROTECTED_CHANGES[name])


def require(run: Run, change: Change) -> None:
    assert (run.code, run.messages()) == (0, [])
    assert done(run) == change.expected


def test_no_change_replaces_or_deletes_what_holds_data(changing: Life, unlucky: Life) -> None:
    """Nor resources of pulumi-random, unless it was requested or their only user was deleted."""
    asked = {*REPLACED_SECRETS, "airflow-secrets-jwt-key"}
    offenders = {
        f"{name}: {step.op} {step.name}"
        for life in (changing, unlucky)
        for name, run in life.runs.items()
        if not name.startswith("destroy")
        for step in run.steps()
        if step.op not in ("create", "update")
        and (step.name in NEVER_REPLACED or (step.type.startswith("random:") and step.name not in asked))
    }
    assert offenders == {"no Flower: delete airflow-secrets-flower-password"}


def test_data_is_on_the_same_volumes_through_all_changes(changing: Life) -> None:
    """According to the cluster, not the engine: the same uid is the same object."""
    kinds = ("PersistentVolumeClaim", "Namespace", "StatefulSet")
    before, after = (identities(changing.live[step], *kinds) for step in ("up", "jwt key replaced"))
    assert before == after
    assert len(before) == 3 + 3 + 2


def test_a_moved_kubeconfig_updates_the_provider_and_no_object(changing: Life) -> None:
    """With the same context, new certificates, another port or another path are still the same cluster."""
    run = changing.runs["kubeconfig moved"]
    assert run.code == 0, run.messages()
    assert done(run) == {"update": {"airflow-cloud-kubernetes"}}


def test_a_new_image_is_migrated_by_one_new_job_before_anything_runs_it(changing: Life) -> None:
    before, after = (names(changing.live[step], "Job") for step in ("executor changed", "image changed"))
    [old], [new] = before, after
    assert old != new
    at = moments(changing.runs["image changed"])
    early = [part for part in PARTS if at["start", f"airflow-{part}"] < at["end", "airflow-migrate-job"]]
    assert early == []


def test_a_changed_secret_is_a_new_object_that_its_readers_name(changing: Life) -> None:
    """With the old name, pods that restart during the roll-out would mix old and new options."""
    before, after = (names(changing.live[step], "Secret") for step in ("image changed", "jwt key replaced"))
    [old], [new] = before - after, after - before
    assert old.startswith("airflow-secrets-jwt-")
    assert new.startswith("airflow-secrets-jwt-")
    readers = {
        each["metadata"]["name"]
        for each in changing.live["jwt key replaced"]
        if each["kind"] in ("Deployment", "StatefulSet") and new in str(each["spec"]["template"])
    }
    assert readers == {"airflow-api-server", "airflow-scheduler"}
