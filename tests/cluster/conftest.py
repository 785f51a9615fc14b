"""The node of the tests at this level."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import probe
import pytest
from airflow_fixture import airflow, airflow_images, finished  # noqa: F401 - fixtures are known by name here

from lab.node.instance import Instance
from lab.node.node import Node


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    """The lab's default node: the running one, else a new one for this session."""
    if os.geteuid() != 0:
        pytest.skip("a real node needs root")
    lab = Node(Instance())
    ours = not lab.instance.folder.exists()
    lab.up()
    yield lab
    if ours:
        lab.down()


@pytest.fixture(scope="session")
def probe_archives(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Archives of the probe and of the pause container."""
    return probe.archives(tmp_path_factory.mktemp("images"))
