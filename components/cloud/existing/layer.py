"""The cloud of a cluster that exists already: its kubeconfig context, and PostgreSQL in it or given."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote, urlsplit

import pulumi
import pulumi_kubernetes as kubernetes

from components.cloud.existing.postgres import Postgres, PostgresArgs
from components.contract.cloud import Cloud, Database, Databases, Volume, VolumeUse
from components.contract.requirements import CloudRequirements
from components.kubernetes import kubeconfig
from components.settings.existing.cloud import GivenDatabase, InClusterDatabase, LocalCloud
from components.settings.loader import required_secret
from components.settings.secret_keys import METADATA_URL, RESULT_URL


def provision(cloud: LocalCloud, requirements: CloudRequirements) -> Cloud:
    """The cloud layer of a stack on an existing cluster."""
    config = kubeconfig.read(cloud.kubeconfig)
    context = cloud.context or config.current_context or ""
    # In state as "cluster": renaming replaces every object of the stack.
    provider = kubernetes.Provider(
        "cluster",
        kubeconfig=str(config.path),
        context=context,
        # The same cluster under a new kubeconfig, port or certificate stays the same cluster.
        cluster_identifier=f"local:{context}",
    )
    return Cloud(
        kubernetes=provider,
        context=context,
        kubeconfig=str(config.path.absolute()),
        databases=_databases(cloud, requirements, provider),
        volumes=_volumes(cloud, requirements),
    )


def _databases(cloud: LocalCloud, needed: CloudRequirements, provider: kubernetes.Provider) -> Databases:
    match cloud.database:
        case InClusterDatabase() as database:
            return Postgres(
                f"{needed.instance}-postgres",
                PostgresArgs(
                    kubernetes=provider,
                    instance=needed.instance,
                    namespace=f"{needed.namespace}-database",
                    image=database.image,
                    size_gib=database.size_gib,
                    storage_class=cloud.storage_class,
                    results=needed.results_database,
                    protect=needed.protect,
                ),
            ).databases
        case GivenDatabase():
            return Databases(
                metadata=_given(required_secret(METADATA_URL)),
                results=_given(required_secret(RESULT_URL)) if needed.results_database else None,
                administrator=None,
                identity="given",
            )


def _given(url: pulumi.Output[str]) -> Database:
    parts = url.apply(_parts)
    return Database(
        # Only the password of a URL is a secret: the rest decides names and must be comparable.
        host=pulumi.Output.unsecret(parts.apply(lambda found: found["host"])),
        port=pulumi.Output.unsecret(parts.apply(lambda found: int(found["port"]))),
        name=pulumi.Output.unsecret(parts.apply(lambda found: found["name"])),
        user=pulumi.Output.unsecret(parts.apply(lambda found: found["user"])),
        password=parts.apply(lambda found: found["password"]),
        ssl_mode=pulumi.Output.unsecret(parts.apply(lambda found: found["ssl_mode"])),
    )


def _parts(url: str) -> dict[str, str]:
    split = urlsplit(url.strip())
    return {
        "host": split.hostname or "",
        "port": str(split.port or 5432),
        "name": unquote(split.path.lstrip("/")),
        "user": unquote(split.username or ""),
        "password": unquote(split.password or ""),
        "ssl_mode": dict(parse_qsl(split.query)).get("sslmode", "prefer"),
    }


def _volumes(cloud: LocalCloud, needed: CloudRequirements) -> dict[VolumeUse, Volume]:
    return {
        use: Volume(storage_class=cloud.storage_class, access_mode=asked.access_mode, size_gib=asked.size_gib)
        for use, asked in needed.volumes.items()
    }
