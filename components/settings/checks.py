"""Checks between the settings of a stack. Pure: checks against a machine or a cluster are in preflight."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from components.settings import (
    auth_checks,
    connection_budget,
    dag_checks,
    entry_checks,
    git_checks,
    key_checks,
    option_checks,
    placeholders,
    pod_checks,
    pod_operator_checks,
    pod_patch_checks,
    pod_volume_checks,
    project_checks,
    provided_checks,
    secret_environment_checks,
    secret_option_checks,
    secrets_backend_checks,
)
from components.settings.azure import checks as azure_checks
from components.settings.azure.cloud import AzureCloud
from components.settings.errors import SettingError
from components.settings.existing.cloud import ExistingCluster, ExternalDatabase
from components.settings.gcp import checks as gcp_checks
from components.settings.gcp.cloud import GcpCloud
from components.settings.secret_keys import (
    CONNECTIONS,
    GIT_CREDENTIALS,
    METADATA_URL,
    PROJECT,
    PROJECT_SECRETS,
    RESULT_URL,
    SECRET_ENVIRONMENT,
    SECRET_OPTIONS,
    SECRETS,
)
from components.settings.sections.admin import Admin
from components.settings.sections.cloud import Cloud
from components.settings.sections.components import Components
from components.settings.sections.dag_source import DagSource
from components.settings.sections.executor import Executor, Workers
from components.settings.sections.exposure import ClusterIp, Exposure, Gateway
from components.settings.sections.image import Image
from components.settings.sections.logs import Logs, WorkerLogs
from components.settings.sections.options import Reserved
from components.settings.sections.pod_operator import PodOperator
from components.settings.sections.pods import additions
from components.settings.sections.projects import Project
from components.settings.stack import Settings

SSL_MODES: Final = ("disable", "prefer", "require")
"""Supported values of sslmode in the URL of an external database. To verify certificates, pods would need the server's
CA bundle."""


def setting_errors(
    values: Mapping[str, object], sections: Mapping[str, Any], *, secret: Collection[str], reserved: Reserved
) -> Iterator[SettingError]:
    """Errors that no single model can see.

    Args:
        values: the value of each key of the stack, without the project's name.
        sections: the parsed sections that are valid by themselves.
        secret: the keys that the stack keeps encrypted.
        reserved: options of airflow.cfg that the stack may not set.
    """
    cloud: Cloud | None = sections.get("cloud")
    executor: Executor | None = sections.get("executor")
    exposure: Exposure | None = sections.get("exposure")
    # From the values and not from the sections: another error in the section must not hide an example.
    yield from placeholders.setting_errors(values)
    texts = {key: value for key in SECRETS if isinstance(value := values.get(key), str)}
    yield from _text_errors(values, texts)
    if isinstance(cloud, ExistingCluster) and isinstance(cloud.database, ExternalDatabase):
        celery = executor is not None and executor.celery is not None
        yield from _url_errors(texts, (METADATA_URL, RESULT_URL) if celery else (METADATA_URL,))
    if (options := sections.get("options")) is not None:
        yield from option_checks.setting_errors(options, exposure, reserved)
    if "options" in secret:
        yield option_checks.encrypted()
    yield from secret_option_checks.setting_errors(
        texts.get(SECRET_OPTIONS), sections.get("options"), reserved, encrypted=SECRET_OPTIONS in secret
    )
    yield from _pod_errors(values, sections, texts.get(SECRET_ENVIRONMENT), secret=secret, reserved=reserved)
    yield from _log_errors(sections.get("logs"), cloud, executor)
    yield from dag_checks.setting_errors(sections.get("dags"), cloud)
    yield from git_checks.setting_errors(
        texts.get(GIT_CREDENTIALS),
        sections.get("dags", None if "dags" in values else ()),
        encrypted=GIT_CREDENTIALS in secret,
    )
    default = None if "exposure" in values else ClusterIp(kind="cluster_ip")
    image = sections.get("image", None if "image" in values else Image())
    yield from provided_checks.setting_errors(texts, image, exposure or default)
    if executor is not None and executor.celery is not None:
        yield from _worker_errors(executor.celery.workers)
    yield from _project_errors(values, sections, texts.get(PROJECT_SECRETS), encrypted=PROJECT_SECRETS in secret)
    if "auth" in sections or "auth" not in values:
        yield from auth_checks.setting_errors(
            sections.get("auth", Settings.model_fields["auth"].default),
            sections.get("admin", Admin()),
            sections.get("options", {}),
            texts,
            secret,
        )
    yield from _secret_errors(texts, sections, secret=secret)
    if cloud is not None:
        yield from _cloud_errors(cloud, sections)


def _secret_errors(
    texts: Mapping[str, str], sections: Mapping[str, Any], *, secret: Collection[str]
) -> Iterator[SettingError]:
    """Errors of connections, variables, pools, keys, and the secrets backend."""
    cloud: Cloud | None = sections.get("cloud")
    executor: Executor | None = sections.get("executor")
    yield from secrets_backend_checks.setting_errors(
        sections.get("secrets_backend"), cloud, sections.get("options", {})
    )
    yield from secrets_backend_checks.hidden_errors(texts.get(CONNECTIONS), cloud, sections.get("logs"))
    yield from key_checks.setting_errors(texts, sections.get("existing_secrets"), executor, secret=secret)
    yield from entry_checks.setting_errors(
        texts,
        sections.get("pools", ()),
        sections.get("variables", {}),
        sections.get("projects", ()),
        secret=secret,
    )


def _cloud_errors(cloud: Cloud, sections: Mapping[str, Any]) -> Iterator[SettingError]:
    """Errors between a valid cloud and the other valid sections."""
    executor: Executor | None = sections.get("executor")
    exposure: Exposure | None = sections.get("exposure")
    protect: bool = sections.get("protect", False)
    yield from _exposure_errors(exposure.gateway if exposure is not None else None, cloud, executor)
    if executor is not None:
        yield from _connection_errors(cloud, executor, sections.get("components", Components()))
        yield from pod_operator_checks.setting_errors(
            sections.get("pod_operator"),
            executor,
            sections.get("logs"),
            sections.get("dags", ()),
            additions(sections.get("pods", {}), "task"),
            existing_cluster=isinstance(cloud, ExistingCluster),
        )
    if isinstance(cloud, GcpCloud):
        yield from gcp_checks.setting_errors(cloud, sections, protect=protect)
    if isinstance(cloud, AzureCloud):
        yield from azure_checks.setting_errors(cloud, sections, protect=protect)


def _project_errors(
    values: Mapping[str, object], sections: Mapping[str, Any], secrets: str | None, *, encrypted: bool
) -> Iterator[SettingError]:
    """Errors of projects, and of the values of their secrets; none if the projects themselves are invalid."""
    if "projects" in values and "projects" not in sections:
        return
    projects: Sequence[Project] = sections.get("projects", ())
    cloud: Cloud | None = sections.get("cloud")
    yield from project_checks.setting_errors(
        projects,
        instance=sections.get("name", Settings.model_fields["name"].default),
        sources=_source_names(values, sections),
        pod_operator=sections.get("pod_operator", PodOperator()).enabled,
        existing_cluster=isinstance(cloud, ExistingCluster) if cloud is not None else None,
    )
    yield from project_checks.secret_errors(secrets, projects, encrypted=encrypted)


def _pod_errors(
    values: Mapping[str, object],
    sections: Mapping[str, Any],
    secrets: str | None,
    *,
    secret: Collection[str],
    reserved: Reserved,
) -> Iterator[SettingError]:
    """Errors of the additions to pods, and of the values of their secret variables."""
    pods = sections.get("pods", None if "pods" in values else {})
    if "pods" in secret:
        yield pod_checks.encrypted()
    yield from secret_environment_checks.setting_errors(secrets, pods, encrypted=SECRET_ENVIRONMENT in secret)
    if pods is not None:
        yield from pod_checks.setting_errors(pods, sections.get("executor"), reserved)
        yield from pod_volume_checks.setting_errors(pods)
        yield from pod_patch_checks.setting_errors(pods, reserved)


def _source_names(values: Mapping[str, object], sections: Mapping[str, Any]) -> list[str] | None:
    """The names of all sources of DAG files; None if some of them are invalid."""
    if "dags" in values and "dags" not in sections:
        return None
    sources: Sequence[DagSource] = sections.get("dags", Settings.model_fields["dags"].default)
    return [source.name for source in sources]


def _text_errors(values: Mapping[str, object], texts: Mapping[str, str]) -> Iterator[SettingError]:
    """Secrets that are not text."""
    for key in sorted(SECRETS & values.keys() - texts.keys()):
        yield SettingError(
            key=f"{PROJECT}:{key}", value=values[key], rule="is not text", remedy="set it as text", secret=True
        )


def _log_errors(logs: Logs | None, cloud: Cloud | None, executor: Executor | None) -> Iterator[SettingError]:
    """Log stores that the stack does not have, or that lose logs."""
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
            rule="ties every pod to one node, and the cluster of a cloud has several nodes",
            remedy='use ReadWriteMany, or logs of kind "store"',
        )


def _exposure_errors(gateway: Gateway | None, cloud: Cloud, executor: Executor | None) -> Iterator[SettingError]:
    """External access that the cloud does not offer, or a host without a service."""
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
            rule=f"is a certificate that cloud {cloud.kind!r} does not issue",
            remedy='choose kind "cert_manager" or "secret"',
        )
    celery = executor.celery if executor is not None else None
    flower = celery is not None and celery.flower.enabled
    if gateway.flower_host is not None and executor is not None and not flower:
        yield SettingError(
            key=f"{PROJECT}:exposure.flower_host",
            value=gateway.flower_host,
            rule="requires Flower, which this stack does not have",
            remedy="remove it, or choose an executor with Celery and enable Flower",
        )


def _url_errors(texts: Mapping[str, str], keys: Sequence[str]) -> Iterator[SettingError]:
    """Errors of the connection URLs of an external database. Messages never contain their text."""
    users: dict[tuple[str | None, str | None], str] = {}
    for key in keys:
        remedy = f"pulumi config set --secret {key} postgresql://USER:PASSWORD@HOST:5432/DATABASE"
        text = texts.get(key)
        if text is None:
            rule = "is missing with an external database"
            yield SettingError(key=f"{PROJECT}:{key}", value=None, rule=rule, remedy=remedy)
            continue
        rule, login = _url_rule(text)
        if rule is None and (other := users.setdefault(login, key)) != key:
            rule = f"has the same user as {PROJECT}:{other}, and workers must not have the credentials of that user"
            remedy = "create a separate user and database for Celery's results"
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
    """Servers that would refuse connections while all Deployments roll out."""
    database = cloud.database
    available, needed = database.max_connections, connection_budget.least_connections(executor, components)
    if available is not None and available < needed:
        yield SettingError(
            key=f"{PROJECT}:cloud.database.{database.SIZED_BY}",
            value=getattr(database, database.SIZED_BY),
            rule=f"accepts {available} connections of Airflow, and this stack may open {needed}",
            remedy=f"use {database.MORE_CONNECTIONS}, fewer workers or replicas, or a lower concurrency",
        )


def _worker_errors(workers: Workers) -> Iterator[SettingError]:
    """Workers with too little memory: when it runs out, all tasks of the worker are killed."""
    if workers.memory_mib < (needed := workers.memory_needed_mib):
        yield SettingError(
            key=f"{PROJECT}:executor.workers.memory_mib",
            value=workers.memory_mib,
            rule=f"is below {needed}, the minimum for {workers.concurrency} concurrent tasks",
            remedy=f"use {needed} or more, or a lower concurrency",
        )
