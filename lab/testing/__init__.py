"""Fixtures and helpers for tests that run on the lab: the lab's own tests use them, and the project's.

`engine`, `clouds` and `node` are plugins of pytest. A `conftest.py` loads those it needs with `load`, so that one
session has one engine, one control plane and one node, however many folders of tests it runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def load(config: pytest.Config, *plugins: str) -> None:
    """Register plugins of this package; one that is registered already stays as it is."""
    for plugin in plugins:
        config.pluginmanager.import_plugin(f"{__name__}.{plugin}")
