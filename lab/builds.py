"""What this machine builds once, for a command that needs it soon."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from lab import images, machine
from lab.engine.toolchain import toolchain
from lab.node.programs import CONTROL_PLANE, NODE
from lab.services.programs import AZURITE, CSI, FAKE_GCS


def for_engine_tests() -> None:
    """The engine, and a control plane without a node.

    Raises:
        LabError: a build failed; the message names the log.
    """

    def ours() -> None:
        for program in (*CONTROL_PLANE, CSI):
            program.build()

    # Side by side: while modules are downloaded or a program is linked, one core has nothing to do.
    with ThreadPoolExecutor() as pool:
        beside = pool.submit(ours)
        toolchain()
        beside.result()


def everything() -> None:
    """The same, and the rest of the node, the images on it and the services of simulated clouds.

    Raises:
        LabError: this machine cannot run a node, or a build failed; the message names the log.
    """
    machine.require()
    for_engine_tests()
    images.archives()
    for program in (*NODE, FAKE_GCS):
        program.build()
    AZURITE.install()
