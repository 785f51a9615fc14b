"""Builds for the commands of the lab: the engine and its plugin in parallel with everything else."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab import images, machine
from lab.engine.toolchain import Toolchain, toolchain
from lab.gateway.programs import PEBBLE
from lab.node.programs import CONTROL_PLANE, NODE
from lab.services.programs import AZURITE, CSI, FAKE_GCS


def for_engine_tests() -> None:
    """Build the engine, its plugins, their launchers, a control plane without a node, and a PostgreSQL.

    Raises:
        LabError: a build failed; the message names the log.
    """

    def services() -> list[Path]:
        programs = [program.build() for program in (*CONTROL_PLANE, CSI)]
        images.postgres_root()
        return programs

    _in_parallel_with_engine(services)


def for_previews() -> Toolchain:
    """Build the engine, its plugins and a control plane without a node. Returns the engine's tools.

    Raises:
        LabError: a build failed; the message names the log.
    """
    tools, _ = _in_parallel_with_engine(lambda: [program.build() for program in CONTROL_PLANE])
    return tools


def for_node() -> tuple[Toolchain, list[Path]]:
    """Build the engine, its plugins, the node and its images. Returns the engine's tools and the images' archives.

    Raises:
        LabError: this machine cannot run a node, or a build failed; the message names the log.
    """
    machine.require()

    def node() -> list[Path]:
        for program in NODE:
            program.build()
        return images.archives()

    return _in_parallel_with_engine(node)


def everything() -> None:
    """Build the same, the services of simulated clouds, and the images that only tests run.

    Raises:
        LabError: this machine cannot run a node, or a build failed; the message names the log.
    """
    for_node()
    for program in (CSI, FAKE_GCS):
        program.build()
    AZURITE.install()


def for_gateway() -> None:
    """Build the engine, the node, the services of simulated clouds, and a Gateway's controller and certificate issuers.

    Raises:
        LabError: as for `everything`.
    """
    for_node()
    for program in (CSI, FAKE_GCS, PEBBLE):
        program.build()
    AZURITE.install()
    images.gateway_controllers()


def _in_parallel_with_engine(build: Callable[[], list[Path]]) -> tuple[Toolchain, list[Path]]:
    # Downloads of modules and linking use only one core.
    with ThreadPoolExecutor(1) as pool:
        built = pool.submit(build)
        tools = toolchain()
        tools.build()
        return tools, built.result()
