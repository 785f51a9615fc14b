"""Background work of a test session: life cycles of stacks, a few in parallel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import pytest

from lab.testing.cluster import TestCluster
from tests.engine import cloud_lives, program_lives

LIVES: Final = 3
"""Parallel life cycles: each often waits for its cloud and cluster, so two cores suffice for three, and for the
tests without one."""
FIXTURES: Final = {"cloud_lives": cloud_lives, "lives": program_lives}
"""Background work that begins with the session, by the module that knows whether a test uses it."""


@pytest.fixture(scope="session")
def side_by_side(python: Mapping[str, str], cluster: TestCluster) -> Iterator[ThreadPoolExecutor]:
    """Fixtures of life cycles; the fixtures that they depend on end later."""
    with ThreadPoolExecutor(LIVES) as pool:
        yield pool
        pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="session", autouse=True)
def lives_begin(request: pytest.FixtureRequest) -> None:
    """Start the background work with the session."""
    for fixture, begun in FIXTURES.items():
        if begun.looked_at(request.session.items):
            request.getfixturevalue(fixture)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests that use it last."""
    items.sort(key=lambda item: not FIXTURES.keys().isdisjoint(getattr(item, "fixturenames", ())))
