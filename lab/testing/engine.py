"""Plugin of pytest for engine tests: the engine, throw-away programs that it runs, and a control plane."""

from __future__ import annotations

import os
import shutil
import tempfile
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from lab.engine.environment import environment
from lab.engine.stack import Stack
from lab.engine.toolchain import Toolchain, toolchain
from lab.paths import PROJECT
from lab.testing import new_stacks
from lab.testing.cluster import cluster  # noqa: F401 - a fixture is known by its name here
from lab.testing.scenarios import (  # noqa: F401 - fixtures and hooks are known by name here
    pytest_collection_modifyitems,
    scenarios,
    scenarios_begin,
)

MEMORY: Final = Path("/dev/shm")
MEMORY_BYTES: Final = 2 << 30
"""What has to be free of it; 200 MiB are used."""
PROJECT_FILE = """\
name: trial
runtime:
  name: python
  options:
    toolchain: pip
    virtualenv: {virtualenv}
"""


def pytest_configure() -> None:
    """Let files lie in memory where it has room: state and inventories are replaced thousands of times."""
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= MEMORY_BYTES:
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


@dataclass(frozen=True)
class Engine:
    """The engine and the environment of its commands, but for the backend."""

    tools: Toolchain
    environment: dict[str, str]


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    tools = toolchain()
    state = tmp_path_factory.mktemp("pulumi")
    return Engine(tools, environment(state=state, tools=tools, engine_log=False))


@pytest.fixture(scope="session")
def preloaded_modules() -> Sequence[str]:
    """Modules and folders of modules that programs find loaded. Tests of larger programs define it anew."""
    return ("pulumi", "pulumi_random")


@pytest.fixture(scope="session")
def python(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory, preloaded_modules: Sequence[str]
) -> Iterator[dict[str, str]]:
    """Variables by which runs of programs, and their plugins, begin with everything loaded.

    None with the official command line, whose language host starts Python itself.
    """
    if engine.tools.cli == "official":
        yield {}
        return
    from lab.offline_pulumi import stand_ins

    folder = tmp_path_factory.mktemp("preloaded")
    with stand_ins.preloaded_environment(folder, PROJECT / ".venv/bin/python", preloaded_modules) as variables:
        yield variables


@pytest.fixture
def project(engine: Engine, python: Mapping[str, str], tmp_path: Path) -> Callable[..., Stack]:
    """Makes a stack `test` of a program given as text; a second call with the same name gives it a new text.

    With `anew` its plugins and programs start as they do for people, and the programs in the project's environment.
    """

    def make(
        program: str, *, name: str = "trial", virtualenv: str = str(PROJECT / ".venv"), anew: bool = False
    ) -> Stack:
        folder = tmp_path / name
        backend = tmp_path / "stacks" / name
        variables = {**engine.environment, **({} if anew else python), "PULUMI_BACKEND_URL": f"file://{backend}"}
        stack = Stack(folder=folder, name="test", environment=variables)
        new = not folder.exists()
        folder.mkdir(exist_ok=True)
        backend.mkdir(parents=True, exist_ok=True)
        (folder / "Pulumi.yaml").write_text(PROJECT_FILE.format(virtualenv=virtualenv))
        (folder / "__main__.py").write_text(textwrap.dedent(program))
        # Python takes a text for the compiled one when second and length are the same.
        shutil.rmtree(folder / "__pycache__", ignore_errors=True)
        if new:
            new_stacks.create(stack)
        return stack

    return make
