"""Defaults of the pods that tasks and the scheduler start: the policy of Airflow that sets them, and the connection."""

from __future__ import annotations

import json
from typing import Any, Final

import pulumi
from pulumi_kubernetes.core.v1 import VolumeMountArgs

from components.airflow.context import InstanceContext
from components.airflow.feature import Feature, PodOverlay
from components.airflow.pods.scripts import script
from components.airflow.volumes import create_files
from components.contract.requirements import AIRFLOW_GID, AIRFLOW_UID
from components.contract.workloads import TASK_RUNNERS, Workload
from components.kubernetes import naming
from components.settings.sections.options import Reserved

CONFIG_FOLDER: Final = "/opt/airflow/config"
"""Airflow puts this folder on Python's search path, https://airflow.apache.org/docs/apache-airflow/stable/
administration-and-deployment/modules_management.html. Other files of the image in it stay visible."""
MODULE: Final = "pod_defaults"
DISTRIBUTION: Final = "airflow_pod_defaults-1.dist-info"
"""A folder of this form tells Python of a module's entry points."""
METADATA: Final = "Metadata-Version: 2.1\nName: airflow-pod-defaults\nVersion: 1\n"
ENTRY_POINTS: Final = f"[airflow.policy]\n{MODULE} = {MODULE}\n"
CONNECTION: Final = "AIRFLOW_CONN_KUBERNETES_DEFAULT"
"""The connection that the KubernetesPodOperator uses by default."""

RESERVED: Final[Reserved] = {}


def executor_prefix(name: str) -> str:
    """Beginning of the names of the Kubernetes executor's pods: nobody but the scheduler may create or enter them."""
    return naming.object_name(name, "task-")


def create_feature(context: InstanceContext) -> Feature:
    """The defaults of pods, in all workloads that create some; empty where none does."""
    creators: set[Workload] = set()
    if context.settings.executor.pods is not None:
        creators.add("scheduler")
    if context.settings.pod_operator.enabled:
        creators |= TASK_RUNNERS
    files = {
        f"{MODULE}.py": script(f"{MODULE}.py"),
        f"{MODULE}.json": pulumi.Output.json_dumps(_defaults(context), sort_keys=True),
        "METADATA": METADATA,
        "entry_points.txt": ENTRY_POINTS,
    }
    paths = {name: f"{DISTRIBUTION}/{name}" if name in ("METADATA", "entry_points.txt") else name for name in files}
    overlays = create_files(
        context,
        "pod-defaults",
        volume="pod-defaults",
        owner="pod-defaults",
        files=files,
        workloads=creators,
        mounts=[
            VolumeMountArgs(name="pod-defaults", mount_path=f"{CONFIG_FOLDER}/{path}", sub_path=name, read_only=True)
            for name, path in paths.items()
        ],
    )
    if context.settings.pod_operator.enabled:
        overlays.append(
            PodOverlay(workloads={"triggerer", *TASK_RUNNERS}, environment={CONNECTION: _connection(context)})
        )
    return Feature(overlays=overlays)


def _connection(context: InstanceContext) -> str:
    """The connection to this cluster and to the namespace for tasks, with the sidecar that holds results."""
    extra = {
        "in_cluster": True,
        "namespace": context.settings.task_namespace,
        "xcom_sidecar_container_image": context.settings.pod_operator.xcom_image,
    }
    return json.dumps({"conn_type": "kubernetes", "extra": extra}, sort_keys=True)


def _defaults(context: InstanceContext) -> dict[str, Any]:
    """The values that scripts/pod_defaults.py reads."""
    settings, cloud = context.settings, context.cloud
    resources = context.resources(settings.pod_operator)
    identity = cloud.identities.get("pod")
    return {
        "namespace": settings.task_namespace,
        "instance_namespace": settings.namespace,
        "executor_prefix": executor_prefix(context.name),
        "labels": {**context.labels("pod"), **(identity.pod_labels if identity is not None else {})}
        | {"app.kubernetes.io/managed-by": "airflow"},
        "service_account": context.accounts.get("pod"),
        "pull_secret": context.pull_secret,
        "node_selector": dict(cloud.task_node_selector),
        "taint": cloud.task_taint,
        "user": {"uid": AIRFLOW_UID, "fs_group": AIRFLOW_GID},
        "resources": {
            "cpu": f"{resources.cpu_milli}m",
            "memory": f"{resources.memory_mib}Mi",
            "ephemeral-storage": f"{settings.pod_operator.scratch_gib}Gi",
        },
    }
