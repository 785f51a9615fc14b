"""Context of one instance: the facts that features and workloads share."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.core.v1 import Namespace
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.airflow.secrets.credential import StoredSecret
from components.contract.cloud import Cloud
from components.contract.workloads import Workload
from components.kubernetes import naming
from components.settings.stack import Settings
from components.settings.types import PodResources, Resources


@dataclass(frozen=True, kw_only=True)
class Space:
    """A namespace of an instance, and some of the workloads in it."""

    suffix: str
    """End of the logical names of objects that exist once for each namespace."""
    namespace: pulumi.Output[str]
    workloads: frozenset[Workload]


@dataclass(frozen=True, kw_only=True)
class InstanceContext:
    """The facts that features and workloads of one instance share."""

    settings: Settings
    cloud: Cloud
    component: pulumi.Resource
    """The component of the instance, parent of what a feature registers."""
    namespace_object: Namespace
    task_namespace_object: Namespace | None
    """The namespace for tasks; None if no pod lives there."""
    namespaces: Mapping[Workload, Namespace]
    """The namespace of each workload that the instance has."""
    accounts: Mapping[Workload, pulumi.Output[str]]
    """Names of the ServiceAccounts."""
    secrets: Mapping[str, StoredSecret]
    """The generated Secrets, by the names of the secrets matrix."""
    pull_secret: pulumi.Input[str] | None
    """The Secret for pulls of the Airflow image, of the same name in each namespace; None where pulls need no login."""

    @property
    def name(self) -> str:
        """The instance's name, the prefix of every object."""
        return self.settings.name

    @property
    def namespace(self) -> pulumi.Output[str]:
        """The name of the instance's namespace, resolved when the namespace exists."""
        return self.namespace_object.metadata.name

    @property
    def task_namespace(self) -> pulumi.Output[str]:
        """The name of the namespace for tasks, resolved when the namespace exists."""
        assert self.task_namespace_object is not None, "only pods in the namespace for tasks ask for it"
        return self.task_namespace_object.metadata.name

    def namespace_of(self, workload: Workload) -> pulumi.Output[str]:
        """The name of the namespace of a workload's pods and of all objects that they refer to."""
        return self.namespaces[workload].metadata.name

    def spaces(self, readers: Collection[Workload]) -> list[Space]:
        """The namespaces in which these workloads live. Workloads that the instance does not have are left out."""
        present = frozenset[Workload](workload for workload in self.namespaces if workload in readers)
        here = frozenset[Workload](w for w in present if self.namespaces[w] is self.namespace_object)
        spaces: list[Space] = []
        if here:
            spaces.append(Space(suffix="", namespace=self.namespace, workloads=here))
        if there := present - here:
            spaces.append(Space(suffix="-tasks", namespace=self.task_namespace, workloads=there))
        return spaces

    @property
    def kubernetes(self) -> kubernetes.Provider:
        """The provider of the cluster."""
        return self.cloud.kubernetes

    @property
    def child(self) -> pulumi.ResourceOptions:
        """Options of an object that belongs to the instance itself."""
        return pulumi.ResourceOptions(parent=self.component, provider=self.kubernetes)

    def object_name(self, *parts: str) -> str:
        """The fixed name of an object that others refer to by name."""
        return naming.object_name(self.name, *parts)

    def labels(self, workload: str) -> dict[str, str]:
        """Labels of a workload's objects."""
        return naming.labels(self.name, workload)

    def metadata(
        self, workload: str, *, fixed: bool = True, namespace: pulumi.Input[str] | None = None, **rest: Any
    ) -> ObjectMetaArgs:
        """Metadata of a workload's object.

        Args:
            workload: the component in its labels, and in its name.
            fixed: whether it has that name; otherwise it gets a suffix, and another name when the object changes.
            namespace: its namespace; default: the instance's.
            rest: further fields.
        """
        name = self.object_name(workload) if fixed else None
        home = self.namespace if namespace is None else namespace
        return ObjectMetaArgs(name=name, namespace=home, labels=self.labels(workload), **rest)

    def resources(self, pod: PodResources) -> Resources:
        """CPU and memory of a pod: the stack's, or the default of its kind of cluster."""
        return pod.resources(existing_cluster=self.settings.existing_cluster)
