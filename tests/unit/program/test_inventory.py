"""The exact resources of a stack."""

from __future__ import annotations

import pytest

from tests.unit.program.inventory import DIFFERENCES, INVENTORY
from tests.unit.recording import recorder
from tests.unit.recording.recorder import Recording
from tests.unit.recording.stacks import EXECUTORS, STACKS, recorded, recordings


def contents(recording: Recording) -> set[tuple[str, str]]:
    return {(found.type, found.name) for found in recording.registrations}


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_stack_consists_of_exactly_its_inventory(executor: str) -> None:
    assert contents(recorded(executor)) == INVENTORY[executor]


@pytest.mark.parametrize("stack", DIFFERENCES)
def test_a_setting_adds_and_removes_exactly_what_it_should(stack: str) -> None:
    executor, gone, new = DIFFERENCES[stack]
    assert gone <= INVENTORY[executor]
    assert contents(recorded(stack)) == (INVENTORY[executor] - gone) | new


def test_the_kubernetes_executor_brings_neither_redis_nor_flower() -> None:
    found = {name for _, name in contents(recorded("kubernetes"))}
    assert [name for name in found if any(word in name for word in ("redis", "flower", "broker", "worker"))] == []


def test_a_preview_shows_every_resource_that_an_update_makes() -> None:
    """A resource that is created in an apply is missing in previews."""
    preview = recorder.run(STACKS["celery+kubernetes"], preview=True)
    assert preview.error is None
    assert contents(preview) == INVENTORY["celery+kubernetes"]


def test_two_resources_never_share_a_urn_or_an_objects_name() -> None:
    offenders = []
    for stack, recording in recordings():
        seen: dict[tuple[str, str | None, str], str] = {}
        for found in recording.objects:
            key = (found.kind, found.namespace, found.object_name)
            if key in seen:
                offenders.append(f"{stack}: {found.name} and {seen[key]} are both {key}")
            seen[key] = found.name
    assert offenders == []


def test_two_instances_in_one_cluster_do_not_collide() -> None:
    first, second = (
        recorded("celery+kubernetes"),
        recorder.run({**STACKS["celery+kubernetes"], "airflow:name": "other", "airflow:namespace": "other"}),
    )
    assert second.error is None
    names = [
        {(found.kind, found.namespace, found.object_name) for found in recording.objects}
        for recording in (first, second)
    ]
    assert names[0] & names[1] == set()


def test_two_instances_in_one_namespace_share_only_the_namespace() -> None:
    first, second = (
        recorded("celery+kubernetes"),
        recorder.run({**STACKS["celery+kubernetes"], "airflow:name": "other"}),
    )
    assert second.error is None
    names = [
        {(found.kind, found.object_name) for found in recording.objects if found.namespace is not None}
        for recording in (first, second)
    ]
    assert names[0] & names[1] == set()
