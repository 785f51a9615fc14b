"""Names of resources on Azure."""

from __future__ import annotations

import re
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.cloud.azure import names as azure_names
from components.kubernetes import naming
from components.settings.types import DNS_LABEL
from tests.unit.cloud.azure.test_layer import of_azure
from tests.unit.recording import recorder, recorder_azure
from tests.unit.recording.recorder import Registration
from tests.unit.recording.stacks import recorded
from tests.unit.recording.stacks_azure import STACKS

EVERYTHING: Final = "azure, protected with everything"
PATTERNS: Final = {
    "ManagedCluster": r"[a-zA-Z0-9]([-_a-zA-Z0-9]{0,61}[a-zA-Z0-9])?",
    "AgentPool": r"[a-z][a-z0-9]{0,11}",
    "Server": r"[a-z0-9]([-a-z0-9]{1,61}[a-z0-9])",
    "StorageAccount": r"[a-z0-9]{3,24}",
    "BlobContainer": r"[a-z0-9](?!.*--)[-a-z0-9]{1,61}[a-z0-9]",
    "FileShare": r"[a-z0-9](?!.*--)[-a-z0-9]{1,61}[a-z0-9]",
    "Registry": r"[a-zA-Z0-9]{5,50}",
    "UserAssignedIdentity": r"[a-zA-Z0-9][-_a-zA-Z0-9]{2,127}",
    "FederatedIdentityCredential": r"[a-zA-Z0-9][-_a-zA-Z0-9]{2,119}",
    "ResourceGroup": r"[-\w._()]{0,89}[-\w_()]",
    "Workspace": r"[a-zA-Z0-9][-a-zA-Z0-9]{2,61}[a-zA-Z0-9]",
    "PrivateZone": r"([a-z0-9-]{1,63}\.){1,33}[a-z]{2,63}",
    "Configuration": r"[a-z0-9_.]+",
    "Database": r"[a-z][a-z0-9_]{0,62}",
    "MaintenanceConfiguration": r"aksManaged(AutoUpgrade|NodeOSUpgrade)Schedule",
    "Deployment": r"[-\w._()]{1,64}",
}
"""https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules"""
OTHERS: Final = r"[a-zA-Z0-9][-\w.]{0,61}[a-zA-Z0-9_]"
"""The strictest rule for names of virtual networks, subnets, addresses, disks and similar resources."""
WORLDWIDE: Final = ("StorageAccount", "Server", "Registry")


def physical_name(found: Registration) -> str | None:
    key = recorder_azure.NAMES.get(found.type)
    return found.plain[key] if key is not None else None


@pytest.mark.parametrize("stack", STACKS)
def test_names_keep_to_the_grammar_of_their_kind(stack: str) -> None:
    offenders = []
    for found in of_azure(recorded(stack)):
        name = physical_name(found)
        if name is not None and not re.fullmatch(PATTERNS.get(found.kind, OTHERS), name):
            offenders.append(f"{found.kind} {found.name}: {name!r}")
        if found.kind == "ManagedCluster":
            assert len(found.plain["dnsPrefix"]) <= 54
            assert len(found.plain["nodeResourceGroup"]) <= 80
    assert offenders == []


INSTANCE: Final = st.from_regex(rf"\A{DNS_LABEL.strip('^$')}\Z").filter(lambda name: len(name) <= naming.INSTANCE_MAX)
HEX: Final = st.from_regex(r"\A[0-9a-f]{6}\Z")
USE: Final = st.sampled_from(["logs", "files", "images"])
LIMIT: Final = st.sampled_from([azure_names.ACCOUNT_MAX, azure_names.REGISTRY_MAX])


@given(INSTANCE, USE, HEX, LIMIT)
def test_an_alphanumeric_name_has_its_use_and_its_suffix_and_fits(
    instance: str, use: str, suffix: str, limit: int
) -> None:
    name = azure_names.alphanumeric_name(limit, instance, use, suffix)
    assert re.fullmatch(r"[a-z0-9]{3,50}", name)
    assert len(name) <= limit
    assert name.endswith(use + suffix)


@given(INSTANCE, USE, USE, HEX)
def test_alphanumeric_names_of_two_uses_differ(instance: str, use: str, other: str, suffix: str) -> None:
    names = [
        azure_names.alphanumeric_name(azure_names.ACCOUNT_MAX, instance, chosen, suffix) for chosen in (use, other)
    ]
    assert (names[0] == names[1]) == (use == other)


@given(INSTANCE, HEX, st.sampled_from([54, azure_names.NAME_MAX, azure_names.NODE_GROUP_MAX]))
def test_a_truncated_name_is_one_of_a_cluster_or_a_server(instance: str, suffix: str, limit: int) -> None:
    for parts in ((), ("nodes",), ("api-server",)):
        name = naming.truncated_name(limit, instance, *parts, suffix)
        assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", name)
        assert len(name) <= limit


def test_an_alphanumeric_name_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="leave no room in addition to logs abcdef"):
        azure_names.alphanumeric_name(10, "airflow", "logs", "abcdef")


def test_a_new_stack_of_the_same_name_has_other_names() -> None:
    """Risk 31: global names stay blocked for some time after deletion."""
    first, second = recorded(EVERYTHING), recorder.run(STACKS[EVERYTHING], seed="another")
    names = [{physical_name(f) for f in recording.of_cloud(*WORLDWIDE)} for recording in (first, second)]
    assert len(names[0]) == 4
    assert names[0] & names[1] == set()
