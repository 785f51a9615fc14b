"""The pods that the Kubernetes executor starts: one template, read by the scheduler."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_kubernetes.core.v1 import ConfigMap, ConfigMapVolumeSourceArgs, VolumeArgs, VolumeMountArgs

from components.airflow.context import InstanceContext
from components.airflow.pods.options import POD_TEMPLATE
from components.airflow.pods.template import NOT_EVICTABLE, WorkloadPod, options_map, pod_template
from components.kubernetes import manifest
from components.settings.sections.executor import TaskPods

BASE_CONTAINER: Final = "base"
"""The executor looks for its container by this name."""


@dataclass(frozen=True, kw_only=True)
class PodTemplate:
    """The template as the scheduler mounts it."""

    volume: VolumeArgs
    mount: VolumeMountArgs


def task_pod(context: InstanceContext, task_pods: TaskPods) -> WorkloadPod:
    """The pod of one task; the executor replaces its arguments."""
    return WorkloadPod(
        workload="task",
        container=BASE_CONTAINER,
        args=["python", "--version"],
        resources=context.resources(task_pods),
        scratch_gib=task_pods.scratch_gib,
        waits_for="nothing",
        # A stopped pod's signal reaches the process that supervises the task first.
        environment={"DUMB_INIT_SETSID": "0"},
        restart_policy="Never",
        annotations=NOT_EVICTABLE,
        grace_seconds=task_pods.grace_seconds,
    )


def template(context: InstanceContext, task_pods: TaskPods, child: pulumi.ResourceOptions) -> PodTemplate:
    """The template's ConfigMap, under a new name whenever its content changes."""
    options = options_map(context, "task", child)
    pod = pod_template(context, task_pod(context, task_pods), options.metadata.name)
    text = manifest.json_text({"apiVersion": "v1", "kind": "Pod", "metadata": pod.metadata, "spec": pod.spec})
    config_map = ConfigMap(
        f"{context.name}-task-template",
        metadata=context.metadata("task", fixed=False),
        immutable=True,
        data={"task.yaml": text},
        opts=child,
    )
    folder = POD_TEMPLATE.rpartition("/")[0]
    return PodTemplate(
        volume=VolumeArgs(name="pod-template", config_map=ConfigMapVolumeSourceArgs(name=config_map.metadata.name)),
        mount=VolumeMountArgs(name="pod-template", mount_path=folder, read_only=True),
    )
