"""Scenarios: runs of the engine for the tests of a module; those of all modules run in parallel.

A scenario mostly waits for endpoints or timeouts, so scenarios run in parallel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lab.testing.cluster import TestCluster

Scenario = Callable[[Mapping[str, str], TestCluster, Path], Any]
"""Receives the engine's environment, the cluster and an empty folder; tests check its result."""


def looked_at(items: Sequence[pytest.Item]) -> dict[str, Scenario]:
    """By name, the scenarios in SCENARIOS of every module that has a test in this session."""
    wanted: dict[str, Scenario] = {}
    for module in {item.module for item in items if isinstance(item, pytest.Function)}:
        wanted |= getattr(module, "SCENARIOS", {})
    return wanted


@pytest.fixture(scope="session")
def scenarios(
    request: pytest.FixtureRequest,
    python: Mapping[str, str],
    engine: Any,
    cluster: TestCluster,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Future[Any]]]:
    """The scenarios that this session's tests use, all started together."""
    wanted = looked_at(request.session.items)
    environment = {**engine.environment, **python}
    with ThreadPoolExecutor(len(wanted) or 1) as pool:
        folders = {name: tmp_path_factory.mktemp(name) for name in wanted}
        yield {name: pool.submit(run, environment, cluster, folders[name]) for name, run in wanted.items()}


@pytest.fixture(scope="session", autouse=True)
def scenarios_begin(request: pytest.FixtureRequest) -> None:
    """Begin with the session, if any test looks at a scenario."""
    if looked_at(request.session.items):
        request.getfixturevalue("scenarios")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests that look at scenarios last."""
    items.sort(key=lambda item: "scenarios" in getattr(item, "fixturenames", ()))
