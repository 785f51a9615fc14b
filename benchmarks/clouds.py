"""Measures the program's overhead over a cloud's durations, and over a preview of plain resources.

Simulated clouds and a real API server with simulated pods: only ratios are results, seconds say nothing about a cloud.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks import plain
from lab.certificates import CertificateAuthority
from lab.clouds.backing import KUBECONFIG_VARIABLE
from lab.clouds.inventory import FOLDER_VARIABLE
from lab.clouds.journal import Call, Journal
from lab.clouds.latency import SPEED_VARIABLE
from lab.engine.environment import environment
from lab.engine.stack import Stack
from lab.engine.workspace import workspace
from lab.errors import LabError
from lab.node.control_plane import ControlPlane
from lab.node.simulated_pods import SimulatedPods
from lab.progress import step
from lab.services import auth_plugins
from lab.stack_file import StackFile

STACKS: Final = ("dev", "prod")
SPEED: Final = 6.0
"""Seconds of the latency table for each second here: the engine's own time is overestimated by this factor."""
PREVIEWS: Final = 3


@dataclass(frozen=True, kw_only=True)
class CloudFigures:
    """Results for one stack on a simulated cloud."""

    stack: str
    resources: int
    up_seconds: float
    """`pulumi up` from nothing, in seconds of the latency table."""
    critical_seconds: float
    """The longest chain of dependent cloud operations, from the latency table."""
    preview_seconds: float
    """A preview of the empty stack, without any cluster, on this machine."""
    plain_preview_seconds: float
    """A preview of a program that registers the same resources with literal inputs."""

    @property
    def up_ratio(self) -> float:
        """Ratio of the total duration to the longest chain."""
        return self.up_seconds / self.critical_seconds

    @property
    def preview_ratio(self) -> float:
        """Ratio of the preview to that of plain resources."""
        return self.preview_seconds / self.plain_preview_seconds


def measure(stack: str) -> CloudFigures:
    """Preview a stack, create it on a simulated cloud, and destroy it."""
    with tempfile.TemporaryDirectory(prefix=f"bench-{stack}-") as folder:
        return _measured(Path(folder), stack)


def _measured(folder: Path, name: str) -> CloudFigures:
    plane = ControlPlane(folder / "control-plane")
    variables = {
        **environment(state=folder / "pulumi", simulated_clouds=True),
        FOLDER_VARIABLE: str(folder / "clouds"),
        SPEED_VARIABLE: str(SPEED),
        auth_plugins.CONTROL_PLANE: str(plane.folder),
        KUBECONFIG_VARIABLE: str(plane.kubeconfig),
        # A cluster's DNS endpoint has a certificate of a public CA.
        "SSL_CERT_FILE": str(CertificateAuthority(plane.folder / "pki").certificate),
    }
    auth_plugins.install(folder / "bin")
    variables["PATH"] = os.pathsep.join([str(folder / "bin"), variables["PATH"]])
    stack = workspace(folder / "workspace", name, variables, StackFile.named(name).text())
    with step(f"{name}: previews of the empty stack"):
        preview = statistics.median(_timed(stack) for _ in range(PREVIEWS))
    with step(f"{name}: previews of the same resources, plain"):
        previewed = stack.preview()
        same = plain.program(folder / "plain", previewed, variables)
        plain_preview = statistics.median(_timed(same) for _ in range(PREVIEWS))
    try:
        plane.start()
        with SimulatedPods(plane.api):
            with step(f"{name}: up, {SPEED:.0f} times as fast as the latency table"):
                began = time.monotonic()
                stack.up()
                up = (time.monotonic() - began) * SPEED
            critical = critical_path(stack.state()["resources"], Journal(folder / "clouds").calls("create"))
            with step(f"{name}: destroy"):
                quick = {**variables, SPEED_VARIABLE: "inf"}
                _unprotected(Stack(folder=stack.folder, name=name, environment=quick))
    finally:
        plane.stop()
    return CloudFigures(
        stack=name,
        resources=len(previewed.steps("create")),
        up_seconds=round(up, 1),
        critical_seconds=round(critical, 1),
        preview_seconds=round(preview, 2),
        plain_preview_seconds=round(plain_preview, 2),
    )


def _timed(stack: Stack) -> float:
    began = time.monotonic()
    stack.preview()
    return time.monotonic() - began


def _unprotected(stack: Stack) -> None:
    stack.configure("airflow:protect", "false")
    stack.up()
    stack.destroy()
    left = stack.state().get("resources", [])
    if left:
        raise LabError(f"{len(left)} resources of {stack.name} are left after destroy.")


def critical_path(resources: Iterable[Mapping[str, Any]], calls: Iterable[Call]) -> float:
    """The longest chain of cloud operations through a stack's resources, in seconds of the latency table.

    Args:
        resources: of the state, in its order: dependencies come first.
        calls: the clouds' create calls.
    """
    takes = {call.urn: call.seconds for call in calls if call.outcome == "ok"}
    ends: dict[str, float] = {}
    for resource in resources:
        provider = str(resource.get("provider", "")).rpartition("::")[0]
        before = [*resource.get("dependencies", []), resource.get("parent", ""), provider]
        starts = max((ends.get(urn, 0.0) for urn in before), default=0.0)
        ends[resource["urn"]] = starts + takes.get(resource["urn"], 0.0)
    return max(ends.values(), default=0.0)
