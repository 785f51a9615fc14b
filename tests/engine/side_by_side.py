"""What goes on beside the tests of a session: the lives of stacks, a few at a time, and the scenarios."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import cloud_lives
import program_lives
import pytest
import scenarios
from cluster_fixture import TestCluster

LIVES: Final = 3
"""At a time: each waits for its cloud and its cluster in between, so that two cores have enough for three, and for the
tests that need none."""
FIXTURES: Final = {"cloud_lives": cloud_lives, "lives": program_lives, "scenarios": scenarios}
"""What begins with the session, by the module that tells whether anything looks at it."""


@pytest.fixture(scope="session")
def side_by_side(python: Mapping[str, str], cluster: TestCluster) -> Iterator[ThreadPoolExecutor]:
    """Where lives are lived. What they stand on, which is named here, ends later."""
    with ThreadPoolExecutor(LIVES) as pool:
        yield pool
        pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="session", autouse=True)
def lives_begin(request: pytest.FixtureRequest) -> None:
    """Let all of it begin with the session."""
    for fixture, begun in FIXTURES.items():
        if begun.looked_at(request.session.items):
            request.getfixturevalue(fixture)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tests that look at it come last."""
    items.sort(key=lambda item: not FIXTURES.keys().isdisjoint(getattr(item, "fixturenames", ())))
