"""A feature: everything that one capability adds to an instance, as one value.

A feature is a module with a constant `RESERVED` and a function `create_feature`; `instance.FEATURES` lists them. The
pod template, the options and the credentials of a workload are sums over all features and name none of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

import pulumi
from pulumi_kubernetes.core.v1 import ContainerArgs, TolerationArgs, VolumeArgs, VolumeMountArgs

from components.airflow.secrets.credential import Credential
from components.contract.workloads import Workload
from components.kubernetes.pods import ScratchFolder
from components.settings.sections.options import Option, Reserved
from components.settings.sections.strategy import Strategy
from components.settings.types import Resources

if TYPE_CHECKING:
    from components.airflow.context import InstanceContext

Options = Mapping[Option, pulumi.Input[str]]


OPTION_PREFIX: Final = "AIRFLOW__"


def variable(option: Option) -> str:
    """The environment variable of an option."""
    section, name = option
    return f"{OPTION_PREFIX}{section.upper()}__{name.upper()}"


def option_of(variable: str) -> Option:
    """The option that an environment variable sets."""
    section, _, name = variable.removeprefix(OPTION_PREFIX).partition("__")
    return section.lower(), name.lower()


@dataclass(frozen=True, kw_only=True)
class InitContainer:
    """An init container with Airflow's image, options and credentials."""

    name: str
    args: Sequence[str]
    resources: Resources


@dataclass(frozen=True, kw_only=True)
class PodOverlay:
    """Additions of a feature to the pods of some workloads; overlays are applied in the order of the features."""

    workloads: Collection[Workload]
    options: Options = field(default_factory=dict[Option, pulumi.Input[str]])
    """Options that `airflow:options` may not change; the feature's module lists them in `RESERVED`."""
    default_options: Options = field(default_factory=dict[Option, pulumi.Input[str]])
    """Options that a later feature, and so `airflow:options`, may change."""
    environment: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, pulumi.Input[str]])
    arguments: Sequence[str] = ()
    """Further arguments of the main container."""
    scratch: Sequence[ScratchFolder] = ()
    """Folders; the pod's own size is its `scratch_gib`."""
    volumes: Sequence[VolumeArgs] = ()
    mounts: Sequence[VolumeMountArgs] = ()
    init_mounts: bool = False
    """Whether init containers have the scratch folders and mounts as well."""
    setup: Sequence[ContainerArgs] = ()
    """Init containers with an image of their own; they run before those with Airflow's image."""
    init_containers: Sequence[InitContainer] = ()
    sidecars: Sequence[ContainerArgs] = ()
    """Native sidecars: they start before the init containers."""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    annotations: Mapping[str, str] = field(default_factory=dict[str, str])
    kubernetes_api: bool = False
    """Whether the pod gets a token for the Kubernetes API."""
    node_selector: Mapping[str, str] = field(default_factory=dict[str, str])
    taint: str | None = None
    """Key of a taint with effect NoSchedule that the pod tolerates."""
    tolerations: Sequence[TolerationArgs] = ()
    """Further taints that the pod tolerates."""
    affinity: Mapping[str, Any] | None = None
    """Nodes and neighbours, in the fields of Kubernetes; the last one counts."""
    priority_class: str | None = None
    """An existing PriorityClass; the last one counts."""
    min_ready_seconds: int | None = None
    """How long a new pod must be ready before a roll-out goes on; the last one counts."""
    strategy: Strategy | None = None
    """Strategy by which a roll-out replaces pods; the last one counts."""
    patches: Sequence[Mapping[str, Any]] = ()
    """Strategic merge patches of the rendered pod spec, in the fields of Kubernetes."""
    checksums: Sequence[pulumi.Input[str]] = ()
    """Hashes of content that the pod reads and its spec does not show: a change restarts the pod."""


def last(values: Iterable[Any]) -> Any:
    """The last value that is set; None if none is."""
    return next((value for value in reversed(list(values)) if value is not None), None)


@dataclass(frozen=True, kw_only=True)
class Feature:
    """Everything that one capability adds to an instance."""

    overlays: Sequence[PodOverlay] = ()
    credentials: Sequence[Credential] = ()
    outputs: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, pulumi.Input[str]])
    """Outputs of the stack."""


class FeatureModule(Protocol):
    """The module of a feature."""

    @property
    def RESERVED(self) -> Reserved:  # noqa: N802 - a constant of the module
        """The options that the feature sets, or relies on at Airflow's own default."""
        ...

    def create_feature(self, context: InstanceContext) -> Feature:
        """The feature, after its own resources are registered; empty where the stack does not use it."""
        ...


@dataclass(frozen=True, kw_only=True)
class Features:
    """The sum of all features of an instance."""

    features: Sequence[Feature]

    def with_feature(self, feature: Feature) -> Features:
        """The sum with one more, whose own resources depend on the others."""
        return Features(features=[*self.features, feature])

    def overlays(self, workload: Workload) -> list[PodOverlay]:
        """The overlays of a workload's pods."""
        return [overlay for feature in self.features for overlay in feature.overlays if workload in overlay.workloads]

    def variables(self, workload: Workload) -> dict[str, pulumi.Input[str]]:
        """The options of a workload as environment variables, sorted by section and name. No secret is among them."""
        overlays = self.overlays(workload)
        options: dict[Option, pulumi.Input[str]] = {}
        for overlay in overlays:
            options.update(overlay.default_options)
        for overlay in overlays:
            options.update(overlay.options)
        return {variable(option): options[option] for option in sorted(options)}

    def outputs(self) -> dict[str, pulumi.Input[str]]:
        """The outputs of the stack."""
        return {key: value for feature in self.features for key, value in feature.outputs.items()}

    def credentials(self, workload: Workload) -> list[Credential]:
        """The credentials of a workload."""
        return [
            credential
            for feature in self.features
            for credential in feature.credentials
            if workload in credential.readers
        ]
