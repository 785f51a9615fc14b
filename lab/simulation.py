"""Simulated clouds whose clusters are one control plane with simulated pods: no node, no container, no root."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from lab.certificates import CertificateAuthority
from lab.clouds.backing import KUBECONFIG_VARIABLE
from lab.clouds.inventory import FOLDER_VARIABLE
from lab.clouds.latency import SPEED_VARIABLE
from lab.engine.environment import environment
from lab.engine.toolchain import Toolchain
from lab.node.control_plane import ControlPlane
from lab.node.simulated_pods import SimulatedPods
from lab.services import auth_plugins, cluster

AT_ONCE: Final = "inf"
"""Speed without any wait."""
CLIENT: Final = "00000000-0000-0000-0000-000000000001"


@contextmanager
def control_plane(folder: Path) -> Iterator[ControlPlane]:
    """A control plane with simulated pods, while the context lasts.

    Raises:
        LabError: it did not start; the message names its log.
    """
    plane = ControlPlane(folder)
    try:
        plane.start()
        with SimulatedPods(plane.api):
            yield plane
    finally:
        plane.stop()


def variables(plane: ControlPlane, tools: Toolchain, folder: Path, *, speed: str = AT_ONCE) -> dict[str, str]:
    """The environment of `pulumi` for stacks whose simulated clusters are this control plane.

    The control plane is prepared like such clusters. The inventory of the clouds is in the folder.
    """
    # Google's clusters have more than Azure's, which does no harm.
    cluster.furnish(plane.api, "gcp", "", "")
    auth_plugins.install(folder / "bin")
    found = environment(state=folder / "pulumi", tools=tools, simulated_clouds=True, engine_log=False)
    return {
        **found,
        "PATH": os.pathsep.join([str(folder / "bin"), found["PATH"]]),
        SPEED_VARIABLE: speed,
        FOLDER_VARIABLE: str(folder / "cloud"),
        KUBECONFIG_VARIABLE: str(plane.kubeconfig),
        auth_plugins.CONTROL_PLANE: str(plane.folder),
        # Variables of a pipeline's login, for stacks that use one.
        "AZURE_CLIENT_ID": CLIENT,
        "AZURE_FEDERATED_TOKEN_FILE": str(folder / "token"),
        # A cluster's DNS endpoint has a certificate of a public CA.
        "SSL_CERT_FILE": str(CertificateAuthority(plane.folder / "pki").certificate),
    }
