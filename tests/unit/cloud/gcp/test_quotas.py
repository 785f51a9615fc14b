"""Quotas that the stack files of Google Cloud require, as documented in each file."""

from __future__ import annotations

import re
from typing import Final

import pytest

from components.settings import loader
from components.settings.gcp.cloud import GcpCloud
from components.settings.sections.executor import KubernetesExecutor
from lab.clouds.gcp import machines
from lab.clouds.gcp.resource import QUOTAS
from tests.unit.recording.recorder import raw
from tests.unit.recording.stacks_gcp import ROOT, file

FILES: Final = ("Pulumi.dev.yaml", "docs/stacks/gcp-kubernetes.yaml", "docs/stacks/gcp-celery-kubernetes.yaml")
BROKER_GB: Final = 10


def demand(path: str) -> dict[str, tuple[int, int]]:
    """Minimum and maximum of processors and GB of SSD disks that a stack file requires."""
    settings = loader.read(raw(file(path))[0])
    cloud = settings.cloud
    assert isinstance(cloud, GcpCloud)
    broker = 0 if isinstance(settings.executor, KubernetesExecutor) else BROKER_GB
    processors, gigabytes = [0, 0], [broker, broker]
    for pool in filter(None, (cloud.cluster.system_nodes, cloud.cluster.task_nodes)):
        each = machines.cpus(pool.machine_type)
        assert each is not None
        for index, nodes in enumerate((pool.nodes_min, pool.nodes_max)):
            processors[index] += nodes * len(cloud.node_zones) * each
            gigabytes[index] += nodes * len(cloud.node_zones) * pool.disk_gib
    return {"CPUS": (processors[0], processors[1]), "SSD_TOTAL_GB": (gigabytes[0], gigabytes[1])}


@pytest.mark.parametrize("path", FILES)
def test_a_stack_file_starts_within_the_quotas_of_a_new_project(path: str) -> None:
    assert {metric: least for metric, (least, _) in demand(path).items() if least > QUOTAS[metric]} == {}


@pytest.mark.parametrize("path", FILES)
def test_a_stack_file_says_what_it_takes_and_what_a_new_project_has(path: str) -> None:
    comment = " ".join(line.strip("# ") for line in (ROOT / path).read_text().splitlines() if line.startswith("#"))
    told = {int(number) for number in re.findall(r"\b\d+\b", comment.partition("Quotas: ")[2])}
    (cpus_least, cpus_most), (_, gigabytes_most) = demand(path).values()
    assert {cpus_least, cpus_most, gigabytes_most, int(QUOTAS["CPUS"]), int(QUOTAS["SSD_TOTAL_GB"])} <= told
    assert "gcloud compute regions describe" in comment
    assert "Quotas & System Limits" in comment


def test_dev_stays_within_the_quotas_of_a_new_project_however_busy_it_is() -> None:
    assert {metric: most for metric, (_, most) in demand(FILES[0]).items() if most > QUOTAS[metric]} == {}
