"""What engine tests start from: the engine, and throw-away programs that it runs."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from cloud_azure import azure  # noqa: F401
from cloud_gcp import gcp, new_project  # noqa: F401 - a fixture is known by its name here
from cloud_lives import (  # noqa: F401
    azure_celery_life,
    azure_mixed_life,
    cloud_life,
    cloud_lives,
    cloud_lives_begin,
    dev_life,
    gcp_kubernetes_life,
    gcp_mixed_life,
    prod_life,
)
from cluster_fixture import cluster  # noqa: F401
from kubernetes_scenarios import scenarios  # noqa: F401
from program_lives import _changing, _other, _unlucky, life, lives  # noqa: F401

from lab.engine.environment import environment
from lab.engine.stack import Stack
from lab.engine.toolchain import Toolchain, toolchain
from lab.paths import PROJECT

PROJECT_FILE = """\
name: trial
runtime:
  name: python
  options:
    toolchain: pip
    virtualenv: {virtualenv}
"""


@dataclass(frozen=True)
class Engine:
    """The engine and the environment of its commands, but for the backend."""

    tools: Toolchain
    environment: dict[str, str]


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    tools = toolchain()
    return Engine(tools, environment(state=tmp_path_factory.mktemp("pulumi"), tools=tools))


@pytest.fixture
def project(engine: Engine, tmp_path: Path) -> Callable[..., Stack]:
    """Makes a stack `test` of a program given as text; a second call with the same name gives it a new text."""

    def make(program: str, *, name: str = "trial", virtualenv: str = str(PROJECT / ".venv")) -> Stack:
        folder = tmp_path / name
        backend = tmp_path / "stacks" / name
        stack = Stack(
            folder=folder, name="test", environment={**engine.environment, "PULUMI_BACKEND_URL": f"file://{backend}"}
        )
        new = not folder.exists()
        folder.mkdir(exist_ok=True)
        backend.mkdir(parents=True, exist_ok=True)
        (folder / "Pulumi.yaml").write_text(PROJECT_FILE.format(virtualenv=virtualenv))
        (folder / "__main__.py").write_text(textwrap.dedent(program))
        if new:
            stack.create()
        return stack

    return make
