"""The locked dependencies: each range has one version that satisfies it, with the hashes of its files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.unit.recording.stacks import ROOT

LOCKS: Final = {
    "requirements.txt": ("requirements.in",),
    "requirements-dev.txt": ("requirements.in", "lab/requirements.txt", "requirements-dev.in"),
    "docs/requirements.txt": ("docs/requirements.in",),
}
"""The files with the ranges of each lock."""
ENTRY: Final = re.compile(
    r"^([A-Za-z0-9._-]+)==([^ ;\\]+)([^\\\n]*)((?:\\?\n    --hash=sha256:[0-9a-f]{64} ?)*)", re.MULTILINE
)


@dataclass(frozen=True)
class Locked:
    """One package of a lock, for the systems that its marker names."""

    name: str
    version: Version
    marker: str
    hashes: int


def ranges(*files: str) -> list[Requirement]:
    """The ranges in files, without the files that they include."""
    lines = [line.partition(" #")[0].strip() for file in files for line in (ROOT / file).read_text().splitlines()]
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]


def lock(file: str) -> list[Locked]:
    """The packages of a lock."""
    return [
        Locked(canonicalize_name(name), Version(version), marker.strip(" ;"), hashes.count("--hash"))
        for name, version, marker, hashes in ENTRY.findall((ROOT / file).read_text())
    ]


def unmet(asked: list[Requirement], locked: list[Locked]) -> list[str]:
    """The ranges that have no version in a lock, or one outside of them."""
    versions: dict[str, list[Version]] = {}
    for entry in locked:
        versions.setdefault(entry.name, []).append(entry.version)
    return [
        str(each)
        for each in asked
        if not (found := versions.get(canonicalize_name(each.name)))
        or not all(each.specifier.contains(version, prereleases=True) for version in found)
    ]


@pytest.mark.parametrize("file", LOCKS)
def test_each_range_has_a_version_that_satisfies_it(file: str) -> None:
    assert unmet(ranges(*LOCKS[file]), lock(file)) == [], "run: make lock"


@pytest.mark.parametrize("file", LOCKS)
def test_every_package_has_hashes_and_nothing_else_is_in_a_lock(file: str) -> None:
    """pip checks hashes of all packages as soon as one line has one, and refuses a file that is not listed."""
    assert [entry.name for entry in lock(file) if entry.hashes < 1] == []
    text = (ROOT / file).read_text()
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith(("#", "--hash=sha256:"))]
    assert len(lines) == len(lock(file)) > 20


def test_tests_run_with_the_versions_that_users_install() -> None:
    development = set(lock("requirements-dev.txt"))
    assert [entry for entry in lock("requirements.txt") if entry not in development] == [], "run: make lock"


def test_a_range_without_its_version_is_found() -> None:
    asked = [Requirement("a>=2,<3"), Requirement("B_c>=1")]
    fits = [Locked("a", Version("2.1"), "", 1), Locked("b-c", Version("1.0"), "", 1)]
    assert unmet(asked, fits) == []
    assert unmet(asked, fits[:1]) == ["B_c>=1"]
    assert unmet(asked, [Locked("a", Version("3.0"), "", 1), fits[1]]) == ["a<3,>=2"]
