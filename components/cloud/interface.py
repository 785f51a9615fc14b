"""What a cloud is to Airflow: one frozen value of plain data and Outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pulumi
import pulumi_kubernetes as kubernetes

VolumeUse = Literal["logs", "broker"]


@dataclass(frozen=True, kw_only=True)
class Database:
    """One PostgreSQL database and the user that owns it."""

    host: pulumi.Input[str]
    port: pulumi.Input[int]
    name: pulumi.Input[str]
    user: pulumi.Input[str]
    password: pulumi.Output[str]
    ssl_mode: pulumi.Input[str]
    """libpq's sslmode: disable only inside one cluster."""


@dataclass(frozen=True, kw_only=True)
class Databases:
    """Where Airflow keeps its state."""

    metadata: Database
    results: Database | None
    """Celery's results, out of reach of the metadata's user and the other way round; None without Celery."""
    administrator: Database | None
    """Who can create the other two; None when both exist already."""
    identity: str
    """What tells this server from another one; part of the migration's name."""


@dataclass(frozen=True, kw_only=True)
class Volume:
    """How a claim is made."""

    storage_class: str | None
    """None is the cluster's default class."""
    access_mode: str
    size_gib: int


@dataclass(frozen=True, kw_only=True)
class Identity:
    """How a component shows the cloud who it is."""

    service_account_annotations: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, pulumi.Input[str]])
    pod_labels: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True)
class LogStore:
    """Object storage for task logs, reached by identity."""

    options: Mapping[str, pulumi.Input[str]]
    """Options of airflow.cfg, as AIRFLOW__… variables; no keys."""


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """Everything that Airflow needs from the place it runs on."""

    kubernetes: kubernetes.Provider
    databases: Databases
    volumes: Mapping[VolumeUse, Volume]
    identities: Mapping[str, Identity] = field(default_factory=dict[str, Identity])
    """By component; a component that is not named here needs no cloud."""
    log_store: LogStore | None = None
