"""Plugin of pytest for tests on a real node: the node, and the images that Airflow needs on it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import images
from lab.node.instance import Instance
from lab.node.node import Node
from lab.testing import probe


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    """The lab's usual node: the one that runs already, else one for this session."""
    if os.geteuid() != 0:
        pytest.skip("a real node needs root")
    lab = Node(Instance())
    ours = not lab.instance.folder.exists()
    lab.up()
    yield lab
    if ours:
        lab.down()


@pytest.fixture(scope="session")
def airflow_images(node: Node) -> None:
    """Give the node what the project's stacks run."""
    node.import_images(images.archives())


@pytest.fixture(scope="session")
def probe_archives(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Archives of the probe and of the pause container."""
    return probe.archives(tmp_path_factory.mktemp("images"))
