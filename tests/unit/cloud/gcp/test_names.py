"""Names of resources on Google Cloud."""

from __future__ import annotations

import re
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from components.cloud.gcp.names import ACCOUNT_MAX, CLUSTER_MAX, NAME_MAX
from components.kubernetes import naming
from components.settings.types import DNS_LABEL

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
