"""How tasks run: on Celery workers, in a pod each, or both at once."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from components.settings.model import ImageReference, Model, Replicas, SizeGib, Sizing


class Workers(Sizing):
    """The Celery workers."""

    replicas: Replicas = 1
    """Number of worker pods."""
    concurrency: Annotated[int, Field(ge=1, le=256)] = 16
    """Tasks that one worker runs at once (Airflow's own default)."""
    cpu_milli: Annotated[int, Field(ge=10, le=64_000)] = 200
    """Requested processor time of one worker, in thousandths of a core."""
    memory_mib: Annotated[int, Field(ge=512, le=524_288)] = 3072
    """Memory of one worker, in MiB; a running task takes about 150."""
    grace_seconds: Annotated[int, Field(ge=30, le=86_400)] = 600
    """How long a worker that is told to stop may finish its running tasks, in seconds."""


class Broker(Sizing):
    """The message broker between scheduler and workers."""

    image: ImageReference = "valkey/valkey:8.1-trixie"
    """The image of the broker: `valkey/valkey`, `redis`, or one with the same entrypoint."""
    size_gib: SizeGib = 1
    """Size of the volume at /data, in GiB."""
    cpu_milli: Annotated[int, Field(ge=10, le=64_000)] = 50
    """Requested processor time, in thousandths of a core."""
    memory_mib: Annotated[int, Field(ge=32, le=524_288)] = 128
    """Memory, in MiB."""
    visibility_timeout_seconds: Annotated[int, Field(ge=3600, le=604_800)] = 86_400
    """A task that runs longer than this is delivered a second time; in seconds."""


class Flower(Sizing):
    """Celery's own monitor, behind a generated password."""

    enabled: bool = True
    """Whether Flower is deployed."""
    cpu_milli: Annotated[int, Field(ge=10, le=64_000)] = 50
    """Requested processor time, in thousandths of a core."""
    memory_mib: Annotated[int, Field(ge=32, le=524_288)] = 384
    """Memory, in MiB."""


class TaskPods(Sizing):
    """The pods that the Kubernetes executor starts, one for each task."""

    cpu_milli: Annotated[int, Field(ge=10, le=64_000)] = 50
    """Requested processor time of one task, in thousandths of a core."""
    memory_mib: Annotated[int, Field(ge=128, le=524_288)] = 512
    """Memory of one task, in MiB."""
    grace_seconds: Annotated[int, Field(ge=30, le=86_400)] = 600
    """How long a task that is told to stop may go on, in seconds."""
    created_per_heartbeat: Annotated[int, Field(ge=1, le=256)] = 16
    """Pods that the scheduler creates at most in one heartbeat; Airflow's own default of 1 makes bursts crawl."""
    keep_failed: bool = False
    """Whether pods of failed tasks stay for inspection."""


class CeleryExecutor(Model):
    """Tasks run on Celery workers."""

    kind: Literal["celery"]
    workers: Workers = Workers()
    """The Celery workers."""
    broker: Broker = Broker()
    """The message broker between scheduler and workers."""
    flower: Flower = Flower()
    """Celery's own monitor."""


class KubernetesExecutor(Model):
    """Each task runs in a pod of its own."""

    kind: Literal["kubernetes"]
    task_pods: TaskPods = TaskPods()
    """The pods that the executor starts."""


class MixedExecutor(Model):
    """Both: Celery by default, a pod of its own for tasks that say `executor="KubernetesExecutor"`."""

    kind: Literal["celery+kubernetes"]
    workers: Workers = Workers()
    """The Celery workers."""
    broker: Broker = Broker()
    """The message broker between scheduler and workers."""
    flower: Flower = Flower()
    """Celery's own monitor."""
    task_pods: TaskPods = TaskPods()
    """The pods that the Kubernetes executor starts."""


Executor = Annotated[CeleryExecutor | KubernetesExecutor | MixedExecutor, Field(discriminator="kind")]
