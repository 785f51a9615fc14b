"""Additions of a stack to the pods of each workload: environment, metadata, placement, volumes, containers, patches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator

from components.settings.sections.affinity import Affinity
from components.settings.sections.pod_containers import InitContainer, Mount, Sidecar
from components.settings.sections.pod_volumes import AnyPodVolume
from components.settings.sections.strategy import Strategy
from components.settings.types import KubernetesName, LabelKey, LabelValue, Model, Variable

Target = Literal[
    "all", "api_server", "scheduler", "dag_processor", "triggerer", "worker", "flower", "redis", "migration", "task"
]
"""Workloads as `airflow:components` writes them, with `_` in place of `-`."""
ALL: Final = "all"
FOREIGN: Final = frozenset({"redis"})
"""Workloads without Airflow's image. `all` gives them labels, annotations and placement, and nothing else."""
OF_EVERY_WORKLOAD: Final = frozenset(
    {"labels", "annotations", "node_selector", "tolerations", "affinity", "priority_class"}
)
"""The fields of `all` that workloads without Airflow's image have as well."""


class PodToleration(Model):
    """A taint of nodes that pods tolerate."""

    key: LabelKey | None = None
    """Key of the taint; default: every taint."""
    value: LabelValue | None = None
    """Value of the taint; default: any value."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Effect of the taint; default: every effect."""
    seconds: Annotated[int, Field(ge=0, le=86_400)] | None = None
    """How long a pod stays on a node that gets the taint, in seconds; only with NoExecute. Default: for ever."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.key is None and self.value is not None:
            raise ValueError("has a value and no key; set key")
        if self.seconds is not None and self.effect != "NoExecute":
            raise ValueError("has seconds, which only the effect NoExecute takes; remove them")
        return self


class PodAdditions(Model):
    """Additions to the pods of one workload, or of all."""

    environment: Annotated[dict[Variable, str], Field(title="variable, text")] = Field(default_factory=dict)
    """Variables of the environment, as plain text, in the containers with Airflow's image."""
    secret_environment: Annotated[tuple[Variable, ...], Field(strict=False, title="list of variables")] = ()
    """Names of secret variables of these containers. The value of each is set with
    `pulumi config set --secret --path airflow:secret_environment.NAME`."""
    labels: Annotated[dict[LabelKey, LabelValue], Field(title="label, text")] = Field(default_factory=dict)
    """Labels of the pods."""
    annotations: Annotated[dict[LabelKey, str], Field(title="annotation, text")] = Field(default_factory=dict)
    """Annotations of the pods."""
    node_selector: Annotated[dict[LabelKey, LabelValue], Field(title="label, text")] = Field(default_factory=dict)
    """Labels of the nodes on which the pods run, besides those that the program requires."""
    tolerations: Annotated[tuple[PodToleration, ...], Field(strict=False)] = ()
    """Taints of nodes that the pods tolerate, besides those that the program adds."""
    affinity: Annotated[Affinity | None, Field(title="nodeAffinity, podAffinity, podAntiAffinity of Kubernetes")] = None
    """Nodes and neighbours of the pods, in the fields of Kubernetes."""
    priority_class: KubernetesName | None = None
    """An existing PriorityClass."""
    volumes: Annotated[tuple[AnyPodVolume, ...], Field(strict=False)] = ()
    """Volumes of the pods: existing objects in their namespace, and empty folders."""
    mounts: Annotated[tuple[Mount, ...], Field(strict=False)] = ()
    """Mounts of these volumes in the main container."""
    init_containers: Annotated[tuple[InitContainer, ...], Field(strict=False)] = ()
    """Containers that run one after another before Airflow starts."""
    sidecars: Annotated[tuple[Sidecar, ...], Field(strict=False)] = ()
    """Containers that start before all others and run as long as the pod."""
    min_ready_seconds: Annotated[int, Field(ge=0, le=3600)] | None = None
    """How long a new pod must be ready before a roll-out goes on, in seconds; default: 0."""
    strategy: Strategy | None = None
    """Strategy by which a roll-out replaces pods; default: that of the program."""

    patch: Annotated[dict[str, Any], Field(title="fields of a PodSpec of Kubernetes")] = Field(default_factory=dict)
    """A strategic merge patch of the rendered pod spec, for fields without a key here. Containers are found by their
    names; null removes a field."""

    def with_own(self, own: PodAdditions) -> PodAdditions:
        """These additions for all workloads together with a workload's own.

        Maps are united, and the workload's values replace those of `all`. Lists are joined; an entry with a name, and a
        mount of a path, replaces the one of `all`. Everything else replaces that of `all`.
        """
        return PodAdditions(
            environment={**self.environment, **own.environment},
            secret_environment=tuple(dict.fromkeys((*self.secret_environment, *own.secret_environment))),
            labels={**self.labels, **own.labels},
            annotations={**self.annotations, **own.annotations},
            node_selector={**self.node_selector, **own.node_selector},
            tolerations=tuple(dict.fromkeys((*self.tolerations, *own.tolerations))),
            affinity=own.affinity if own.affinity is not None else self.affinity,
            priority_class=own.priority_class if own.priority_class is not None else self.priority_class,
            volumes=tuple({volume.name: volume for volume in (*self.volumes, *own.volumes)}.values()),
            mounts=tuple({mount.path: mount for mount in (*self.mounts, *own.mounts)}.values()),
            init_containers=tuple({each.name: each for each in (*self.init_containers, *own.init_containers)}.values()),
            sidecars=tuple({each.name: each for each in (*self.sidecars, *own.sidecars)}.values()),
            min_ready_seconds=own.min_ready_seconds if own.min_ready_seconds is not None else self.min_ready_seconds,
            strategy=own.strategy if own.strategy is not None else self.strategy,
        )

    def of_every_workload(self) -> PodAdditions:
        """These additions without what only containers with Airflow's image can have."""
        return PodAdditions.model_construct(**{key: getattr(self, key) for key in OF_EVERY_WORKLOAD})


Pods = dict[Target, PodAdditions]


def additions(pods: Mapping[Target, PodAdditions], target: Target) -> PodAdditions:
    """The additions to the pods of one workload: those of `all`, and its own. For patches, see `patches`."""
    every, own = pods.get(ALL, PodAdditions()), pods.get(target, PodAdditions())
    return (every.of_every_workload() if target in FOREIGN else every).with_own(own)


def patches(pods: Mapping[Target, PodAdditions], target: Target) -> list[Mapping[str, Any]]:
    """The patches of one workload's pod spec, in the order in which they are applied: that of `all` first."""
    chosen = [pods[each].patch for each in (ALL, target) if each in pods and not (each == ALL and target in FOREIGN)]
    return [patch for patch in chosen if patch]
