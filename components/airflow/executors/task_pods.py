"""The pods that the Kubernetes executor starts: one template, read by the scheduler."""

from __future__ import annotations

from typing import Final

from pulumi_kubernetes.core.v1 import VolumeMountArgs

from components.airflow.context import InstanceContext
from components.airflow.feature import Feature, Features, PodOverlay
from components.airflow.pods.template import NOT_EVICTABLE, WorkloadPod, create_options, pod_template
from components.airflow.volumes import create_files
from components.kubernetes import manifest
from components.settings.sections.executor import TaskPods
from components.settings.sections.options import Reserved

POD_RETRIES: Final = 10
"""Attempts to create a task's pod before the task fails. With Airflow's own default, 0, one 503 response of the
Kubernetes API fails the task: a zonal control plane returns 503 for minutes during an upgrade."""
POD_TEMPLATE: Final = "/opt/airflow/pod_templates/task.yaml"
BASE_CONTAINER: Final = "base"
"""The executor looks for its container by this name."""

RESERVED: Final[Reserved] = {
    ("kubernetes_executor", "namespace"): None,
    ("kubernetes_executor", "pod_template_file"): None,
}


def create_feature(context: InstanceContext) -> Feature:
    """The options of the Kubernetes executor; empty without it."""
    task_pods = context.settings.executor.pods
    if task_pods is None:
        return Feature()
    return Feature(
        overlays=[
            PodOverlay(
                workloads={"scheduler", "api-server"},
                options={("kubernetes_executor", "namespace"): context.namespace_of("task")},
            ),
            PodOverlay(
                workloads={"scheduler"},
                options={("kubernetes_executor", "pod_template_file"): POD_TEMPLATE},
                default_options={
                    ("kubernetes_executor", "delete_worker_pods_on_failure"): str(not task_pods.keep_failed),
                    ("kubernetes_executor", "worker_pods_creation_batch_size"): str(task_pods.created_per_heartbeat),
                    ("kubernetes_executor", "task_publish_max_retries"): str(POD_RETRIES),
                },
            ),
        ]
    )


def create_template(context: InstanceContext, features: Features) -> Feature:
    """The template of task pods, mounted by the scheduler; empty without the Kubernetes executor.

    Its ConfigMap gets a new name whenever its content changes. A task pod has all other features.
    """
    task_pods = context.settings.executor.pods
    if task_pods is None:
        return Feature()
    options = create_options(context, features, "task", context.child)
    pod = pod_template(context, features, task_pod(context, task_pods), options.metadata.name)
    text = manifest.json_text({"apiVersion": "v1", "kind": "Pod", "metadata": pod.metadata, "spec": pod.spec})
    folder = POD_TEMPLATE.rpartition("/")[0]
    return Feature(
        overlays=create_files(
            context,
            "task-template",
            volume="pod-template",
            owner="task",
            files={"task.yaml": text},
            workloads={"scheduler"},
            mounts=[VolumeMountArgs(name="pod-template", mount_path=folder, read_only=True)],
        )
    )


def task_pod(context: InstanceContext, task_pods: TaskPods) -> WorkloadPod:
    """The pod of one task; the executor replaces its arguments."""
    return WorkloadPod(
        workload="task",
        container=BASE_CONTAINER,
        namespace=context.namespace_of("task"),
        args=["python", "--version"],
        resources=context.resources(task_pods),
        scratch_gib=task_pods.scratch_gib,
        # When the pod is stopped, the signal goes first to the process that supervises the task.
        environment={"DUMB_INIT_SETSID": "0"},
        restart_policy="Never",
        annotations=NOT_EVICTABLE,
        grace_seconds=task_pods.grace_seconds,
    )
