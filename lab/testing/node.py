"""Plugin of pytest for tests on a real cluster: the lab's node, or the one that `LAB_CLUSTER` names.

On another cluster, tests that need the lab's node are deselected: those with the marker `lab_node`, which has the
reason, and those that use the fixture `node`. The end of the report lists them.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from lab import images
from lab.node.instance import Instance
from lab.node.node import Node
from lab.testing import probe, target

MARKER: Final = "lab_node"
DEFAULT_REASON: Final = "looks into the lab's node"
LEFT_OUT: Final = pytest.StashKey[Counter[str]]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what cannot run on another cluster."""
    if not target.foreign():
        return
    reasons = {item: reason(item) for item in items}
    left_out = [item for item in items if reasons[item]]
    items[:] = [item for item in items if not reasons[item]]
    config.hook.pytest_deselected(items=left_out)
    files = Counter(f"{item.nodeid.partition('::')[0]}: {reasons[item]}" for item in left_out)
    config.stash[LEFT_OUT] = files


def reason(item: pytest.Item) -> str:
    """Why a test needs the lab's node; "" if it does not."""
    marker = item.get_closest_marker(MARKER)
    if marker is not None:
        return str(marker.args[0])
    return DEFAULT_REASON if "node" in getattr(item, "fixturenames", ()) else ""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """List what did not run, and why."""
    found = config.stash.get(LEFT_OUT, None)
    if found:
        terminalreporter.section(f"deselected on the cluster {target.foreign()}: they need the lab's node")
        for line, number in sorted(found.items()):
            terminalreporter.line(f"{number:4} {line}")


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
def airflow_images(request: pytest.FixtureRequest) -> None:
    """Give the lab's node what the project's stacks run; another cluster has it, or pulls it."""
    if not target.foreign():
        request.getfixturevalue("node").import_images(images.archives())


@pytest.fixture(scope="session")
def task_images(request: pytest.FixtureRequest) -> None:
    """Give the lab's node the images for pods that the example DAGs start; another cluster has them, or pulls them."""
    if not target.foreign():
        request.getfixturevalue("node").import_images(images.for_tasks())


@pytest.fixture(scope="session")
def probe_archives(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Archives of the probe and of the pause container."""
    return probe.archives(tmp_path_factory.mktemp("images"))
