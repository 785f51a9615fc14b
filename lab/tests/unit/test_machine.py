"""Messages for machines that cannot run the lab's node."""

from __future__ import annotations

import pytest

from lab.errors import LabError
from lab.machine import Machine, require

GOOD = {
    "system": "debian 12",
    "architecture": "x86_64",
    "root": True,
    "memory_gib": 24.0,
    "free_disk_gib": 50.0,
}


@pytest.mark.parametrize("system", ["debian 12", "debian 13", "ubuntu 24.04"])
def test_a_machine_that_has_everything_is_accepted(system: str) -> None:
    require(Machine(**{**GOOD, "system": system}))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"system": "ubuntu 22.04"}, "ubuntu 22.04, not Debian 12, Debian 13 or Ubuntu 24.04"),
        ({"system": "Darwin"}, "Darwin, not Debian 12, Debian 13 or Ubuntu 24.04"),
        ({"architecture": "aarch64"}, "aarch64"),
        ({"root": False}, "root"),
        ({"memory_gib": 2.0}, "7.5 GiB of memory"),
        ({"free_disk_gib": 1.0}, "10 GiB of free disk"),
    ],
)
def test_one_sentence_names_what_is_missing_and_the_way_without_a_lab(change: dict[str, object], said: str) -> None:
    with pytest.raises(LabError) as error:
        require(Machine(**{**GOOD, **change}))
    assert said in str(error.value)
    assert "make demo CLUSTER=kind" in str(error.value)


def test_everything_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(LabError) as error:
        require(Machine(**{**GOOD, "system": "fedora 43", "root": False}))
    assert "fedora 43" in str(error.value)
    assert "root" in str(error.value)
