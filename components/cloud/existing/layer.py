"""The cloud of a cluster that exists already: its kubeconfig context, and PostgreSQL in it or given."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote, urlsplit

import pulumi
import pulumi_kubernetes as kubernetes

from components.cloud.existing.postgres import Postgres, PostgresArgs
from components.contract.cloud import Cloud, Database, Databases, Volume, VolumeUse
from components.kubernetes import kubeconfig
from components.settings.existing.cloud import GivenDatabase, InClusterDatabase, LocalCloud
from components.settings.loader import required_secret
from components.settings.secret_keys import METADATA_URL, RESULT_URL
from components.settings.sections.executor import KubernetesExecutor
from components.settings.sections.logs import VolumeLogs
from components.settings.stack import Settings


def provision(settings: Settings, cloud: LocalCloud) -> Cloud:
    """The cloud layer of a local stack."""
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
        databases=_databases(settings, cloud, provider),
        volumes=_volumes(settings, cloud),
    )


def _databases(settings: Settings, cloud: LocalCloud, provider: kubernetes.Provider) -> Databases:
    celery = not isinstance(settings.executor, KubernetesExecutor)
    match cloud.database:
        case InClusterDatabase() as database:
            return Postgres(
                f"{settings.name}-postgres",
                PostgresArgs(
                    kubernetes=provider,
                    instance=settings.name,
                    namespace=f"{settings.namespace}-database",
                    image=database.image,
                    size_gib=database.size_gib,
                    storage_class=cloud.storage_class,
                    results=celery,
                    protect=settings.protect,
                ),
            ).databases
        case GivenDatabase():
            return Databases(
                metadata=_given(required_secret(METADATA_URL)),
                results=_given(required_secret(RESULT_URL)) if celery else None,
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


def _volumes(settings: Settings, cloud: LocalCloud) -> dict[VolumeUse, Volume]:
    volumes: dict[VolumeUse, Volume] = {}
    logs = settings.task_logs
    if isinstance(logs, VolumeLogs):
        volumes["logs"] = Volume(
            storage_class=cloud.storage_class, access_mode=logs.access_mode, size_gib=logs.size_gib
        )
    if not isinstance(settings.executor, KubernetesExecutor):
        volumes["broker"] = Volume(
            storage_class=cloud.storage_class,
            access_mode="ReadWriteOnce",
            size_gib=settings.executor.broker.size_gib,
        )
    return volumes
