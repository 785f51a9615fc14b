"""Fixtures of engine tests: the engine and temporary programs."""

from __future__ import annotations

import os
import shutil
import tempfile
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import new_stacks
import pytest
from cloud_azure import azure  # noqa: F401
from cloud_gcp import gcp, new_project  # noqa: F401 - a fixture is known by its name here
from cloud_lives import (  # noqa: F401
    azure_celery_life,
    azure_mixed_life,
    cloud_life,
    cloud_lives,
    dev_life,
    gcp_kubernetes_life,
    gcp_mixed_life,
    prod_life,
)
from cluster_fixture import cluster  # noqa: F401
from program_lives import _changing, _other, _unlucky, life, lives  # noqa: F401
from scenarios import scenarios  # noqa: F401 - a fixture is known by its name here
from settings_flips import flip_clouds, flips  # noqa: F401
from side_by_side import (  # noqa: F401 - fixtures and hooks are known by name here
    lives_begin,
    pytest_collection_modifyitems,
    side_by_side,
)

from lab.engine.environment import environment
from lab.engine.language_host_environment import PYTHON_VARIABLE
from lab.engine.plugins import preloaded_plugins
from lab.engine.preloaded import PLUGINS_VARIABLE, preloaded
from lab.engine.stack import Stack
from lab.engine.toolchain import Toolchain, toolchain
from lab.paths import PROJECT

MEMORY: Final = Path("/dev/shm")
MEMORY_BYTES: Final = 2 << 30
"""Required free space; 200 MiB are used."""
PROJECT_FILE = """\
name: trial
runtime:
  name: python
  options:
    toolchain: pip
    virtualenv: {virtualenv}
"""
# fmt: off
GCP_PARTS: Final = [
    "artifactregistry", "certificatemanager", "compute", "container", "filestore", "iap", "projects", "serviceaccount",
    "servicenetworking", "sql", "storage",
]
AZURE_PARTS: Final = [
    "authorization", "compute", "containerregistry", "containerservice", "dbforpostgresql", "managedidentity",
    "monitor", "network", "operationalinsights", "privatedns", "resources", "storage",
]
# fmt: on
SDKS: Final = (
    "pydantic",
    "pulumi",
    "pulumi_random",
    *(f"pulumi_kubernetes.{group}" for group in ("apps.v1", "batch.v1", "core.v1", "rbac.v1", "apiextensions")),
    *(f"pulumi_gcp.{part}" for part in GCP_PARTS),
    *(f"pulumi_azure_native.{part}" for part in AZURE_PARTS),
)
"""Slow imports of the program."""
OWN_PARTS: Final = (
    str(PROJECT),
    *(f"components.cloud.{name}.layer" for name in ("azure", "gcp", "existing")),
    "components.outputs",
)
"""Modules of the program that import all others."""


def pytest_configure() -> None:
    """Use files in memory if there is room: state and inventories are replaced thousands of times."""
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= MEMORY_BYTES:
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


@dataclass(frozen=True)
class Engine:
    """The engine and the environment of its commands, without the backend."""

    tools: Toolchain
    environment: dict[str, str]


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    tools = toolchain()
    state = tmp_path_factory.mktemp("pulumi")
    return Engine(tools, environment(state=state, tools=tools, engine_log=False))


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Environment variables that start the real program and its plugins from preloaded processes."""
    program = preloaded(tmp_path_factory.mktemp("preloaded"), PROJECT / ".venv/bin/python", [*SDKS, *OWN_PARTS])
    with program as python, preloaded_plugins(tmp_path_factory.mktemp("plugins")) as plugins:
        yield {PYTHON_VARIABLE: str(python), PLUGINS_VARIABLE: str(plugins)}


@pytest.fixture
def project(engine: Engine, python: Mapping[str, str], tmp_path: Path) -> Callable[..., Stack]:
    """Creates a stack `test` with a program given as text; a second call with the same name replaces the text.

    With `anew` its plugins and programs start without preloading, as for users.
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
        # Python reuses the bytecode if modification second and length of the source are equal.
        shutil.rmtree(folder / "__pycache__", ignore_errors=True)
        if new:
            new_stacks.create(stack)
        return stack

    return make
