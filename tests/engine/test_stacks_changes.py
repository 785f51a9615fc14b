"""Changed settings of stacks on clouds: the exact creates, updates, replacements and deletes."""

from __future__ import annotations

from typing import Final

import pytest

from lab.clouds.gcp import tokens as gcp
from tests.engine.cloud_changes import EXPECTED
from tests.engine.cloud_lives import AZURE_CLUSTER, AZURE_SERVER
from tests.engine.cloud_stacks import CloudLife
from tests.engine.program_stacks import done

HOLDS_DATA: Final = (
    gcp.BUCKET,
    gcp.CLUSTER,
    gcp.DISK,
    gcp.SERVER,
    AZURE_CLUSTER,
    AZURE_SERVER,
    "azure-native:resources:ResourceGroup",
    "azure-native:storage:BlobContainer",
    "azure-native:storage:StorageAccount",
)


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_changed_settings_reach_exactly_what_they_are_about(name: str, request: pytest.FixtureRequest) -> None:
    life: CloudLife = request.getfixturevalue(name)
    run = life.runs["settings changed"]
    assert (run.code, run.messages()) == (0, [])
    assert done(run) == {op: life.named(*parts) for op, parts in EXPECTED[name].items()}


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_what_holds_data_is_the_same_after_all_changes(name: str, request: pytest.FixtureRequest) -> None:
    """According to the cloud and the cluster: a replaced resource has a new creation time."""
    life: CloudLife = request.getfixturevalue(name)
    before, after = (
        {(item.id, item.created) for item in life.held[step].of(*HOLDS_DATA)} for step in ("up", "settings changed")
    )
    assert before == after
    assert len(before) >= 4


def test_the_executor_of_a_protected_stack_changes_though_a_lock_keeps_the_roles_of_identities(prod: CloudLife) -> None:
    """The lock is on the account of task logs. Role assignments without owner are deleted with that account."""
    run = prod.runs["executor changed"]
    assert (run.code, run.messages()) == (0, [])
    assert prod.named("cloud-identities-task") <= run.changes()["delete"]
    assert prod.named("cloud-identities-worker") <= run.changes()["create"]
    before, after = (
        {item.id for item in prod.held[step].of("azure-native:authorization:RoleAssignment")}
        for step in ("settings changed", "executor changed")
    )
    assert before <= after


def test_a_protected_stack_refuses_what_would_make_it_anew(prod: CloudLife) -> None:
    run = prod.runs["another region"]
    assert run.code != 0
    refused = [message for message in run.messages() if "as it is currently marked for protection" in message]
    assert refused != []
    assert [call.op for call in prod.calls["another region"] if call.op not in ("read", "invoke")] == []
