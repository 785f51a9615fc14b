"""Checks between the settings of a stack, and between them and what they point at."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast
from urllib.parse import parse_qsl, urlsplit

from components.kubernetes import kubeconfig
from components.settings import connection_budget, option_checks, path_programs, placeholders, provided_checks
from components.settings.azure import checks as azure_checks
from components.settings.azure.cloud import AzureCloud
from components.settings.errors import SettingError
from components.settings.existing.cloud import ExistingCluster, ExternalDatabase
from components.settings.gcp import checks as gcp_checks
from components.settings.gcp.cloud import GcpCloud
from components.settings.secret_keys import METADATA_URL, PROJECT, RESULT_URL
from components.settings.sections.cloud import Cloud
from components.settings.sections.components import Components
from components.settings.sections.dags import Dags
from components.settings.sections.executor import Executor, Workers
from components.settings.sections.exposure import ClusterIp, Exposure, Gateway
from components.settings.sections.image import Image
from components.settings.sections.logs import Logs, WorkerLogs

SSL_MODES: Final = ("disable", "prefer", "require")
"""Values of sslmode in the URL of an external database: to verify certificates, pods would need the server's CA."""


def setting_errors(raw: Mapping[str, str], parsed: Mapping[str, Any]) -> Iterator[SettingError]:
    """Everything that no model can see.

    Args:
        raw: the stack's config, keys without the project's name.
        parsed: the sections that are fine by themselves.
    """
    cloud: Cloud | None = parsed.get("cloud")
    executor: Executor | None = parsed.get("executor")
    yield from _cluster_errors(raw)
    # From the text and not from what was parsed: another error in the section must not hide an example.
    yield from placeholders.setting_errors({name: _decoded(raw.get(name, "")) for name in placeholders.SECTIONS})
    if isinstance(cloud, ExistingCluster) and isinstance(cloud.database, ExternalDatabase):
        celery = executor is not None and executor.celery is not None
        yield from _url_errors(raw, (METADATA_URL, RESULT_URL) if celery else (METADATA_URL,))
    if (options := parsed.get("options")) is not None:
        yield from option_checks.setting_errors(options, parsed.get("exposure"))
    yield from _log_errors(parsed.get("logs"), cloud, executor)
    yield from provided_checks.setting_errors(raw, parsed.get("image", Image()), _exposure(raw, parsed))
    if executor is not None and executor.celery is not None:
        yield from _worker_errors(executor.celery.workers)
    if cloud is not None:
        yield from path_programs.setting_errors(cloud)
        yield from _dag_errors(parsed.get("dags"), cloud)
        exposure: Exposure | None = parsed.get("exposure")
        yield from _exposure_errors(exposure.gateway if exposure is not None else None, cloud, executor)
    if isinstance(cloud, GcpCloud):
        yield from gcp_checks.setting_errors(cloud, parsed, protect=parsed.get("protect", False))
    if cloud is not None and executor is not None:
        yield from _connection_errors(cloud, executor, parsed.get("components", Components()))
    if isinstance(cloud, AzureCloud):
        yield from azure_checks.setting_errors(cloud, parsed, protect=parsed.get("protect", False))


def _exposure(raw: Mapping[str, str], parsed: Mapping[str, Any]) -> Exposure | None:
    """The exposure of the UI; None where the section is invalid."""
    return parsed.get("exposure") if "exposure" in raw else ClusterIp(kind="cluster_ip")


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _log_errors(logs: Logs | None, cloud: Cloud | None, executor: Executor | None) -> Iterator[SettingError]:
    """Places for task logs that a stack does not have, or that lose them."""
    if logs is None:
        return
    key = f"{PROJECT}:logs.kind"
    existing = isinstance(cloud, ExistingCluster)
    outlive = "volume" if existing else "store"
    if isinstance(logs, WorkerLogs) and executor is not None and executor.pods is not None:
        rule = f"loses every log of a task pod when the pod ends, with executor {executor.kind!r}"
        yield SettingError(key=key, value=logs.kind, rule=rule, remedy=f'choose kind "{outlive}"')
    if logs.store is not None and existing:
        rule = "is the object storage of a cloud, which is not available on an existing cluster"
        yield SettingError(key=key, value=logs.kind, rule=rule, remedy='choose kind "volume"')
    if logs.volume is not None and logs.volume.access_mode == "ReadWriteOnce" and cloud is not None and not existing:
        yield SettingError(
            key=f"{PROJECT}:logs.access_mode",
            value=logs.volume.access_mode,
            rule="ties every pod to one node, and a cloud's cluster has several",
            remedy='use ReadWriteMany, or logs of kind "store"',
        )


def _dag_errors(dags: Dags | None, cloud: Cloud) -> Iterator[SettingError]:
    """Places for DAG files that a cloud does not have."""
    existing = isinstance(cloud, ExistingCluster)
    if dags is None:
        return
    if dags.node_folder is not None and not existing:
        rule, others = "reads a folder of the node, which is supported on existing clusters only", '"image" or "share"'
    elif dags.share is not None and existing:
        rule, others = (
            "is a file share of a cloud, which is not available on an existing cluster",
            '"image" or "host_path"',
        )
    else:
        return
    yield SettingError(key=f"{PROJECT}:dags.kind", value=dags.kind, rule=rule, remedy=f"choose kind {others}")


def _exposure_errors(gateway: Gateway | None, cloud: Cloud, executor: Executor | None) -> Iterator[SettingError]:
    """Ways in that a cloud does not have, or that lead nowhere."""
    if gateway is None:
        return
    if isinstance(cloud, ExistingCluster):
        yield SettingError(
            key=f"{PROJECT}:exposure.kind",
            value=gateway.kind,
            rule="requires a reserved address, which is not available on an existing cluster",
            remedy='choose kind "node_port" or "cluster_ip"',
        )
    elif gateway.tls.from_cloud and cloud.kind != "gcp":
        yield SettingError(
            key=f"{PROJECT}:exposure.tls.kind",
            value=gateway.tls.kind,
            rule=f"is a certificate that cloud {cloud.kind!r} does not make",
            remedy='choose kind "cert_manager" or "secret"',
        )
    celery = executor.celery if executor is not None else None
    flower = celery is not None and celery.flower.enabled
    if gateway.flower_host is not None and executor is not None and not flower:
        yield SettingError(
            key=f"{PROJECT}:exposure.flower_host",
            value=gateway.flower_host,
            rule="leads to a Flower that this stack does not have",
            remedy="remove it, or choose an executor with Celery and enable Flower",
        )


def _cluster_errors(raw: Mapping[str, str]) -> Iterator[SettingError]:
    """Errors of the kubeconfig; reported even when other keys of the cloud are invalid."""
    try:
        cloud: Any = json.loads(raw.get("cloud", ""))
    except ValueError:
        return
    if not isinstance(cloud, dict) or cast("dict[str, Any]", cloud).get("kind") != "existing":
        return
    path, wanted = (str(cloud[key]) if cloud.get(key) else None for key in ("kubeconfig", "context"))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    try:
        config = kubeconfig.read(path)
    except ValueError as error:
        rule, _, remedy = str(error).partition("; ")
        yield SettingError(key=f"{PROJECT}:cloud.kubeconfig", value=path, rule=rule, remedy=remedy)
        return
    context = wanted or config.current_context
    if context is None or context not in config.contexts:
        rule = f"is not a context of {config.path}"
        there = ", ".join(config.contexts)
        yield SettingError(
            key=f"{PROJECT}:cloud.context",
            value=context,
            rule=rule if context is not None else f"is missing, and {config.path} has no current context",
            remedy=f"choose one of {there}" if there else "the file has none; use another one",
        )
        return
    if not config.cluster_server(context):
        yield SettingError(
            key=f"{PROJECT}:cloud.context",
            value=context,
            rule=f"has no cluster with a server in {config.path}",
            remedy="correct the file or choose another context",
        )
        return
    version = config.served_version(context)
    if version is not None and version < kubeconfig.LEAST_KUBERNETES:
        least = ".".join(map(str, kubeconfig.LEAST_KUBERNETES))
        yield SettingError(
            key=f"{PROJECT}:cloud.context",
            value=context,
            rule=f"runs Kubernetes {'.'.join(map(str, version))}, below {least}, the least that Airflow 3 is made for",
            remedy="upgrade the cluster or choose another context",
        )


def _url_errors(raw: Mapping[str, str], keys: Sequence[str]) -> Iterator[SettingError]:
    """Errors of the URLs of an external database; their text never shows."""
    users: dict[tuple[str | None, str | None], str] = {}
    for key in keys:
        remedy = f"pulumi config set --secret {key} postgresql://USER:PASSWORD@HOST:5432/DATABASE"
        text = raw.get(key)
        if text is None:
            rule = "is missing with an external database"
            yield SettingError(key=f"{PROJECT}:{key}", value=None, rule=rule, remedy=remedy)
            continue
        rule, login = _url_rule(text)
        if rule is None and (other := users.setdefault(login, key)) != key:
            rule = f"has the user of {PROJECT}:{other}, whose credentials no worker may hold"
            remedy = "create a user and a database for Celery's results alone"
        if rule is not None:
            yield SettingError(key=f"{PROJECT}:{key}", value=text, rule=rule, remedy=remedy, secret=True)


def _url_rule(text: str) -> tuple[str | None, tuple[str | None, str | None]]:
    """The rule that a connection URL breaks, if any, and its host and user."""
    try:
        url = urlsplit(text.strip())
        complete = url.scheme in ("postgresql", "postgres") and url.hostname and url.username and url.password
        named = len(url.path) > 1 and (url.port or 0) >= 0
        query = parse_qsl(url.query, keep_blank_values=True)
    except ValueError:
        complete, named, query, url = None, False, [], urlsplit("")
    login = (url.hostname, url.username)
    if not complete or not named:
        return "is not a PostgreSQL URL with user, password, host and database", login
    if any(key != "sslmode" or value not in SSL_MODES for key, value in query):
        return f"has options other than sslmode, which is one of {', '.join(SSL_MODES)}", login
    return None, login


def _connection_errors(cloud: Cloud, executor: Executor, components: Components) -> Iterator[SettingError]:
    """Servers that would refuse connections while everything rolls out."""
    database = cloud.database
    available, needed = database.max_connections, connection_budget.least_connections(executor, components)
    if available is not None and available < needed:
        yield SettingError(
            key=f"{PROJECT}:cloud.database.{database.SIZED_BY}",
            value=getattr(database, database.SIZED_BY),
            rule=f"takes {available} connections beside its own, and this stack may hold {needed}",
            remedy=f"use {database.MORE_CONNECTIONS}, fewer workers or replicas, or a lower concurrency",
        )


def _worker_errors(workers: Workers) -> Iterator[SettingError]:
    """Workers whose tasks end together because one of them takes the last memory."""
    if workers.memory_mib < (needed := workers.memory_needed_mib):
        yield SettingError(
            key=f"{PROJECT}:executor.workers.memory_mib",
            value=workers.memory_mib,
            rule=f"is below {needed}, the least for {workers.concurrency} tasks at once",
            remedy=f"use {needed} or more, or a lower concurrency",
        )
