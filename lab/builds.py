"""What this machine builds once, ahead of what needs it: the engine and its plugin beside everything else."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab import images, machine
from lab.engine import preloaded
from lab.engine.toolchain import Toolchain, toolchain
from lab.gateway.programs import PEBBLE
from lab.node.programs import CONTROL_PLANE, NODE
from lab.services.programs import AZURITE, CSI, FAKE_GCS


def for_engine_tests() -> None:
    """The engine, its plugins and what starts them and its programs, a control plane without a node, and a PostgreSQL.

    Raises:
        LabError: a build failed; the message names the log.
    """

    def parts() -> list[Path]:
        programs = [program.build() for program in (preloaded.CLIENT, *CONTROL_PLANE, CSI)]
        images.postgres_root()
        return programs

    _beside_the_engine(parts)


def for_node() -> tuple[Toolchain, list[Path]]:
    """The engine, its plugins, the node and the images on it; the engine's tools and the images' archives.

    Raises:
        LabError: this machine cannot run a node, or a build failed; the message names the log.
    """
    machine.require()

    def node() -> list[Path]:
        for program in NODE:
            program.build()
        return images.archives()

    return _beside_the_engine(node)


def everything() -> None:
    """The same, the services of simulated clouds, and the images that only tests run.

    Raises:
        LabError: this machine cannot run a node, or a build failed; the message names the log.
    """
    for_node()
    for program in (CSI, FAKE_GCS):
        program.build()
    AZURITE.install()
    images.database_proxy()


def for_gateway() -> None:
    """The engine, the node, the services of simulated clouds, and what serves a Gateway and its certificates.

    Raises:
        LabError: as of `everything`.
    """
    for_node()
    for program in (CSI, FAKE_GCS, PEBBLE):
        program.build()
    AZURITE.install()
    images.gateway_controllers()


def _beside_the_engine(build: Callable[[], list[Path]]) -> tuple[Toolchain, list[Path]]:
    # While modules are downloaded or a program is linked, one core has nothing to do.
    with ThreadPoolExecutor(1) as pool:
        built = pool.submit(build)
        tools = toolchain()
        tools.build_plugins()
        return tools, built.result()
