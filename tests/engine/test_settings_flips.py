"""Each setting changed alone: only its resources change, and no resource with data is replaced unexpectedly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pytest

from tests.engine.settings_effects import Protected, Refused
from tests.engine.settings_flips import ANEW, BASES, FLIP_SECONDS, FREE, TOGETHER, Flipped

pytestmark = pytest.mark.each_setting

EACH: Final = [(base, key) for base, found in BASES.items() for key in found.flips]


@pytest.mark.parametrize("base", BASES)
def test_every_key_has_its_turn(base: str) -> None:
    assert BASES[base].flips.keys() ^ BASES[base].keys == set()


@pytest.mark.parametrize(("base", "key"), EACH)
def test_one_key_changes_what_it_is_about(base: str, key: str, flips: Mapping[str, Flipped]) -> None:
    found = flips[base].effect(key)
    match BASES[base].flips[key].effect:
        case Refused(text):
            assert isinstance(found, Refused), found
            assert text in found.text
        case Protected(names):
            # All of them are refused, but the reported ones depend on the engine's progress.
            assert isinstance(found, Protected), found
            assert names & found.names
        case expected:
            assert found == expected


@pytest.mark.parametrize("step", [TOGETHER, FREE, ANEW])
@pytest.mark.parametrize("base", BASES)
def test_the_cloud_takes_all_changes_that_are_planned(base: str, step: str, flips: Mapping[str, Flipped]) -> None:
    """A preview calls no cloud: a changed immutable field must be planned as a replacement, else `up` fails late."""
    applied = flips[base].applied
    assert applied is not None
    run = applied.result(FLIP_SECONDS)[step]
    assert (run.code, run.messages()) == (0, [])
