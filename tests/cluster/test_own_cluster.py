"""`make demo CLUSTER=kind` as a user runs it, with a stand-in for kind that provides the lab's node.

The command line on PATH is the lab's; a machine of a user has the official one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

import lab.node
from lab.engine.environment import environment
from lab.node.node import Node
from lab.own_cluster import NAME
from lab.paths import PROJECT, state_dir

KIND = """#!/bin/sh
# A stand-in for kind: its cluster is the lab's node.
echo "$@" >> {folder}/calls
case "$1" in
get) [ -e {folder}/cluster ];;
create) touch {folder}/cluster && cp {folder}/node {kubeconfig};;
delete) rm {folder}/cluster {kubeconfig};;
esac
"""
DOCKER = "#!/bin/sh\necho 17179869184\n"


@dataclass(frozen=True)
class Demonstration:
    """The output of the two commands, and what the stand-in recorded."""

    shown: str
    ended: str
    calls: list[str]
    page: str
    namespaces: tuple[str, str]
    """Airflow's namespace while it ran, and afterwards."""


def _run(command: str, variables: Mapping[str, str]) -> str:
    run = subprocess.run(
        [sys.executable, "-m", "lab", command, "--cluster", "kind"],
        cwd=PROJECT,
        env=dict(variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout + run.stderr


@pytest.fixture(scope="module")
def demonstration(
    node: Node, airflow_images: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Demonstration]:
    folder = tmp_path_factory.mktemp("kind")
    kubeconfig = folder / "config"
    programs = {"kind": KIND.format(folder=folder, kubeconfig=kubeconfig), "docker": DOCKER}
    for name, script in programs.items():
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
    text = node.kubeconfig.read_text()
    (folder / "node").write_text(text)
    kubectl = [str(lab.node.kubectl()), "--kubeconfig", str(folder / "node")]
    subprocess.run([*kubectl, "config", "rename-context", node.instance.name, f"kind-{NAME}"], check=True)
    tools = environment(state=folder / "engine")
    path = os.pathsep.join([str(folder), tools["PATH"], str(lab.node.kubectl().parent)])
    variables = {**tools, "PATH": path, "KUBECONFIG": str(kubeconfig), "LAB_STATE": str(folder / "state")}

    def namespace() -> str:
        shown = ["get", "namespace", "airflow", "--ignore-not-found", "-o", "name"]
        return subprocess.run([*kubectl, *shown], check=True, capture_output=True, text=True).stdout.strip()

    try:
        shown = _run("demo", variables)
        with urllib.request.urlopen("http://localhost:8080/api/v2/version", timeout=30) as answer:
            page = answer.read().decode()
        before = namespace()
    finally:
        ended = _run("demo-down", variables)
    calls = (folder / "calls").read_text().splitlines()
    yield Demonstration(shown, ended, calls, page, (before, namespace()))
    assert not (folder / "state/clusters" / f"kind-{NAME}").exists()
    assert state_dir() != folder / "state"


def test_it_creates_the_cluster_runs_the_examples_and_says_how_to_go_on(demonstration: Demonstration) -> None:
    assert f"create cluster --name {NAME} --wait 180s" in demonstration.calls
    for dag in ("hello", "fan_out", "deferred", "executors"):
        assert f"  {dag}." in demonstration.shown
    assert "URL       http://localhost:8080" in demonstration.shown
    assert "version" in demonstration.page
    assert demonstration.namespaces[0] == "namespace/airflow"


def test_it_shows_one_line_for_each_step_and_no_warnings(demonstration: Demonstration) -> None:
    assert "✓ pulumi up of stack local" in demonstration.shown
    assert "warning" not in demonstration.shown.lower()
    assert "+  kubernetes:" not in demonstration.shown


def test_its_end_deletes_stack_cluster_and_state(demonstration: Demonstration) -> None:
    assert "✓ pulumi destroy of stack local" in demonstration.ended
    assert demonstration.calls[-1] == f"delete cluster --name {NAME}"
    assert demonstration.namespaces[1] == ""
