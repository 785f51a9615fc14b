"""Fixtures: an unreachable cluster, a home without the machine's settings, and shared recordings."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml
from xdist.scheduler import LoadScopeScheduling

from components.settings import preflight

CONTEXT = "test"
PROJECT = Path(__file__).parents[2]
EVERY_STACK = "every stack"
CLOUD = re.compile("azure|gcp")
OVER_EVERY_STACK = re.compile(r"\b(recordings|every_pod|every_container)\(|\bfrom tests import diagrams\b")


def kubeconfig_text(server: str, **cluster: object) -> str:
    """A kubeconfig with one context."""
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "cluster", "cluster": {"server": server, **cluster}}],
            "users": [{"name": "user", "user": {}}],
            "contexts": [{"name": CONTEXT, "context": {"cluster": "cluster", "user": "user"}}],
            "current-context": CONTEXT,
        }
    )


class ByRecordings(LoadScopeScheduling):
    """Runs tests with the same recordings in one process, because each process records its own."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if "/unit/cloud/" in file and (found := CLOUD.search(nodeid)):
            # Azure's stacks are the slowest to record, so their own tests go with those that run over every stack.
            return {"azure": EVERY_STACK, "gcp": "gcp"}[found[0]]
        return _group(file)


@cache
def _group(file: str) -> str:
    return EVERY_STACK if OVER_EVERY_STACK.search((PROJECT / file).read_text()) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByRecordings:
    """How the processes of `make test-unit` share the work."""
    return ByRecordings(config, log)


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for the whole run, because modules compare their recordings."""
    return tmp_path_factory.mktemp("home")


def _login_programs(home: Path) -> Path:
    """A folder with the programs that cloud stacks need on PATH; they never run."""
    folder = home / "bin"
    folder.mkdir(exist_ok=True)
    for program, _ in preflight.LOGIN.values():
        (folder / program).touch(mode=0o755)
    return folder


def isolated_environment(home: Path) -> dict[str, str]:
    """Environment variables with an unreachable cluster and without this machine's settings."""
    file = home / "kubeconfig"
    # Reading the machine's certificates would take longer than the refused connection.
    file.write_text(kubeconfig_text("https://127.0.0.1:1", **{"insecure-skip-tls-verify": True}))
    path = os.pathsep.join([str(_login_programs(home)), os.environ["PATH"]])
    return {"KUBECONFIG": str(file), "HOME": str(home), "PATH": path}


@pytest.fixture(scope="module", autouse=True)
def _unreachable_cluster(empty_home: Path) -> Iterator[None]:
    # Not for the whole run: tests of other levels need the home with the lab's caches.
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in isolated_environment(empty_home).items():
            patch.setenv(variable, value)
        for variable in ("PULUMI_CONFIG", "PULUMI_CONFIG_SECRET_KEYS"):
            patch.delenv(variable, raising=False)
        yield
