"""Tests that need the lab's node are deselected on another cluster, and the report says which and why."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from lab.paths import PROJECT
from lab.testing import target

MODULE = "lab/tests/cluster/test_node.py"


@pytest.mark.parametrize("cluster", ["", "somewhere"])
def test_tests_of_the_node_run_on_the_labs_node_alone(cluster: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "--quiet", "-p", "no:cacheprovider", MODULE],
        cwd=PROJECT,
        env={**os.environ, target.VARIABLE: cluster},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (f"{MODULE}::" in run.stdout) == (cluster == ""), run.stdout
    assert (f"{MODULE}: tests the lab's node itself" in run.stdout) == (cluster != ""), run.stdout


def test_a_stack_of_the_tests_names_the_context_of_the_other_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_NODE", "mine")
    monkeypatch.delenv(target.VARIABLE, raising=False)
    assert target.context() == "mine"
    monkeypatch.setenv(target.VARIABLE, "somewhere")
    assert target.context() == "somewhere"
