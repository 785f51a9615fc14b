"""The names that resources have in their cloud."""

from __future__ import annotations

import re

from tests.unit.cloud.clouds import CloudRow, each_cloud, each_stack, resources
from tests.unit.recording import recorder


@each_stack
def test_names_keep_to_the_grammar_of_their_kind(cloud: CloudRow, stack: str) -> None:
    offenders = []
    for found in resources(cloud, cloud.recorded(stack)):
        name, pattern = cloud.name_and_pattern(found) or ("", "")
        if not re.fullmatch(pattern, name):
            offenders.append(f"{found.kind} {found.name}: {name!r}")
    assert offenders == []


@each_cloud
def test_a_new_stack_of_the_same_name_has_other_names(cloud: CloudRow) -> None:
    """S11: a server's name is blocked for a week, and a bucket's name may be used by others meanwhile."""
    stacks = (cloud.basic, cloud.everything)
    first = [cloud.recorded(stack) for stack in stacks]
    second = [recorder.run(cloud.stacks[stack], seed="another") for stack in stacks]
    names = [
        {cloud.name_and_pattern(f) for recording in found for f in recording.of_cloud(*cloud.kinds_with_unique_names)}
        for found in (first, second)
    ]
    assert len(names[0]) >= cloud.unique_names_min
    assert names[0] & names[1] == set()
