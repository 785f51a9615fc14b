"""A control plane with simulated pods, shared by all engine tests that need a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

from lab import simulation
from lab.node.api import Api
from lab.node.control_plane import ControlPlane


@dataclass(frozen=True)
class TestCluster:
    """A real API server and real controllers; pods and volumes are simulated."""

    __test__ = False

    plane: ControlPlane

    @property
    def kubeconfig(self) -> Path:
        return self.plane.kubeconfig

    @cached_property
    def api(self) -> Api:
        return self.plane.api


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestCluster]:
    with simulation.control_plane(tmp_path_factory.mktemp("control-plane")) as plane:
        yield TestCluster(plane)


def path(api_version: str, kind: str, namespace: str = "", name: str = "") -> str:
    """The API path of an object, or of all objects of a kind."""
    plural = kind.lower() + ("es" if kind.endswith("s") else "s")
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    inside = f"/namespaces/{namespace}" if namespace else ""
    return "/".join([f"{root}{inside}", plural, *([name] if name else [])])
