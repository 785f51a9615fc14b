"""Refusals before anything is installed."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from lab.paths import PROJECT

STUB = "#!/bin/sh\n{}\n"


def program(folder: Path, name: str, script: str = "exit 0") -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(STUB.format(script))
    (folder / name).chmod(0o755)


def required(folder: Path, *arguments: str, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
    """Run it with an empty home, and with the programs of a folder only."""
    home = folder / "home"
    home.mkdir()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = subprocess.run(
        ["/bin/sh", "lab/require.sh", python, *arguments],
        cwd=PROJECT,
        env={"HOME": str(home), "PATH": str(folder / "bin")},
        capture_output=True,
        text=True,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2
    assert list(home.iterdir()) == []
    return run


def test_an_old_python_is_refused_with_the_way_to_name_another(tmp_path: Path) -> None:
    program(tmp_path / "bin", "python3", "exit 1")
    run = required(tmp_path, python="python3")
    assert run.returncode == 1
    assert run.stderr.startswith("error: python3 is not Python 3.11 or newer.")
    assert "PYTHON=" in run.stderr


def test_missing_tools_are_named_with_their_instructions(tmp_path: Path) -> None:
    program(tmp_path / "bin", "pulumi")
    run = required(tmp_path, "kind")
    assert run.returncode == 1
    assert run.stderr.startswith("error: Not on PATH: kubectl, kind, docker.")
    assert run.stderr.count("https://") == 3
    assert run.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("docker", "said"),
    [
        ("exit 1", "Docker does not run"),
        (f"echo {2 * 2**30}", "Docker has 2.0 GiB of memory, and Airflow needs 8 GiB."),
        (f"echo {8 * 2**30}", ""),
    ],
)
def test_docker_must_run_with_enough_memory_for_kind(tmp_path: Path, docker: str, said: str) -> None:
    for name in ("pulumi", "kubectl", "kind"):
        program(tmp_path / "bin", name)
    program(tmp_path / "bin", "docker", docker)
    run = required(tmp_path, "kind")
    assert (run.returncode, said in run.stderr) == (bool(said), True), run.stderr
    assert bool(run.stderr) is bool(said)


def test_a_context_that_the_kubeconfig_lacks_is_refused(tmp_path: Path) -> None:
    program(tmp_path / "bin", "pulumi")
    program(tmp_path / "bin", "kubectl", '[ "$3" = mine ]')
    assert required(tmp_path, "mine").returncode == 0
    (tmp_path / "home").rmdir()
    run = required(tmp_path, "yours")
    assert run.returncode == 1
    assert "CLUSTER=yours: the kubeconfig has no such context." in run.stderr


def test_the_targets_that_run_kubernetes_refuse_first() -> None:
    """Before the virtual environment is created; each names the machine's shortcomings, not a failed installation."""
    for target in (
        "demo",
        "test",
        "test-engine",
        "test-settings",
        "test-cluster",
        "test-gateway",
        "test-sql-proxy",
        "test-dags",
        "bench",
    ):
        plan = subprocess.run(
            ["make", "--no-print-directory", "--dry-run", "--always-make", target],
            cwd=PROJECT,
            env={**os.environ, "MAKEFLAGS": ""},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
        assert "require.sh" in plan[0], plan[0]
