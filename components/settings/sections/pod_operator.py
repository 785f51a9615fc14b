"""Pods that tasks start through operators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Protocol

from pydantic import Field

from components.settings.sections.executor import TaskPods
from components.settings.types import CpuMilli, ImageReference, Model, PodResources

OPERATOR_PODS: Final = 64
"""Pods of operators at once, in the default quota."""
OPERATOR_MILLI: Final = 1000
"""Mean request of processor time of these pods, in thousandths of a core."""
OPERATOR_MIB: Final = 2048
"""Mean request of memory of these pods, in MiB."""


class Quota(Model):
    """The most that all pods in the namespace for tasks may use at once.

    Where the pods of the Kubernetes executor live there too, they count, and a value below their own need is refused.
    """

    pods: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Number of pods that have not ended; default: 64, and `executor.task_pods.max_running_tasks`."""
    cpu_milli: Annotated[int, Field(ge=100, le=10_000_000)] | None = None
    """Sum of the requested processor time, in thousandths of a core; default: 64,000, and what the executor's pods
    request."""
    memory_mib: Annotated[int, Field(ge=128, le=100_000_000)] | None = None
    """Sum of the requested memory, in MiB; default: 131,072, and what the executor's pods request."""


class Requests(Protocol):
    """The requests of one container."""

    @property
    def cpu_milli(self) -> int:
        """Processor time, in thousandths of a core."""
        ...

    @property
    def memory_mib(self) -> int:
        """Memory, in MiB."""
        ...


class Limits(Model):
    """A quota in numbers."""

    pods: int
    cpu_milli: int
    memory_mib: int

    def __add__(self, other: Limits) -> Limits:
        """The sum of two quotas."""
        return Limits(
            pods=self.pods + other.pods,
            cpu_milli=self.cpu_milli + other.cpu_milli,
            memory_mib=self.memory_mib + other.memory_mib,
        )


class PodOperator(PodResources):
    """Pods that tasks start through operators, in the namespace for tasks."""

    CLOUD_MILLI = 250
    EXISTING_MILLI = 50

    enabled: bool = True
    """Whether tasks may start pods (KubernetesPodOperator)."""
    jobs: bool = False
    """Whether tasks may start Jobs as well (KubernetesJobOperator)."""
    cpu_milli: CpuMilli | None = None
    """Requested processor time of a container whose author requests none, in thousandths of a core; default: 250, and
    50 on existing clusters."""
    memory_mib: Annotated[int, Field(ge=32, le=524_288)] = 512
    """Request and limit of memory of a container whose author sets none, in MiB."""
    xcom_image: ImageReference = "alpine:3.24.1"
    """Image of the sidecar that holds the result of a pod (XCom): one with `sh`, `cat` and `pgrep`."""
    quota: Quota = Quota()
    """The most that all these pods may use at once."""

    def limits(self, executor: Limits) -> Limits:
        """The quota of the namespace, set or default.

        Args:
            executor: what the pods of the executor in this namespace use.
        """
        default = executor + Limits(
            pods=OPERATOR_PODS, cpu_milli=OPERATOR_PODS * OPERATOR_MILLI, memory_mib=OPERATOR_PODS * OPERATOR_MIB
        )
        own = {key: value for key, value in self.quota.model_dump().items() if value is not None}
        return default.model_copy(update=own)


def executor_limits(
    task_pods: TaskPods | None,
    *,
    existing_cluster: bool,
    sidecars: Sequence[Requests] = (),
    init_containers: Sequence[Requests] = (),
) -> Limits:
    """The most that the pods of the Kubernetes executor use at once; nothing without it.

    Args:
        task_pods: the pods of the executor.
        existing_cluster: whether the stack runs on an existing cluster.
        sidecars: containers that run beside each task.
        init_containers: containers that run before each task, one after another.
    """
    if task_pods is None:
        return Limits(pods=0, cpu_milli=0, memory_mib=0)
    task: Requests = task_pods.resources(existing_cluster=existing_cluster)
    number = task_pods.max_running_tasks
    # https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers
    return Limits(
        pods=number,
        cpu_milli=number
        * (sum(each.cpu_milli for each in sidecars) + max(e.cpu_milli for e in (task, *init_containers))),
        memory_mib=number
        * (sum(each.memory_mib for each in sidecars) + max(e.memory_mib for e in (task, *init_containers))),
    )
