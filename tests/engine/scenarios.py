"""Scenarios: the runs of the engine that a module's tests look at, all modules' at the same time.

Most of a scenario is waiting, for endpoints to settle or for time to be up, so they wait together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cluster_fixture import TestCluster

Scenario = Callable[[Mapping[str, str], TestCluster, Path], Any]
"""Gets the engine's environment, the cluster and an empty folder; what it returns is what the tests look at."""


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
    """The scenarios that this session's tests look at, all begun together."""
    wanted = looked_at(request.session.items)
    environment = {**engine.environment, **python}
    with ThreadPoolExecutor(len(wanted) or 1) as pool:
        folders = {name: tmp_path_factory.mktemp(name) for name in wanted}
        yield {name: pool.submit(run, environment, cluster, folders[name]) for name, run in wanted.items()}
