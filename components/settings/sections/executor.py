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
"""For each task of a worker, which all request together."""
WORKER_MIB: Final = 400
"""What a worker takes before it runs a task: the parent process and the server of its logs."""
TASK_MIB: Final = 150
"""What a trivial task takes beyond that. When memory runs out, the kernel ends all processes of a container, not one
(cgroup v2 since Kubernetes 1.28, https://github.com/kubernetes/kubernetes/pull/117793)."""


class Workers(PodResources):
    """The Celery workers."""

    replicas: Replicas = 1
    """Number of worker pods."""
    concurrency: Annotated[int, Field(ge=1, le=256)] = 8
    """Tasks that one worker runs at once."""
    EXISTING_MILLI = 200

    cpu_milli: CpuMilli | None = None
    """Requested processor time of one worker, in thousandths of a core; default: 100 for each of its tasks, and 200 on
    existing clusters."""
    memory_mib: Annotated[int, Field(ge=512, le=524_288)] = 3072
    """Memory of one worker, in MiB: at least 400, and 150 for each of its tasks."""
    scratch_gib: ScratchGib = 4
    """What the tasks of one worker may write to its node's disk, in GiB: requested, and the limit."""
    grace_seconds: Annotated[int, Field(ge=30, le=86_400)] = 600
    """How long a worker that is told to stop may finish its running tasks, in seconds."""

    def cloud_milli(self) -> int:
        """The processor time that it requests on a cloud unless the stack says otherwise."""
        return WORKER_MILLI * self.concurrency

    @property
    def memory_needed_mib(self) -> int:
        """The least memory for that many tasks at once."""
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
    """Memory, in MiB; messages may take five eighths of it, and the rest is for writing them to disk."""
    visibility_timeout_seconds: Annotated[int, Field(ge=3600, le=604_800)] = 86_400
    """A task that runs longer than this is delivered a second time; in seconds."""


class Flower(Resources):
    """Celery's own monitor, behind a generated password."""

    enabled: bool = False
    """Whether Flower is deployed."""
    cpu_milli: Annotated[int, Field(ge=10, le=64_000)] = 50
    """Requested processor time, in thousandths of a core."""
    memory_mib: Annotated[int, Field(ge=32, le=524_288)] = 384
    """Memory, in MiB."""


class TaskPods(PodResources):
    """The pods that the Kubernetes executor starts, one for each task."""

    CLOUD_MILLI = 250
    EXISTING_MILLI = 50

    cpu_milli: CpuMilli | None = None
    """Requested processor time of one task, in thousandths of a core; default: 250, and 50 on existing clusters."""
    memory_mib: Annotated[int, Field(ge=128, le=524_288)] = 512
    """Memory of one task, in MiB."""
    grace_seconds: Annotated[int, Field(ge=30, le=86_400)] = 600
    """How long a task that is told to stop may go on, in seconds."""
    created_per_heartbeat: Annotated[int, Field(ge=1, le=256)] = 16
    """Pods that the scheduler creates at most in one heartbeat; Airflow's own default of 1 makes bursts crawl."""
    max_running_tasks: Annotated[int, Field(ge=1, le=10_000)] = 32
    """Tasks that run in pods at once, over all schedulers; the pool `default_pool` holds 128 at the start."""
    keep_failed: bool = False
    """Whether pods of failed tasks stay for inspection."""


class _Executor(Model):
    """Common interface of all executors: nothing else asks which one it is."""

    AIRFLOW_NAME: ClassVar[str]
    """Airflow's own name or names; of several the first is the default."""

    @property
    def celery(self) -> Celery | None:
        """Workers, broker and Flower; None without Celery."""
        return None

    @property
    def pods(self) -> TaskPods | None:
        """The pods that the Kubernetes executor starts; None without it."""
        return None


class Celery(_Executor):
    """An executor with Celery."""

    workers: Workers = Workers()
    """The Celery workers."""
    broker: Broker = Broker()
    """The message broker between scheduler and workers."""
    flower: Flower = Flower()
    """Celery's own monitor."""

    @property
    def celery(self) -> Celery:
        """Workers, broker and Flower."""
        return self


class CeleryExecutor(Celery):
    """Tasks run on Celery workers."""

    AIRFLOW_NAME = "CeleryExecutor"

    kind: Literal["celery"]


class KubernetesExecutor(_Executor):
    """Each task runs in a pod of its own."""

    AIRFLOW_NAME = "KubernetesExecutor"

    kind: Literal["kubernetes"]
    task_pods: TaskPods = TaskPods()
    """The pods that the executor starts."""

    @property
    def pods(self) -> TaskPods:
        """The pods that the executor starts."""
        return self.task_pods


class MixedExecutor(Celery):
    """Both: Celery by default, a pod of its own for tasks that say `executor="KubernetesExecutor"`."""

    AIRFLOW_NAME = "CeleryExecutor,KubernetesExecutor"

    kind: Literal["celery+kubernetes"]
    task_pods: TaskPods = TaskPods()
    """The pods that the Kubernetes executor starts."""

    @property
    def pods(self) -> TaskPods:
        """The pods that the Kubernetes executor starts."""
        return self.task_pods


Executor = Annotated[CeleryExecutor | KubernetesExecutor | MixedExecutor, Field(discriminator="kind")]
