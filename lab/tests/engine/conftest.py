"""The engine, a control plane and simulated clouds; see `lab.testing`."""

from __future__ import annotations

import pytest

from lab.testing import load


def pytest_configure(config: pytest.Config) -> None:
    """Load the fixtures that these tests use."""
    load(config, "engine", "clouds")
