"""The one choice between executors: which of their parts a stack has."""

from __future__ import annotations

from dataclasses import dataclass

from components.settings.sections.executor import (
    Broker,
    CeleryExecutor,
    Executor,
    Flower,
    KubernetesExecutor,
    MixedExecutor,
    TaskPods,
    Workers,
)


@dataclass(frozen=True, kw_only=True)
class CeleryParts:
    """What runs tasks on Celery."""

    workers: Workers
    broker: Broker
    flower: Flower


@dataclass(frozen=True, kw_only=True)
class ExecutorParts:
    """What an executor consists of; at least one of the two is there."""

    name: str
    """Airflow's own name or names; of several the first is the default."""
    celery: CeleryParts | None
    task_pods: TaskPods | None


def parts_of(executor: Executor) -> ExecutorParts:
    """The parts of an executor."""
    match executor:
        case CeleryExecutor(workers=workers, broker=broker, flower=flower):
            celery = CeleryParts(workers=workers, broker=broker, flower=flower)
            return ExecutorParts(name="CeleryExecutor", celery=celery, task_pods=None)
        case KubernetesExecutor(task_pods=task_pods):
            return ExecutorParts(name="KubernetesExecutor", celery=None, task_pods=task_pods)
        case MixedExecutor(workers=workers, broker=broker, flower=flower, task_pods=task_pods):
            celery = CeleryParts(workers=workers, broker=broker, flower=flower)
            return ExecutorParts(name="CeleryExecutor,KubernetesExecutor", celery=celery, task_pods=task_pods)
