"""The executor: Celery workers, a pod for each task, or both."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from components.settings.types import (
    CpuMilli,
    ImageReference,
    Model,
    PodResources,
    Replicas,
    Resources,
    ScratchGib,
    SizeGib,
)

WORKER_MILLI: Final = 100
"""Processor time of each task of a worker, in thousandths of a core; a worker requests the sum."""
WORKER_MIB: Final = 400
"""Memory of a worker without tasks: the parent process and its log server."""
TASK_MIB: Final = 150
"""Additional memory of a trivial task. When memory runs out, the kernel kills all processes of a container, not one
(cgroup v2 since Kubernetes 1.28, https://github.com/kubernetes/kubernetes/pull/117793)."""


class Workers(PodResources):
    """The Celery workers."""

    replicas: Replicas = 1
    """Number of worker pods."""
    concurrency: Annotated[int, Field(ge=1, le=256)] = 8
    """Maximum number of concurrent tasks of one worker."""
    EXISTING_MILLI = 200

    cpu_milli: CpuMilli | None = None
    """Requested processor time of one worker, in thousandths of a core; default: 100 for each of its tasks, and 200 on
    existing clusters."""
    memory_mib: Annotated[int, Field(ge=512, le=524_288)] = 3072
    """Memory of one worker, in MiB: at least 400, and 150 for each of its tasks."""
    scratch_gib: ScratchGib = 4
    """Request and limit of ephemeral storage of one worker, shared by its tasks, in GiB."""
    grace_seconds: Annotated[int, Field(ge=30, le=86_400)] = 600
    """Time that a stopping worker has to finish its running tasks, in seconds."""

    def cloud_milli(self) -> int:
        """Default request of processor time on a cloud, in thousandths of a core."""
        return WORKER_MILLI * self.concurrency

    @property
    def memory_needed_mib(self) -> int:
        """Minimum memory for that many concurrent tasks."""
        return WORKER_MIB + TASK_MIB * self.concurrency


class Broker(Resources):
    """The message broker between scheduler and workers."""

    image: ImageReference = "valkey/valkey:8.1-trixie"
    """The image of the broker: `valkey/valkey`, `redis`, or one with the same entrypoint."""
    size_gib: SizeGib = 1
    """Size of the volume at /data, in GiB."""
    cpu_milli: Annotated[int, Field(ge=10, le=64_000)] = 50
    """Requested processor time, in thousandths of a core."""
    memory_mib: Annotated[int, Field(ge=64, le=524_288)] = 256
    """Memory, in MiB; messages may use five eighths of it; the rest is for writing them to disk."""
    visibility_timeout_seconds: Annotated[int, Field(ge=3600, le=604_800)] = 86_400
    """Time after which a task that still runs is delivered again, in seconds."""


class Flower(Resources):
    """Flower, the monitor of Celery, protected by a generated password."""

    enabled: bool = False
    """Whether Flower is deployed."""
    cpu_milli: Annotated[int, Field(ge=10, le=64_000)] = 50
    """Requested processor time, in thousandths of a core."""
    memory_mib: Annotated[int, Field(ge=32, le=524_288)] = 384
    """Memory, in MiB."""


class TaskPods(PodResources):
    """Pods of the Kubernetes executor, one for each task."""

    CLOUD_MILLI = 250
    EXISTING_MILLI = 50

    cpu_milli: CpuMilli | None = None
    """Requested processor time of one task, in thousandths of a core; default: 250, and 50 on existing clusters."""
    memory_mib: Annotated[int, Field(ge=128, le=524_288)] = 512
    """Memory of one task, in MiB."""
    grace_seconds: Annotated[int, Field(ge=30, le=86_400)] = 600
    """Time that a stopping task has to finish, in seconds."""
    created_per_heartbeat: Annotated[int, Field(ge=1, le=256)] = 16
    """Maximum number of pods that the scheduler creates in one heartbeat. Airflow's own default of 1 delays bursts."""
    max_running_tasks: Annotated[int, Field(ge=1, le=10_000)] = 32
    """Maximum number of concurrent task pods of all schedulers together; `default_pool` has 128 slots by default."""
    keep: Literal["none", "failed", "all"] = "none"
    """Pods of ended tasks that stay, to be looked at. Delete them yourself in time."""


class _Executor(Model):
    """Common interface of all executors, so that no other module distinguishes them."""

    AIRFLOW_NAME: ClassVar[str]
    """Name or names of the executor in Airflow; the first is the default."""

    @property
    def celery(self) -> Celery | None:
        """Workers, broker and Flower; None without Celery."""
        return None

    @property
    def pods(self) -> TaskPods | None:
        """Pods of the Kubernetes executor; None without it."""
        return None


class Celery(_Executor):
    """An executor with Celery."""

    workers: Workers = Workers()
    """The Celery workers."""
    broker: Broker = Broker()
    """The message broker between scheduler and workers."""
    flower: Flower = Flower()
    """The monitor of Celery."""

    @property
    def celery(self) -> Celery:
        """Workers, broker and Flower."""
        return self


class CeleryExecutor(Celery):
    """Tasks run on Celery workers."""

    AIRFLOW_NAME = "CeleryExecutor"

    kind: Literal["celery"]


class KubernetesExecutor(_Executor):
    """Each task runs in its own pod."""

    AIRFLOW_NAME = "KubernetesExecutor"

    kind: Literal["kubernetes"]
    task_pods: TaskPods = TaskPods()
    """Pods of the Kubernetes executor."""

    @property
    def pods(self) -> TaskPods:
        """Pods of the Kubernetes executor."""
        return self.task_pods


class MixedExecutor(Celery):
    """Both: Celery by default, and a pod for each task that sets `executor="KubernetesExecutor"`."""

    AIRFLOW_NAME = "CeleryExecutor,KubernetesExecutor"

    kind: Literal["celery+kubernetes"]
    task_pods: TaskPods = TaskPods()
    """Pods of the Kubernetes executor."""

    @property
    def pods(self) -> TaskPods:
        """Pods of the Kubernetes executor."""
        return self.task_pods


Executor = Annotated[CeleryExecutor | KubernetesExecutor | MixedExecutor, Field(discriminator="kind")]
