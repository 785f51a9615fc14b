"""Airflow's own settings: image, DAGs, logs, components, exposure, and options of airflow.cfg."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import Field, field_validator, model_validator

from components.settings.model import CpuMilli, ImageReference, MemoryMib, Model, Replicas, SizeGib, Sizing

LEAST_AIRFLOW: Final = (3, 0)
OFFICIAL_TAG: Final = re.compile(r"(?:^|/)apache/airflow:(?:slim-)?(\d+\.\d+\.\d+)(?![\w.])")
"""The tag of an official image begins with Airflow's version."""
OWNED_OPTIONS: Final = frozenset(
    {
        ("api", "port"),
        ("api", "secret_key"),
        ("api", "ssl_cert"),
        ("api", "ssl_key"),
        ("api_auth", "jwt_secret"),
        ("celery", "broker_url"),
        ("celery", "flower_basic_auth"),
        ("celery", "flower_port"),
        ("celery", "flower_url_prefix"),
        ("celery", "result_backend"),
        ("celery", "worker_concurrency"),
        ("core", "auth_manager"),
        ("core", "execution_api_server_url"),
        ("core", "executor"),
        ("core", "fernet_key"),
        ("dag_processor", "dag_bundle_config_list"),
        ("database", "sql_alchemy_conn"),
        ("database", "sql_alchemy_conn_async"),
        ("kubernetes_executor", "namespace"),
        ("kubernetes_executor", "pod_template_file"),
        ("logging", "base_log_folder"),
        ("logging", "trigger_log_server_port"),
        ("logging", "worker_log_server_port"),
        ("scheduler", "enable_health_check"),
        ("scheduler", "scheduler_health_check_server_port"),
    }
)
"""Options that the program sets itself, or relies on in ports, probes and mounts: another value would break the
deployment or leak a secret."""


class Image(Model):
    """The Airflow image. It must hold the same Airflow version as `version` says."""

    reference: ImageReference = "apache/airflow:3.3.2"
    """Repository with tag or digest; never `latest`."""
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+\Z")] = "3.3.2"
    """The Airflow version in the image."""
    pull_policy: Literal["IfNotPresent", "Always", "Never"] = "IfNotPresent"
    """When a node pulls the image."""
    pull_secret: str | None = None
    """Name of a Secret of type kubernetes.io/dockerconfigjson in the namespace."""

    @field_validator("version")
    @classmethod
    def _supported(cls, version: str) -> str:
        if tuple(int(part) for part in version.split(".")[:2]) < LEAST_AIRFLOW:
            raise ValueError("is below Airflow 3, which this program is made for; use an image of Airflow 3")
        return version

    @model_validator(mode="after")
    def _agree(self) -> Image:
        official = OFFICIAL_TAG.search(self.reference)
        if official and official[1] != self.version:
            raise ValueError(f"holds Airflow {official[1]}, but version says {self.version}; make both the same")
        return self


class ImageDags(Model):
    """DAG files are part of the Airflow image."""

    kind: Literal["image"]
    path: Annotated[str, Field(pattern=r"^/[^:\n]+\Z")] = "/opt/airflow/dags"
    """Their folder in the image."""


class HostPathDags(Model):
    """DAG files come from a folder of the node. Local stacks only: the namespace can then not enforce Pod Security."""

    kind: Literal["host_path"]
    path: Annotated[str, Field(pattern=r"^/[^:\n]+\Z")]
    """The folder on the node."""


Dags = Annotated[ImageDags | HostPathDags, Field(discriminator="kind")]


class VolumeLogs(Model):
    """Task logs on one volume that every component shares."""

    kind: Literal["volume"]
    size_gib: SizeGib = 10
    """Size of the volume, in GiB."""
    access_mode: Literal["ReadWriteMany", "ReadWriteOnce"] = "ReadWriteMany"
    """ReadWriteOnce only serves pods of one node: enough for a cluster of one node, and for no other."""


class WorkerLogs(Model):
    """Task logs on each worker's own disk, served by it and gone with it. Celery only."""

    kind: Literal["worker"]


Logs = Annotated[VolumeLogs | WorkerLogs, Field(discriminator="kind")]


class Component(Sizing):
    """One of Airflow's own services."""

    replicas: Replicas = 1
    """Number of pods."""


class ApiServer(Component):
    """UI, REST API and the API that tasks talk to."""

    cpu_milli: CpuMilli = 200
    """Requested processor time, in thousandths of a core."""
    memory_mib: MemoryMib = 1536
    """Memory, in MiB."""


class Scheduler(Component):
    """Decides what runs when."""

    cpu_milli: CpuMilli = 200
    """Requested processor time, in thousandths of a core."""
    memory_mib: MemoryMib = 1024
    """Memory, in MiB."""


class DagProcessor(Component):
    """Parses DAG files."""

    cpu_milli: CpuMilli = 100
    """Requested processor time, in thousandths of a core."""
    memory_mib: MemoryMib = 1024
    """Memory, in MiB."""


class Triggerer(Component):
    """Runs deferred tasks."""

    cpu_milli: CpuMilli = 100
    """Requested processor time, in thousandths of a core."""
    memory_mib: MemoryMib = 768
    """Memory, in MiB."""


class Components(Model):
    """Airflow's own services."""

    api_server: ApiServer = ApiServer()
    """UI, REST API and the API that tasks talk to."""
    scheduler: Scheduler = Scheduler()
    """Decides what runs when."""
    dag_processor: DagProcessor = DagProcessor()
    """Parses DAG files."""
    triggerer: Triggerer = Triggerer()
    """Runs deferred tasks."""


class ClusterIp(Model):
    """Reachable inside the cluster, and by `kubectl port-forward`."""

    kind: Literal["cluster_ip"]


class NodePort(Model):
    """Reachable on a port of every node."""

    kind: Literal["node_port"]
    port: Annotated[int, Field(ge=30_000, le=32_767)] | None = None
    """The port; default: the cluster chooses."""


Exposure = Annotated[ClusterIp | NodePort, Field(discriminator="kind")]


class Migration(Model):
    """The Job that brings the database to the schema of the image's Airflow."""

    deadline_seconds: Annotated[int, Field(ge=60, le=86_400)] = 900
    """How long it may take, image pull included, before `up` fails; a large database takes longer. In seconds."""


class Admin(Model):
    """The first user. Its password is generated; see the output `admin_password`."""

    username: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}\Z")] = "admin"
    """Login name."""
    email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\Z")] = "admin@example.org"
    """E-mail address; the login page accepts the name only."""


AirflowOptions = dict[str, dict[str, str]]
"""Section to option to value, as in airflow.cfg."""
