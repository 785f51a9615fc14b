"""Context of one instance: the facts that features and workloads share."""

from __future__ import annotations

from collections.abc import Mapping
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
class InstanceContext:
    """The facts that features and workloads of one instance share."""

    settings: Settings
    cloud: Cloud
    component: pulumi.Resource
    """The component of the instance, parent of what a feature registers."""
    namespace_object: Namespace
    accounts: Mapping[Workload, pulumi.Output[str]]
    """Names of the ServiceAccounts."""
    secrets: Mapping[str, StoredSecret]
    """The generated Secrets, by the names of the secrets matrix."""
    pull_secret: pulumi.Input[str] | None
    """The Secret for pulls of the Airflow image; None where pulls need no login."""

    @property
    def name(self) -> str:
        """The instance's name, the prefix of every object."""
        return self.settings.name

    @property
    def namespace(self) -> pulumi.Output[str]:
        """The name of the namespace, resolved when the namespace exists."""
        return self.namespace_object.metadata.name

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

    def metadata(self, workload: str, *, fixed: bool = True, **rest: Any) -> ObjectMetaArgs:
        """Metadata of a workload's object; a name that is not fixed gets a suffix and changes with the object."""
        name = self.object_name(workload) if fixed else None
        return ObjectMetaArgs(name=name, namespace=self.namespace, labels=self.labels(workload), **rest)

    def resources(self, pod: PodResources) -> Resources:
        """CPU and memory of a pod: the stack's, or the default of its kind of cluster."""
        return pod.resources(existing_cluster=self.settings.existing_cluster)
