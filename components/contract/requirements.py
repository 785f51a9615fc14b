"""Requirements of Airflow on any cloud, computed once from the settings of a stack. Names no cloud."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from components.contract.workloads import WORKLOADS, Need, Workload, service_account_name

if TYPE_CHECKING:
    from components.contract.cloud import VolumeUse
    from components.settings.sections.exposure import Gateway
    from components.settings.sections.projects import Project
    from components.settings.stack import Settings

AIRFLOW_UID: Final = 50_000
"""The user of the official image, https://airflow.apache.org/docs/docker-stack/entrypoint.html."""
AIRFLOW_GID: Final = 0
"""The group that may write to the image's folders."""
PROJECT_LABEL: Final = "airflow.apache.org/project"
"""Label of a project's objects and pods; airflow_project/projects.py has it too."""
SECRET_READERS: Final[frozenset[Workload]] = frozenset({"api-server", "dag-processor", "triggerer"})
"""The workloads that read connections and variables in a secrets backend."""
HEALTH_PATHS: Final[Mapping[Workload, str]] = {
    "api-server": "/api/v2/monitor/health",
    "flower": "/healthcheck",
}
"""Paths that a server answers without a login, for health checks."""


@dataclass(frozen=True, kw_only=True)
class VolumeRequirement:
    """A volume that the broker or several workloads mount."""

    size_gib: int
    access_mode: str


@dataclass(frozen=True, kw_only=True)
class LogStoreRequirement:
    """Object storage for task logs, accessed with the identity of each workload."""

    retention_days: int
    writers: Sequence[Workload]
    readers: Sequence[Workload]


@dataclass(frozen=True, kw_only=True)
class ProjectRequirement:
    """A group of pods with an identity of its own."""

    name: str
    """Also the name of its ServiceAccount."""
    namespaces: Sequence[str]
    """The namespaces with that ServiceAccount."""
    bucket: bool
    """Whether it needs object storage of its own, to which no other identity has access."""
    writes_logs: bool
    """Whether it writes task logs."""


@dataclass(frozen=True, kw_only=True)
class BucketRequirement:
    """A bucket with DAG files, read with the identity of each workload."""

    existing: str | None
    """Name of a bucket that exists outside this stack; None for one of the stack."""
    prefix: str
    """Folder of the files, with a slash at its end; "" for all of the bucket."""
    readers: Sequence[Workload]


@dataclass(frozen=True, kw_only=True)
class SecretStoreRequirement:
    """Secrets that users keep in the cloud, read with the identity of each workload."""

    prefixes: Sequence[str]
    """Beginnings of their names."""
    readers: Sequence[Workload]


@dataclass(frozen=True, kw_only=True)
class PublicHost:
    """A Service with its own public DNS name."""

    workload: Workload
    host: str
    health_path: str


@dataclass(frozen=True, kw_only=True)
class ExternalAccess:
    """A Gateway on a reserved address."""

    hosts: Sequence[PublicHost]
    cloud_certificate: bool
    """Whether the cloud issues the certificates and terminates TLS with them."""


@dataclass(frozen=True, kw_only=True)
class CloudRequirements:
    """Everything that a cloud layer knows about an instance, besides the cloud's own settings."""

    instance: str
    """Prefix of every name."""
    namespace: str
    """The instance's namespace."""
    namespaces: Mapping[Workload, str]
    """The namespace of each workload."""
    protect: bool
    """Whether resources that hold data are protected from deletion."""
    workloads: Sequence[Workload]
    """The workloads of the instance."""
    database_clients: Sequence[Workload]
    """The workloads that open connections to the database server."""
    data_users: Sequence[Workload]
    """The workloads that run tasks, or a part of one, which have the rights on the stack's own data services."""
    cloud_identities: Sequence[Workload]
    """The workloads that have an identity even without any right."""
    results_database: bool
    """Whether Celery's results need a separate database and user."""
    volumes: Mapping[VolumeUse, VolumeRequirement]
    file_owner_uid: int
    file_owner_gid: int
    """User and group of the processes that write to shares."""
    log_store: LogStoreRequirement | None
    dag_bucket: BucketRequirement | None
    secret_store: SecretStoreRequirement | None
    external_access: ExternalAccess | None
    projects: Sequence[ProjectRequirement] = ()
    """The projects, each with an identity in the cloud."""

    @property
    def project_buckets(self) -> bool:
        """Whether any project needs object storage."""
        return any(project.bucket for project in self.projects)

    @property
    def shares(self) -> bool:
        """Whether any volume is mounted by pods on several nodes."""
        return bool({"logs", "dags"} & self.volumes.keys())

    def service_account(self, workload: Workload) -> str:
        """Name of a workload's ServiceAccount in its namespace."""
        return service_account_name(self.instance, workload)

    def namespace_of(self, workload: Workload) -> str:
        """The namespace of a workload's pods and ServiceAccount.

        Raises:
            KeyError: the instance does not have this workload.
        """
        return self.namespaces[workload]


def workloads(settings: Settings) -> list[Workload]:
    """The workloads of a stack's instance."""
    executor = settings.executor
    provided: dict[Need, bool] = {
        "celery": executor.celery is not None,
        "flower": executor.celery is not None and executor.celery.flower.enabled,
        "task_pods": executor.pods is not None,
        "pod_operator": settings.pod_operator.enabled,
    }
    return [workload for workload, traits in WORKLOADS.items() if traits.needs is None or provided[traits.needs]]


def task_space(settings: Settings) -> frozenset[Workload]:
    """The workloads in the namespace for tasks; empty means that the instance has no such namespace."""
    return frozenset(
        workload
        for workload in workloads(settings)
        if WORKLOADS[workload].author_spec
        # Only pods of Airflow mount the volumes that tie a pod to the instance's namespace.
        and not (settings.tasks_tied and WORKLOADS[workload].airflow)
    )


def requirements(settings: Settings) -> CloudRequirements:
    """The requirements of a stack's Airflow."""
    present, apart = workloads(settings), task_space(settings)
    return CloudRequirements(
        instance=settings.name,
        namespace=settings.namespace,
        namespaces={
            workload: settings.task_namespace if workload in apart else settings.namespace for workload in present
        },
        protect=settings.protect,
        workloads=present,
        database_clients=[workload for workload in present if WORKLOADS[workload].connects],
        data_users=[
            workload for workload in present if WORKLOADS[workload].runs_tasks or WORKLOADS[workload].author_spec
        ],
        cloud_identities=[workload for workload in present if WORKLOADS[workload].cloud_identity],
        results_database=settings.executor.celery is not None,
        volumes=_volumes(settings),
        file_owner_uid=AIRFLOW_UID,
        file_owner_gid=AIRFLOW_GID,
        log_store=_log_store(settings, present),
        dag_bucket=_dag_bucket(settings, present),
        secret_store=_secret_store(settings, present),
        external_access=_external_access(settings.exposure.gateway),
        projects=_projects(settings),
    )


def _projects(settings: Settings) -> list[ProjectRequirement]:
    return [
        ProjectRequirement(
            name=project.name,
            namespaces=project_namespaces(settings, project),
            bucket=project.data.bucket,
            writes_logs=runs_tasks(settings, project) and settings.task_logs.store is not None,
        )
        for project in settings.projects
    ]


def runs_tasks(settings: Settings, project: Project) -> bool:
    """Whether tasks run in pods with the project's ServiceAccount."""
    return project.dags is not None and settings.executor.pods is not None


def project_accounts(settings: Settings) -> list[str]:
    """The ServiceAccounts of projects under which tasks run."""
    return [project.name for project in settings.projects if runs_tasks(settings, project)]


def project_namespaces(settings: Settings, project: Project) -> list[str]:
    """The namespaces with the project's ServiceAccount: that of tasks, and that of the executor's pods."""
    tied = runs_tasks(settings, project) and settings.tasks_tied
    return [settings.task_namespace, *([settings.namespace] if tied else [])]


def _volumes(settings: Settings) -> dict[VolumeUse, VolumeRequirement]:
    volumes: dict[VolumeUse, VolumeRequirement] = {}
    if (logs := settings.task_logs.volume) is not None:
        volumes["logs"] = VolumeRequirement(size_gib=logs.size_gib, access_mode=logs.access_mode)
    if (share := settings.dag_share) is not None:
        volumes["dags"] = VolumeRequirement(size_gib=share.size_gib, access_mode="ReadWriteMany")
    if (celery := settings.executor.celery) is not None:
        volumes["broker"] = VolumeRequirement(size_gib=celery.broker.size_gib, access_mode="ReadWriteOnce")
    return volumes


def _log_store(settings: Settings, present: Sequence[Workload]) -> LogStoreRequirement | None:
    store = settings.task_logs.store
    if store is None:
        return None
    return LogStoreRequirement(
        retention_days=store.retention_days,
        writers=[workload for workload in present if WORKLOADS[workload].log_store == "writes"],
        readers=[workload for workload in present if WORKLOADS[workload].log_store == "reads"],
    )


def _dag_bucket(settings: Settings, present: Sequence[Workload]) -> BucketRequirement | None:
    bucket = next((source.bucket for source in settings.dags if source.bucket is not None), None)
    if bucket is None:
        return None
    readers: list[Workload] = [workload for workload in present if WORKLOADS[workload].dag_code]
    return BucketRequirement(existing=bucket.bucket_name, prefix=bucket.prefix, readers=readers)


def _secret_store(settings: Settings, present: Sequence[Workload]) -> SecretStoreRequirement | None:
    backend = settings.secrets_backend
    if backend is None:
        return None
    readers: list[Workload] = [workload for workload in present if workload in SECRET_READERS]
    return SecretStoreRequirement(prefixes=backend.prefixes, readers=readers)


def _external_access(gateway: Gateway | None) -> ExternalAccess | None:
    if gateway is None:
        return None
    hosts: dict[Workload, str] = {"api-server": gateway.host}
    if gateway.flower_host is not None:
        hosts["flower"] = gateway.flower_host
    return ExternalAccess(
        hosts=[
            PublicHost(workload=workload, host=host, health_path=HEALTH_PATHS[workload])
            for workload, host in hosts.items()
        ],
        cloud_certificate=gateway.tls.from_cloud,
    )
