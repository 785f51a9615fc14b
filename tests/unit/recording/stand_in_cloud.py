"""A stand-in cloud made of values: everything that a cloud may return to Airflow, without resources."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from unittest import mock

import pulumi
import pulumi_kubernetes as kubernetes

from components.contract.cloud import (
    SHARED,
    Cloud,
    Database,
    Databases,
    Identity,
    LoadBalancer,
    LogStore,
    Policy,
    StaticVolume,
    Volume,
    VolumeUse,
)
from components.contract.requirements import CloudRequirements, ExternalAccess
from components.settings.sections.cloud import Cloud as CloudSettings

AUTHORITY: Final = "-----BEGIN CERTIFICATE-----\nQSBzdGFuZC1pbg==\n-----END CERTIFICATE-----\n"
SHARE_KEY: Final = "the share's key, for its node alone"
MAX_CONNECTIONS: Final = 200
ADDRESS: Final = "203.0.113.10"
PROXIES: Final = ("192.0.2.0/24", "198.51.100.7")
NODES_OF_TASKS: Final = {"pool": "tasks"}
TAINT: Final = "airflow-tasks"
LOG_STORE: Final = {
    "AIRFLOW__LOGGING__REMOTE_LOGGING": "True",
    "AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER": "wasb-airflow",
    "AIRFLOW__LOGGING__REMOTE_LOG_CONN_ID": "wasb_default",
    "AIRFLOW__AZURE_REMOTE_LOGGING__REMOTE_WASB_LOG_CONTAINER": "logs",
    "AIRFLOW_CONN_WASB_DEFAULT": '{"conn_type": "wasb", "host": "https://logs.example"}',
}
"""Airflow's use of the log store."""


def provision(cloud: CloudSettings, needed: CloudRequirements) -> Cloud:
    """All requirements of a cloud."""
    store = needed.log_store
    return Cloud(
        # No cluster is contacted: the recorder answers for it.
        kubernetes=kubernetes.Provider("cluster", kubeconfig="", cluster_identifier="stand-in"),
        databases=Databases(
            metadata=_database("airflow"),
            results=_database("celery") if needed.results_database else None,
            administrator=_database("administrator"),
            identity=pulumi.Output.from_input("server"),
            # One cloud has its own certificate, the other one has that of a public CA.
            ca_bundle=pulumi.Output.from_input(AUTHORITY) if cloud.kind == "gcp" else None,
            max_connections=MAX_CONNECTIONS,
        ),
        context="stand in",
        volumes=_volumes(needed),
        identities={
            part: Identity(
                service_account_annotations={"stand-in/identity": pulumi.Output.from_input(f"identity-of-{part}")},
                pod_labels={"stand-in/use": "true"},
            )
            for part in (*store.writers, *store.readers)
        }
        if store is not None
        else {},
        log_store=LogStore(kind="azure_blob", url="https://logs.example", container="logs")
        if store is not None
        else None,
        load_balancer=_load_balancer(needed.external_access) if needed.external_access is not None else None,
        task_node_selector=NODES_OF_TASKS,
        task_taint=TAINT,
        outputs={"connect_command": "stand-in connect", "cluster": pulumi.Output.from_input("cluster")},
    )


def _database(user: str) -> Database:
    return Database(
        host=pulumi.Output.from_input("db.stand-in.example"),
        port=5432,
        name=user,
        user=user,
        password=pulumi.Output.secret(f"password-of-{user}"),
        ssl_mode="verify-full",
    )


def _volumes(needed: CloudRequirements) -> dict[VolumeUse, Volume]:
    volumes: dict[VolumeUse, Volume] = {}
    if "broker" in needed.volumes:
        disk = StaticVolume(
            driver="disk.stand-in.example",
            handle=pulumi.Output.from_input("disks/broker"),
            filesystem="ext4",
            zone=pulumi.Output.from_input("zone-a"),
        )
        volumes["broker"] = Volume(storage_class=None, access_mode="ReadWriteOnce", size_gib=1, static=disk)
    volumes |= {use: _share(use, needed.volumes[use].size_gib) for use in SHARED if use in needed.volumes}
    return volumes


def _share(use: str, size_gib: int) -> Volume:
    share = StaticVolume(
        driver="share.stand-in.example",
        handle=pulumi.Output.from_input(f"shares/{use}"),
        attributes={"server": pulumi.Output.from_input("10.0.0.2"), "volume": use},
        mount_options=["uid=50000", "gid=0"],
        credentials={"key": pulumi.Output.secret(SHARE_KEY)} if use == "dags" else None,
    )
    return Volume(storage_class=None, access_mode="ReadWriteMany", size_gib=size_gib, static=share)


def _load_balancer(access: ExternalAccess) -> LoadBalancer:
    managed = access.cloud_certificate
    return LoadBalancer(
        gateway_class="stand-in",
        address=pulumi.Output.from_input(ADDRESS),
        addresses=[{"type": "NamedAddress", "value": pulumi.Output.from_input("reserved")}] if managed else (),
        infrastructure_annotations={} if managed else {"stand-in/address": pulumi.Output.from_input("reserved")},
        annotations={"stand-in/certificates": "map"} if managed else {},
        trusted_proxies=PROXIES,
        holds_certificate=managed,
        gateway_policies=[
            Policy(name="tls", api_version="stand-in.example/v1", kind="TlsPolicy", spec={"least": "1.2"})
        ]
        if managed
        else (),
        backend_policies={
            part: [Policy(name="health", api_version="stand-in.example/v1", kind="HealthCheckPolicy", spec={"a": 1})]
            for part in ("api-server", "flower")
        }
        if managed
        else {},
    )


@contextmanager
def in_place() -> Iterator[None]:
    """Use this cloud for all programs that run meanwhile."""
    with mock.patch("components.cloud.provision", provision):
        yield
