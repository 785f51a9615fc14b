"""PostgreSQL in the cluster, for stacks without a managed database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_kubernetes as kubernetes
import pulumi_random as random
from pulumi_kubernetes.apps.v1 import StatefulSet, StatefulSetSpecArgs
from pulumi_kubernetes.core.v1 import (
    ContainerPortArgs,
    EnvVarArgs,
    EnvVarSourceArgs,
    Namespace,
    PersistentVolumeClaim,
    PersistentVolumeClaimSpecArgs,
    PersistentVolumeClaimVolumeSourceArgs,
    PodTemplateSpecArgs,
    Secret,
    SecretKeySelectorArgs,
    Service,
    ServiceAccount,
    ServicePortArgs,
    ServiceSpecArgs,
    VolumeArgs,
    VolumeMountArgs,
    VolumeResourceRequirementsArgs,
)
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, ObjectMetaArgs

from components.contract.cloud import Database, Databases
from components.kubernetes import naming, pods
from components.kubernetes.pod_security import pod_security_labels
from components.settings.connection_budget import IN_CLUSTER_CONNECTIONS
from components.settings.types import Resources

PORT: Final = 5432
USER: Final = pods.User(uid=999, gid=999, fs_group=999)
"""The user `postgres` of the official image."""
RESOURCES: Final = Resources(cpu_milli=200, memory_mib=512)
DATA: Final = "/var/lib/postgresql/data"
RESERVED_CONNECTIONS: Final = 3
"""Connections that only a superuser may use (superuser_reserved_connections)."""
SCRATCH_MIB: Final = 256


@dataclass(frozen=True, kw_only=True)
class PostgresArgs:
    """Arguments of the server."""

    kubernetes: kubernetes.Provider
    instance: str
    namespace: str
    """A separate namespace: deleting Airflow's namespace never deletes the database."""
    image: str
    size_gib: int
    storage_class: str | None
    results: bool
    """Whether to create a database for Celery's results."""
    protect: bool


class Postgres(pulumi.ComponentResource):
    """A PostgreSQL server in one pod with one volume; no backups, no replica.

    It starts empty: the migration creates the databases and their users, as on a managed server.
    """

    databases: Databases

    def __init__(self, name: str, args: PostgresArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:existing:Postgres", name, None, opts)
        self._name = name
        child = pulumi.ResourceOptions(parent=self, provider=args.kubernetes)
        protected = pulumi.ResourceOptions(parent=self, provider=args.kubernetes, protect=args.protect)
        labels = naming.labels(args.instance, "postgres")
        service_name = naming.object_name(args.instance, "postgres")

        # In state as "<name>-namespace": renaming destroys the database. Protected like the claim in it.
        namespace = Namespace(
            f"{name}-namespace",
            metadata=ObjectMetaArgs(name=args.namespace, labels={**labels, **pod_security_labels("restricted")}),
            opts=protected,
        )
        namespace_name = namespace.metadata.name
        administrator = self._create_password(f"{name}-administrator")
        secret = Secret(
            # Short: the cluster appends a suffix, and the full name must stay a DNS label.
            f"{name}-login",
            metadata=ObjectMetaArgs(namespace=namespace_name, labels=labels),
            string_data={"password": administrator},
            opts=child,
        )
        # In state as "<name>-data": renaming destroys the database.
        claim = PersistentVolumeClaim(
            f"{name}-data",
            metadata=ObjectMetaArgs(namespace=namespace_name, labels=labels, annotations=pods.SKIP_AWAIT),
            spec=PersistentVolumeClaimSpecArgs(
                access_modes=["ReadWriteOnce"],
                storage_class_name=args.storage_class,
                resources=VolumeResourceRequirementsArgs(requests={"storage": f"{args.size_gib}Gi"}),
            ),
            opts=protected,
        )
        account = ServiceAccount(
            f"{name}-account",
            metadata=ObjectMetaArgs(namespace=namespace_name, labels=labels),
            automount_service_account_token=False,
            opts=child,
        )
        self._create_service(service_name, namespace_name, args.instance, child)
        shape = _shape(args, account.metadata.name, secret.metadata.name, claim.metadata.name)
        server = self._create_server(service_name, namespace_name, args.instance, shape, child)
        # Derived from the server, so that every resource that uses the host waits until the server is ready.
        host = server.metadata.name.apply(lambda _: f"{service_name}.{args.namespace}.svc")
        self.databases = Databases(
            metadata=_database(host, "airflow", self._create_password(f"{name}-metadata")),
            results=_database(host, "celery", self._create_password(f"{name}-results")) if args.results else None,
            administrator=Database(
                host=host, port=PORT, name="postgres", user="postgres", password=administrator, ssl_mode="disable"
            ),
            identity=f"{args.namespace}/{service_name}",
            max_connections=IN_CLUSTER_CONNECTIONS,
        )
        self.register_outputs({"host": host})

    def _create_service(
        self, service_name: str, namespace: pulumi.Input[str], instance: str, opts: pulumi.ResourceOptions
    ) -> None:
        labels = naming.labels(instance, "postgres")
        Service(
            f"{self._name}-service",
            metadata=ObjectMetaArgs(name=service_name, namespace=namespace, labels=labels, annotations=pods.SKIP_AWAIT),
            spec=ServiceSpecArgs(
                # There is only one server: removing its endpoint while it is slow would refuse connections instead.
                publish_not_ready_addresses=True,
                cluster_ip="None",
                selector=naming.selector(instance, "postgres"),
                ports=[ServicePortArgs(name="postgres", port=PORT, target_port="postgres")],
            ),
            opts=opts,
        )

    def _create_server(
        self,
        service_name: str,
        namespace: pulumi.Input[str],
        instance: str,
        shape: pods.PodShape,
        opts: pulumi.ResourceOptions,
    ) -> StatefulSet:
        labels = naming.labels(instance, "postgres")
        return StatefulSet(
            f"{self._name}-server",
            # A fixed name: a replacement deletes the old server first, so two servers never open one volume.
            metadata=ObjectMetaArgs(name=service_name, namespace=namespace, labels=labels),
            spec=StatefulSetSpecArgs(
                service_name=service_name,
                replicas=1,
                selector=LabelSelectorArgs(match_labels=naming.selector(instance, "postgres")),
                template=PodTemplateSpecArgs(metadata=ObjectMetaArgs(labels=labels), spec=pods.pod_spec(shape)),
            ),
            opts=opts,
        )

    def _create_password(self, name: str) -> pulumi.Output[str]:
        """A password, generated once and stored in state."""
        password = random.RandomPassword(
            f"{name}-password", length=32, special=False, opts=pulumi.ResourceOptions(parent=self)
        )
        return password.result


def _database(host: pulumi.Output[str], name: str, password: pulumi.Output[str]) -> Database:
    return Database(host=host, port=PORT, name=name, user=name, password=password, ssl_mode="disable")


def _shape(
    args: PostgresArgs, account: pulumi.Input[str], secret: pulumi.Input[str], claim: pulumi.Input[str]
) -> pods.PodShape:
    scratch = (
        pods.ScratchFolder(name="run", path="/var/run/postgresql"),
        pods.ScratchFolder(name="tmp", path="/tmp"),  # noqa: S108 - a volume of the pod's own
    )
    ready = ["pg_isready", "--username", "postgres", "--host", "127.0.0.1"]
    server = pods.container(
        "postgres",
        image=args.image,
        resources=RESOURCES,
        image_pull_policy="IfNotPresent",
        args=[
            "postgres",
            "-c",
            f"max_connections={IN_CLUSTER_CONNECTIONS + RESERVED_CONNECTIONS}",
            # Airflow's queries are short: JIT compilation, the official image's default, costs more than it saves.
            "-c",
            "jit=off",
        ],
        ports=[ContainerPortArgs(name="postgres", container_port=PORT)],
        env=[
            EnvVarArgs(name="PGDATA", value=f"{DATA}/pgdata"),
            EnvVarArgs(
                name="POSTGRES_PASSWORD",
                value_from=EnvVarSourceArgs(secret_key_ref=SecretKeySelectorArgs(name=secret, key="password")),
            ),
        ],
        volume_mounts=[VolumeMountArgs(name="data", mount_path=DATA), *(folder.mount for folder in scratch)],
        startup_probe=pods.exec_probe(ready, period=1, timeout=5, failures=120),
        readiness_probe=pods.exec_probe(ready, period=15, timeout=10, failures=4),
        liveness_probe=pods.exec_probe(ready, period=30, timeout=10, failures=5),
    )
    data = VolumeArgs(name="data", persistent_volume_claim=PersistentVolumeClaimVolumeSourceArgs(claim_name=claim))
    return pods.PodShape(
        user=USER,
        service_account=account,
        containers=[server],
        volumes=[data, *(folder.volume(SCRATCH_MIB) for folder in scratch)],
        # Time for a checkpoint: a server that is killed replays its write-ahead log at the next start.
        grace_seconds=60,
    )
