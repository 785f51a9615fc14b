"""The pods that the Kubernetes executor starts: one template, read by the scheduler."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pulumi
from pulumi_kubernetes.core.v1 import ConfigMap, ConfigMapVolumeSourceArgs, VolumeArgs, VolumeMountArgs
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.airflow.context import InstanceContext
from components.airflow.feature import Feature, Features, PodOverlay
from components.airflow.pods.template import NOT_EVICTABLE, WorkloadPod, create_options, pod_template
from components.airflow.task_space.admission import create_tied_policy
from components.airflow.task_space.references import task_references
from components.airflow.volumes import create_files
from components.kubernetes import manifest, naming
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
                    # Airflow reads the second only if the first is true,
                    # https://airflow.apache.org/docs/apache-airflow-providers-cncf-kubernetes/stable/configurations-ref.html.
                    ("kubernetes_executor", "delete_worker_pods"): str(task_pods.keep != "all"),
                    ("kubernetes_executor", "delete_worker_pods_on_failure"): str(task_pods.keep == "none"),
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
    overlays = _template_overlays(context, text)
    if context.settings.tasks_tied:
        overlays += create_tied_policy(context, task_references(context, features)).overlays
    return Feature(overlays=overlays)


def _template_overlays(context: InstanceContext, text: pulumi.Output[str]) -> list[PodOverlay]:
    """The template in the scheduler, from a ConfigMap that gets a new name whenever its content changes.

    A DAG image of its own is not part of the name: the ConfigMap then changes in place, and the scheduler, which reads
    the template for each pod (cncf.kubernetes 10.22.0, kubernetes_executor_utils.py), does not restart. Until its node
    has the new content, a minute at most, task pods start with the former DAG image.
    """
    images = [source.image.reference for source in context.settings.dags if source.image is not None]
    name, files = "task-template", {"task.yaml": text}
    mount = VolumeMountArgs(name="pod-template", mount_path=POD_TEMPLATE.rpartition("/")[0], read_only=True)
    if not images:
        return create_files(
            context, name, volume="pod-template", owner="task", files=files, workloads={"scheduler"}, mounts=[mount]
        )
    fixed = text.apply(lambda content: template_name(context.name, content, images))
    ConfigMap(
        f"{context.name}-{name}",
        metadata=ObjectMetaArgs(name=fixed, namespace=context.namespace, labels=context.labels("task")),
        data=files,
        opts=context.child,
    )
    # The name, and not the resource's output: the plugin replaces a ConfigMap of a fixed name by deleting it first, and
    # the engine would delete and create everything that uses its output. A pod waits for a ConfigMap that is missing.
    volume = VolumeArgs(name="pod-template", config_map=ConfigMapVolumeSourceArgs(name=fixed))
    return [PodOverlay(workloads={"scheduler"}, volumes=[volume], mounts=[mount])]


def template_name(instance: str, text: str, images: Sequence[str]) -> str:
    """The name of the ConfigMap with a template: it depends on everything in the text but these images."""
    for image in images:
        text = text.replace(image, "")
    return naming.object_name(instance, "task-template", naming.digest(text))


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
