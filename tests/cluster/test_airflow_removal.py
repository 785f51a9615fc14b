"""The removal of an installation leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from lab.node.instance import Instance
from lab.testing.target import kubectl
from tests.cluster.cluster import objects, wait_until
from tests.cluster.installation import Installation

pytestmark = [pytest.mark.timeout(1800), pytest.mark.lab_node("looks for processes and folders of the node")]


def test_destroy_leaves_nothing(airflow: Installation) -> None:
    instance = Instance()
    airflow.destroy()
    assert [name for name in airflow.namespaces if kubectl("get", "namespace", name, "--ignore-not-found")] == []
    kinds = kubectl("api-resources", "--verbs=list", "--output=name").split()
    listed = ",".join(kind for kind in kinds if not kind.startswith("events"))
    mine = objects(listed, selector=f"app.kubernetes.io/instance={airflow.name}")
    assert [f"{found['kind']} {found['metadata']['name']}" for found in mine] == []

    def volumes() -> list[str]:
        claimed = [volume["spec"]["claimRef"]["namespace"] for volume in objects("persistentvolumes")]
        folders = [folder.name.partition("_")[0] for folder in instance.volumes.iterdir()]
        return [space for space in [*claimed, *folders] if space in airflow.namespaces]

    wait_until("the volumes and their folders are gone", lambda: not volumes())
    assert airflow.seen_pods
    wait_until("no folder or mount of a pod is left", lambda: not _folders(instance, airflow.seen_pods))
    assert _processes(airflow.seen_pods) == []


def _folders(instance: Instance, pods: set[str]) -> set[str]:
    return {folder.name for folder in (instance.folder / "kubelet/pods").iterdir()} & pods


def _processes(pods: set[str]) -> list[str]:
    """The processes in these pods' control groups."""
    found = []
    for process in psutil.process_iter():
        try:
            groups = Path(f"/proc/{process.pid}/cgroup").read_text()
            if any(uid in groups for uid in pods):
                found.append(process.name())
        except (OSError, psutil.NoSuchProcess):
            continue
    return found
