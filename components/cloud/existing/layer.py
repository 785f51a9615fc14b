"""The cloud layer on an existing cluster: a kubeconfig context, and PostgreSQL in the cluster or external."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

import pulumi
import pulumi_kubernetes as kubernetes

from components.cloud.existing.database import Postgres, PostgresArgs
from components.contract.cloud import Cloud, Database, Databases, Volume
from components.contract.requirements import CloudRequirements
from components.kubernetes import kubeconfig
from components.settings.existing.cloud import ExistingCluster, ExternalDatabase, InClusterDatabase
from components.settings.loader import required_secret
from components.settings.secret_keys import METADATA_URL, RESULT_URL


def provision(cloud: ExistingCluster, requirements: CloudRequirements) -> Cloud:
    """The cloud layer of a stack on an existing cluster."""
    args = ExistingArgs(settings=cloud, requirements=requirements)
    return Existing(f"{requirements.instance}-cloud", args).cloud


@dataclass(frozen=True, kw_only=True)
class ExistingArgs:
    """The settings of the cluster, and Airflow's requirements of any cloud."""

    settings: ExistingCluster
    requirements: CloudRequirements


class Existing(pulumi.ComponentResource):
    """A kubeconfig context, volumes of the cluster's storage classes, and PostgreSQL in the cluster or external."""

    cloud: Cloud

    def __init__(self, name: str, args: ExistingArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:existing:Cloud", name, None, opts)
        config = kubeconfig.read(args.settings.kubeconfig)
        context = args.settings.context or config.current_context or ""
        # In state as "<name>-kubernetes": renaming replaces every object of the stack.
        provider = kubernetes.Provider(
            f"{name}-kubernetes",
            kubeconfig=str(config.path),
            context=context,
            # A new kubeconfig, port or certificate does not make it another cluster.
            cluster_identifier=f"existing:{context}",
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.cloud = Cloud(
            kubernetes=provider,
            context=context,
            storage_class=args.settings.storage_class,
            kubeconfig=str(config.path.absolute()),
            databases=self._databases(name, args, provider),
            volumes={
                use: Volume(
                    storage_class=args.settings.storage_class, access_mode=volume.access_mode, size_gib=volume.size_gib
                )
                for use, volume in args.requirements.volumes.items()
            },
        )
        self.register_outputs({"context": context})

    def _databases(self, name: str, args: ExistingArgs, provider: kubernetes.Provider) -> Databases:
        needed = args.requirements
        match args.settings.database:
            case InClusterDatabase() as database:
                return Postgres(
                    f"{name}-postgres",
                    PostgresArgs(
                        kubernetes=provider,
                        instance=needed.instance,
                        namespace=f"{needed.namespace}-database",
                        image=database.image,
                        size_gib=database.size_gib,
                        storage_class=args.settings.storage_class,
                        results=needed.results_database,
                        protect=needed.protect,
                    ),
                    opts=pulumi.ResourceOptions(parent=self),
                ).databases
            case ExternalDatabase():
                return Databases(
                    metadata=_external(required_secret(METADATA_URL)),
                    results=_external(required_secret(RESULT_URL)) if needed.results_database else None,
                    administrator=None,
                    identity="external",
                )


def _external(url: pulumi.Output[str]) -> Database:
    fields = url.apply(_fields)
    return Database(
        # Only the password of a URL is a secret: the other fields determine names and must be comparable.
        host=pulumi.Output.unsecret(fields.apply(lambda values: values["host"])),
        port=pulumi.Output.unsecret(fields.apply(lambda values: int(values["port"]))),
        name=pulumi.Output.unsecret(fields.apply(lambda values: values["name"])),
        user=pulumi.Output.unsecret(fields.apply(lambda values: values["user"])),
        password=fields.apply(lambda values: values["password"]),
        ssl_mode=pulumi.Output.unsecret(fields.apply(lambda values: values["ssl_mode"])),
    )


def _fields(url: str) -> dict[str, str]:
    split = urlsplit(url.strip())
    return {
        "host": split.hostname or "",
        "port": str(split.port or 5432),
        "name": unquote(split.path.lstrip("/")),
        "user": unquote(split.username or ""),
        "password": unquote(split.password or ""),
        "ssl_mode": dict(parse_qsl(split.query)).get("sslmode", "prefer"),
    }
