"""Each setting changed alone: exactly what it is about changes, and nothing that holds data is made anew unasked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pytest
from settings_flips import ANEW, BASES, FLIP_SECONDS, FREE, TOGETHER, Flipped

pytestmark = pytest.mark.each_setting

EACH: Final = [(base, key) for base, found in BASES.items() for key in found.flips]


@pytest.mark.parametrize("base", BASES)
def test_every_key_has_its_turn(base: str) -> None:
    assert BASES[base].flips.keys() ^ BASES[base].keys == set()


@pytest.mark.parametrize(("base", "key"), EACH)
def test_one_key_changes_what_it_is_about(base: str, key: str, flips: Mapping[str, Flipped]) -> None:
    expected = BASES[base].flips[key][1]
    found = flips[base].effects(key)
    how, _, what = expected.partition(": ")
    if how == "refused":
        assert {line.partition(": ")[0] for line in found} == {how}
        assert any(what in line for line in found), found
    elif how == "protected":
        # All of them are refused, but which are told depends on how far the engine is by then.
        assert {f"protected: {name}" for name in what.split()} & found
        assert {line.partition(": ")[0] for line in found} == {how}
    else:
        assert found == set(expected.split())


@pytest.mark.parametrize("step", [TOGETHER, FREE, ANEW])
@pytest.mark.parametrize("base", BASES)
def test_the_cloud_takes_all_changes_that_are_planned(base: str, step: str, flips: Mapping[str, Flipped]) -> None:
    """A preview asks no cloud: what an API never changes must be planned as a replacement, or is found out too late."""
    applied = flips[base].applied
    assert applied is not None
    run = applied.result(FLIP_SECONDS)[step]
    assert (run.code, run.messages()) == (0, [])
