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
from tests.unit.recording.stacks import recorded
from tests.unit.recording.stacks_azure import STACKS


@pytest.mark.parametrize("stack", STACKS)
def test_names_that_a_cluster_gives_away_fit(stack: str) -> None:
    [found] = recorded(stack).of_cloud("ManagedCluster")
    assert len(found.plain["dnsPrefix"]) <= 54
    assert len(found.plain["nodeResourceGroup"]) <= 80


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
