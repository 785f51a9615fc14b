"""Airflow on the node; see `lab.testing.node`."""

from __future__ import annotations

import pytest

from lab.testing import load
from tests.cluster.airflow_fixture import airflow, finished, finished_pods  # noqa: F401 - fixtures are known by name here


def pytest_configure(config: pytest.Config) -> None:
    """Load the fixtures that these tests use."""
    load(config, "node")
