"""The cloud as Airflow sees it: one frozen value of plain data and Outputs."""

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
    """libpq's sslmode: disable only inside one cluster; a mode that verifies is plain text."""


@dataclass(frozen=True, kw_only=True)
class Sidecar:
    """A container beside each part that talks to the database, there before the part begins and until it has ended."""

    name: str
    image: str
    args: Sequence[pulumi.Input[str]]
    environment: Mapping[str, str]
    cpu_milli: int
    memory_mib: int
    health_port: int
    """Where it answers `startup_path` once it can be used."""
    startup_path: str


@dataclass(frozen=True, kw_only=True)
class Databases:
    """Where Airflow keeps its state."""

    metadata: Database
    results: Database | None
    """Celery's results, out of reach of the metadata's user and the other way round; None without Celery."""
    administrator: Database | None
    """Who can create the other two; None when both exist already."""
    identity: pulumi.Input[str]
    """What tells this server from another one; part of the migration's name."""
    ca_bundle: pulumi.Input[str] | None = None
    """PEM certificates of who signs the server's certificate, for sslmode verify-ca and verify-full; with None these
    modes trust the authorities that the Airflow image trusts."""
    sidecar: Sidecar | None = None
    """What the connections go through; None is directly."""
    max_connections: int | None = None
    """How many connections the server takes, its own reserve subtracted; None is unknown."""


@dataclass(frozen=True, kw_only=True)
class StaticVolume:
    """A disk or share that exists already, as a PersistentVolume names it."""

    driver: str
    """Name of the CSI driver."""
    handle: pulumi.Input[str]
    """The driver's name for it; no two volumes share one."""
    attributes: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, pulumi.Input[str]])
    mount_options: Sequence[str] = ()
    filesystem: str | None = None
    """Filesystem of a disk; None for shares whose driver lets the kubelet set their group anyway."""
    further_access_modes: Sequence[str] = ()
    """What the volume offers beyond the access mode that its claim asks for."""
    zone: pulumi.Input[str] | None = None
    """The zone that a disk can be attached in, by the label topology.kubernetes.io/zone; None is any."""
    credentials: Mapping[str, pulumi.Output[str]] | None = None
    """What a node needs to mount it; kept in a Secret of the namespace that the claim is in."""


@dataclass(frozen=True, kw_only=True)
class Volume:
    """A volume: from a storage class, or one static volume."""

    storage_class: str | None
    """None is the cluster's default class; without meaning for a static volume."""
    access_mode: str
    size_gib: int
    static: StaticVolume | None = None


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Workload identity: annotations of a ServiceAccount, and labels of its pods."""

    service_account_annotations: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, pulumi.Input[str]])
    pod_labels: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True)
class LogStore:
    """Object storage for task logs, reached by identity."""

    kind: Literal["gcs", "azure_blob"]
    """The protocol: Google Cloud Storage, or Azure Blob Storage."""
    url: pulumi.Input[str]
    """With `gcs` the folder, gs://BUCKET/FOLDER; with `azure_blob` the account's endpoint."""
    container: pulumi.Input[str] | None = None
    """The container in the account; None with `gcs`."""


@dataclass(frozen=True, kw_only=True)
class Policy:
    """An object of the cloud's own kind that is attached to a Gateway or to a Service behind it."""

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
    """`spec.infrastructure.annotations` of the Gateway, for what is made behind it."""
    annotations: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, pulumi.Input[str]])
    """Annotations of the Gateway itself."""
    trusted_proxies: Sequence[pulumi.Input[str]] = ("*",)
    """Addresses and ranges that the Gateway's requests come from: what these say of the client is believed."""
    holds_certificate: bool = False
    """Whether the cloud ends TLS with a certificate of its own; otherwise a Secret holds one."""
    gateway_policies: Sequence[Policy] = ()
    """For the Gateway; there before it is."""
    backend_policies: Mapping[Workload, Sequence[Policy]] = field(default_factory=dict[Workload, Sequence[Policy]])
    """By workload, for its Service."""


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """Everything that Airflow needs from the place it runs on."""

    kubernetes: kubernetes.Provider
    context: pulumi.Input[str]
    """The kubeconfig context that users reach the cluster by."""
    databases: Databases
    volumes: Mapping[VolumeUse, Volume]
    identities: Mapping[Workload, Identity] = field(default_factory=dict[Workload, Identity])
    """By workload; one that is not named here needs no cloud."""
    kubeconfig: str | None = None
    """The file that holds `context`; None is the one that users' kubectl reads anyway."""
    log_store: LogStore | None = None
    load_balancer: LoadBalancer | None = None
    """None unless the stack asks for a Gateway."""
    task_node_selector: Mapping[str, str] = field(default_factory=dict[str, str])
    """Labels of the nodes that task pods and workers run on; empty is any."""
    task_taint: str | None = None
    """Key of the taint of these nodes, with effect NoSchedule; None is none."""
    outputs: Mapping[str, pulumi.Input[Any]] = field(default_factory=dict[str, pulumi.Input[Any]])
    """What the stack exports of the cloud layer, by name."""
