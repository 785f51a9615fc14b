"""Context that all workloads of one instance share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.airflow.dags.source import DagSource
from components.airflow.database.ca_bundle import CaBundle
from components.airflow.logs.store import LogFolder
from components.airflow.pods.options import options_of
from components.airflow.secrets.generated import StoredSecret
from components.airflow.secrets.matrix import Credential, credentials_of
from components.contract.cloud import Identity, Sidecar
from components.contract.workloads import Workload
from components.kubernetes import naming
from components.settings.stack import Settings
from components.settings.types import PodResources, Resources


@dataclass(frozen=True, kw_only=True)
class InstanceContext:
    """Context that all workloads of one instance share."""

    settings: Settings
    namespace: pulumi.Output[str]
    kubernetes: kubernetes.Provider
    accounts: Mapping[Workload, pulumi.Output[str]]
    secrets: Mapping[str, StoredSecret]
    pull_secret: pulumi.Input[str] | None
    """The Secret that pods pull the Airflow image with; None where that takes no login."""
    scripts: pulumi.Output[str]
    """The ConfigMap with POD_SCRIPTS."""
    dags: DagSource
    logs: LogFolder
    identities: Mapping[Workload, Identity]
    log_store_variables: Mapping[str, pulumi.Input[str]]
    ca_bundle: CaBundle
    database_sidecar: Sidecar | None
    """What connections to the database go through; None is directly."""
    max_connections: int | None
    """How many connections the database takes; None is unknown."""
    task_node_selector: Mapping[str, str]
    task_taint: str | None
    trusted_proxies: Sequence[pulumi.Input[str]]
    """Addresses and ranges whose requests carry headers of a proxy; empty without one."""

    @property
    def name(self) -> str:
        """The instance's name, the prefix of every object."""
        return self.settings.name

    def object_name(self, *parts: str) -> str:
        """The name of an object that must be found by it."""
        return naming.object_name(self.name, *parts)

    def labels(self, workload: str) -> dict[str, str]:
        """Labels of a workload's objects."""
        return naming.labels(self.name, workload)

    def metadata(self, workload: str, *, fixed: bool = True, **rest: Any) -> ObjectMetaArgs:
        """Metadata of a workload's object; a name that is not fixed gets a suffix and changes with the object."""
        name = self.object_name(workload) if fixed else None
        return ObjectMetaArgs(name=name, namespace=self.namespace, labels=self.labels(workload), **rest)

    def options(self, workload: Workload) -> dict[str, str]:
        """The options of airflow.cfg that a workload reads, as environment variables."""
        return options_of(workload, self.settings, self.max_connections)

    def resources(self, pod: PodResources) -> Resources:
        """Processor and memory of a pod, as the stack or the place it runs on says."""
        return pod.resources(existing_cluster=self.settings.existing_cluster)

    def credentials(self, workload: Workload) -> list[Credential]:
        """The credentials of a workload that exist in this instance."""
        return [credential for credential in credentials_of(workload) if credential.stored_in in self.secrets]
