"""The lab's node; see `lab.testing.node`."""

from __future__ import annotations

import pytest

from lab.testing import load


def pytest_configure(config: pytest.Config) -> None:
    """Load the fixtures that these tests use."""
    load(config, "node")
