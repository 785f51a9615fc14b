"""The value that a cloud layer returns to Airflow: frozen, made of plain data and Outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import pulumi
import pulumi_kubernetes as kubernetes

from components.contract.workloads import Workload

VolumeUse = Literal["dags", "logs", "broker"]
SHARED: Final[tuple[Literal["logs", "dags"], ...]] = ("logs", "dags")
"""Volumes that pods on several nodes mount."""


@dataclass(frozen=True, kw_only=True)
class Database:
    """One PostgreSQL database and the user that owns it."""

    host: pulumi.Input[str]
    port: pulumi.Input[int]
    name: pulumi.Input[str]
    user: pulumi.Input[str]
    password: pulumi.Output[str]
    ssl_mode: pulumi.Input[str]
    """libpq's sslmode. `disable` only inside one cluster; modes that verify are plain text, not an Output."""


@dataclass(frozen=True, kw_only=True)
class Sidecar:
    """Native sidecar for every workload that connects to the database: starts before the workload and ends after it."""

    name: str
    image: str
    args: Sequence[pulumi.Input[str]]
    environment: Mapping[str, str]
    cpu_milli: int
    memory_mib: int
    health_port: int
    """Port that answers `startup_path` when the sidecar is ready."""
    startup_path: str


@dataclass(frozen=True, kw_only=True)
class Databases:
    """The databases of an Airflow instance."""

    metadata: Database
    results: Database | None
    """Celery's results. Neither user can access the other's database; None without Celery."""
    administrator: Database | None
    """The login that creates the other two databases; None if both exist already."""
    identity: pulumi.Input[str]
    """Distinguishes this server from others; part of the migration's name."""
    ca_bundle: pulumi.Input[str] | None = None
    """PEM certificates that verify the server's certificate with sslmode verify-ca and verify-full. With None these
    modes use the CAs of the Airflow image."""
    sidecar: Sidecar | None = None
    """The sidecar that connections go through; None means direct connections."""
    max_connections: int | None = None
    """Maximum of connections to the server without its own reserve; None means unknown."""


@dataclass(frozen=True, kw_only=True)
class StaticVolume:
    """A disk or share that the cloud layer created, as a PersistentVolume refers to it."""

    driver: str
    """Name of the CSI driver."""
    handle: pulumi.Input[str]
    """The driver's id of the volume; unique among volumes."""
    attributes: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, pulumi.Input[str]])
    mount_options: Sequence[str] = ()
    filesystem: str | None = None
    """Filesystem of a disk; None for shares whose driver lets the kubelet set their group without it."""
    further_access_modes: Sequence[str] = ()
    """Access modes that the volume supports beyond the one that its claim requests."""
    zone: pulumi.Input[str] | None = None
    """The zone where a disk can be attached, by the label topology.kubernetes.io/zone; None means any zone."""
    credentials: Mapping[str, pulumi.Output[str]] | None = None
    """Credentials that a node needs to mount it; stored in a Secret in the claim's namespace."""


@dataclass(frozen=True, kw_only=True)
class Volume:
    """A volume: from a storage class, or one static volume."""

    storage_class: str | None
    """None means the cluster's default class; not used for a static volume."""
    access_mode: str
    size_gib: int
    static: StaticVolume | None = None


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Workload identity: annotations of a ServiceAccount, and labels of its pods."""

    service_account_annotations: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, pulumi.Input[str]])
    pod_labels: Mapping[str, str] = field(default_factory=dict[str, str])
    principal: pulumi.Input[str] | None = None
    """The principal that roles of the cloud are granted to; None without an identity."""


@dataclass(frozen=True, kw_only=True)
class LogStore:
    """Object storage for task logs, accessed with workload identity."""

    kind: Literal["gcs", "azure_blob"]
    """The protocol: Google Cloud Storage, or Azure Blob Storage."""
    url: pulumi.Input[str]
    """With `gcs`: the folder, gs://BUCKET/FOLDER. With `azure_blob`: the account's endpoint."""
    container: pulumi.Input[str] | None = None
    """The container in the account; None with `gcs`."""


@dataclass(frozen=True, kw_only=True)
class CloudServices:
    """Services of the cloud that DAG code uses by workload identity, without a key."""

    kind: Literal["google", "azure"]
    """The protocol: the APIs of Google Cloud, or Azure Resource Manager."""
    project: pulumi.Input[str]
    """The project or subscription that calls are made in, and billed to."""
    datasets: Sequence[str] = ()
    """Names of the stack's datasets, to which tasks may write."""


@dataclass(frozen=True, kw_only=True)
class SecretStore:
    """A service with users' secrets, accessed with workload identity."""

    kind: Literal["secret_manager", "key_vault"]
    """The protocol: Secret Manager of Google Cloud, or Azure Key Vault."""
    location: pulumi.Input[str]
    """The project of the secrets, or the URL of the vault."""


@dataclass(frozen=True, kw_only=True)
class ObjectStore:
    """Object storage of a project, accessed with the project's identity."""

    protocol: Literal["gs", "abfs"]
    """fsspec's name of the protocol."""
    url: pulumi.Input[str]
    """Its root in the form of fsspec: gs://BUCKET or abfs://CONTAINER."""
    options: Mapping[str, pulumi.Input[str | bool]] = field(default_factory=dict[str, pulumi.Input[str | bool]])
    """Arguments of fsspec's file system of that protocol."""


@dataclass(frozen=True, kw_only=True)
class ProjectAccess:
    """The access of a project to the cloud."""

    identity: Identity
    data: ObjectStore | None
    """None unless the project needs object storage."""


@dataclass(frozen=True, kw_only=True)
class FileBucket:
    """A bucket with files that workloads read with workload identity."""

    name: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class Policy:
    """A cloud-specific policy object, attached to a Gateway or to one of its backend Services."""

    name: str
    """Distinguishes the policies of one Gateway or Service."""
    api_version: str
    kind: str
    spec: Mapping[str, Any]
    """Everything but `targetRef`."""


@dataclass(frozen=True, kw_only=True)
class LoadBalancer:
    """The load balancer of a Gateway, with its reserved address."""

    gateway_class: str
    address: pulumi.Output[str]
    """The reserved IP address, which the DNS names of the hosts point to."""
    addresses: Sequence[Mapping[str, pulumi.Input[str]]] = ()
    """`spec.addresses` of the Gateway."""
    infrastructure_annotations: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, pulumi.Input[str]])
    """`spec.infrastructure.annotations` of the Gateway, for the resources that its controller creates."""
    annotations: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, pulumi.Input[str]])
    """Annotations of the Gateway itself."""
    trusted_proxies: Sequence[pulumi.Input[str]] = ("*",)
    """Addresses and ranges of the Gateway's requests: their X-Forwarded-* headers are trusted."""
    holds_certificate: bool = False
    """Whether the cloud terminates TLS with its own certificate; otherwise a Secret holds the certificate."""
    gateway_policies: Sequence[Policy] = ()
    """Policies of the Gateway, created before it."""
    backend_policies: Mapping[Workload, Sequence[Policy]] = field(default_factory=dict[Workload, Sequence[Policy]])
    """Policies of a workload's Service, by workload."""


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """Everything that Airflow needs from the cloud it runs on."""

    kubernetes: kubernetes.Provider
    context: pulumi.Input[str]
    """The kubeconfig context with which users access the cluster."""
    databases: Databases
    volumes: Mapping[VolumeUse, Volume]
    identities: Mapping[Workload, Identity] = field(default_factory=dict[Workload, Identity])
    """Workload identities by workload; a workload that is missing here does not access the cloud."""
    projects: Mapping[str, ProjectAccess] = field(default_factory=dict[str, ProjectAccess])
    """Access of projects by name; a project that is missing here does not access the cloud."""
    storage_class: str | None = None
    """Storage class of claims that name none; None means the cluster's default class."""
    kubeconfig: str | None = None
    """The kubeconfig file with `context`; None means the default file of users' kubectl."""
    log_store: LogStore | None = None
    services: CloudServices | None = None
    """None means that DAG code has no access by the stack's own identities."""
    secret_store: SecretStore | None = None
    """None without a secrets backend."""
    dag_bucket: FileBucket | None = None
    """None unless DAG files are in a bucket."""
    load_balancer: LoadBalancer | None = None
    """None unless the stack has a Gateway."""
    task_node_selector: Mapping[str, str] = field(default_factory=dict[str, str])
    """Labels of the nodes for task pods and workers; empty means any node."""
    task_taint: str | None = None
    """Key of the taint of these nodes, with effect NoSchedule; None means no taint."""
    outputs: Mapping[str, pulumi.Input[Any]] = field(default_factory=dict[str, pulumi.Input[Any]])
    """Stack outputs of the cloud layer, by name."""
