"""A control plane with simulated pods, shared by all engine tests that need a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from kubernetes.config import new_client_from_config

from lab.engine.kubernetes_provider.client import Cluster
from lab.node.control_plane import ControlPlane
from lab.node.simulated_pods import SimulatedPods


@dataclass(frozen=True)
class TestCluster:
    """A real API server and real controllers; pods and volumes are simulated."""

    __test__ = False

    plane: ControlPlane
    api: Cluster

    @property
    def kubeconfig(self) -> Path:
        return self.plane.kubeconfig


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestCluster]:
    plane = ControlPlane(tmp_path_factory.mktemp("control-plane"))
    try:
        plane.start()
        with SimulatedPods(plane.kubeconfig):
            yield TestCluster(plane, Cluster(new_client_from_config(str(plane.kubeconfig))))
    finally:
        plane.stop()
