"""Names of resources on Google Cloud."""

from __future__ import annotations

import re
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.cloud.gcp.names import ACCOUNT_MAX, CLUSTER_MAX, NAME_MAX
from components.kubernetes import naming
from components.settings.types import DNS_LABEL
from tests.unit.cloud.gcp.test_layer import of_gcp
from tests.unit.recording import recorder
from tests.unit.recording.stacks_gcp import STACKS, recorded

PATTERNS: Final = {
    "gcp:serviceaccount/account:Account": ("accountId", r"[a-z][a-z0-9-]{4,28}[a-z0-9]"),
    "gcp:container/cluster:Cluster": ("name", r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?"),
    "gcp:container/nodePool:NodePool": ("name", r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?"),
    "gcp:storage/bucket:Bucket": ("name", r"(?!goog)(?!.*google)[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]"),
    "gcp:sql/databaseInstance:DatabaseInstance": ("name", r"[a-z]([a-z0-9-]{0,66}[a-z0-9])?"),
    "gcp:artifactregistry/repository:Repository": ("repositoryId", r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?"),
}
"""The grammar of names, https://cloud.google.com/compute/docs/naming-resources and each service's own."""
OTHERS: Final = ("name", r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")


@pytest.mark.parametrize("stack", STACKS)
def test_names_keep_to_the_grammar_of_their_kind(stack: str) -> None:
    recording = recorded(stack)
    offenders = []
    for found in of_gcp(recording):
        key, pattern = PATTERNS.get(found.type, OTHERS)
        if (
            key in found.plain
            and found.kind not in {"Database", "User"}
            and not re.fullmatch(pattern, found.plain[key])
        ):
            offenders.append(f"{found.name}: {found.plain[key]!r}")
    assert offenders == []


INSTANCE: Final = st.from_regex(rf"\A{DNS_LABEL.strip('^$')}\Z").filter(lambda name: len(name) <= naming.INSTANCE_MAX)
PART: Final = st.sampled_from(["nodes", "triggerer", "api-server", "worker", "task", "database", "private-services"])
HEX: Final = st.from_regex(r"\A[0-9a-f]{6}\Z")


@given(INSTANCE, PART, HEX, st.sampled_from([ACCOUNT_MAX, CLUSTER_MAX, NAME_MAX]))
def test_a_fitted_name_has_its_random_end_and_fits(instance: str, part: str, suffix: str, limit: int) -> None:
    name = naming.truncated_name(limit, instance, part, suffix)
    assert len(name) <= limit
    assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", name)
    assert name.endswith(f"-{suffix}")
    assert len(name) >= 6


@given(INSTANCE, PART, PART, HEX)
def test_fitted_names_of_two_parts_are_two(instance: str, part: str, other: str, suffix: str) -> None:
    names = [naming.truncated_name(ACCOUNT_MAX, instance, chosen, suffix) for chosen in (part, other)]
    assert (names[0] == names[1]) == (part == other)


def test_a_new_stack_of_the_same_name_has_other_names() -> None:
    """S11: a server's name is blocked for a week, and a bucket's name may be used by others meanwhile."""
    first, second = recorded("gcp, both"), recorder.run(STACKS["gcp, both"], seed="another")
    names = [
        {
            found.plain[PATTERNS.get(found.type, OTHERS)[0]]
            for found in of_gcp(recording)
            if found.kind in {"DatabaseInstance", "Bucket", "Account", "Cluster", "Network", "Disk", "GlobalAddress"}
        }
        for recording in (first, second)
    ]
    assert len(names[0]) > 10
    assert names[0] & names[1] == set()
