"""Airflow's own settings: image, DAGs, logs, components, exposure, and options of airflow.cfg."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from components.settings.model import (
    CpuMilli,
    Hostname,
    ImageReference,
    KubernetesName,
    MemoryMib,
    Model,
    PodSizing,
    Replicas,
    SizeGib,
)

LEAST_AIRFLOW: Final = (3, 0)
OFFICIAL_TAG: Final = re.compile(r"(?:^|/)apache/airflow:(\d+\.\d+\.\d+)(?![\w.])")
"""The tag of an official image begins with Airflow's version."""
SLIM_TAG: Final = re.compile(r"(?:^|/)apache/airflow:slim-")
"""Official images without any extra, https://airflow.apache.org/docs/docker-stack/index.html."""
RELATIVE_PATH: Final = r"^(?:(?!\.\.?(?:/|\Z))[^/:\s]+(?:/|\Z))*\Z"
"""A path inside a volume: no way up, nothing absolute; empty is the root."""
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
        ("core", "hostname_callable"),
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
    """Name of a Secret of type kubernetes.io/dockerconfigjson that something else puts into the namespace. To have it
    made by this stack, leave this out and set the secret `airflow:image_pull_config`."""

    @field_validator("reference")
    @classmethod
    def _complete(cls, reference: str) -> str:
        if SLIM_TAG.search(reference):
            raise ValueError(
                "is a slim image, which has no PostgreSQL driver, no login, no Celery and no Kubernetes executor; "
                "use the tag without slim-, or build an image from it with these extras, under a name of your own"
            )
        return reference

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


class ShareDags(Model):
    """DAG files lie on a file share that every component mounts. Not on local stacks, which have no share."""

    kind: Literal["share"]
    size_gib: SizeGib
    """Size of the share, in GiB; what the cloud sells at least depends on its tier."""
    sub_path: Annotated[str, Field(pattern=RELATIVE_PATH)] = ""
    """The folder of the share that holds the DAG files; default: its root."""


Dags = Annotated[ImageDags | HostPathDags | ShareDags, Field(discriminator="kind")]


class StoreLogs(Model):
    """Task logs in the cloud's object storage, written and read by identity; the default where there is a cloud."""

    kind: Literal["store"]
    retention_days: Annotated[int, Field(ge=1, le=3650)] = 90
    """How long a log is kept, in days."""


class VolumeLogs(Model):
    """Task logs on one volume that every component shares; the default on local stacks."""

    kind: Literal["volume"]
    size_gib: SizeGib = 10
    """Size of the volume, in GiB."""
    access_mode: Literal["ReadWriteMany", "ReadWriteOnce"] = "ReadWriteMany"
    """ReadWriteOnce only serves pods of one node: enough for a cluster of one node, and for no other."""


class WorkerLogs(Model):
    """Task logs on each worker's own disk, served by it and gone with it. Celery only."""

    kind: Literal["worker"]


Logs = Annotated[StoreLogs | VolumeLogs | WorkerLogs, Field(discriminator="kind")]


class Component(PodSizing):
    """One of Airflow's own services."""

    replicas: Replicas = 1
    """Number of pods."""


class ApiServer(Component):
    """UI, REST API and the API that tasks talk to."""

    CLOUD_MILLI = 1000
    LOCAL_MILLI = 200

    cpu_milli: CpuMilli | None = None
    """Requested processor time, in thousandths of a core; default: 1000, and 200 on local stacks."""
    memory_mib: MemoryMib = 1536
    """Memory, in MiB."""


class Scheduler(Component):
    """Decides what runs when."""

    CLOUD_MILLI = 1000
    LOCAL_MILLI = 200

    cpu_milli: CpuMilli | None = None
    """Requested processor time, in thousandths of a core; default: 1000, and 200 on local stacks."""
    memory_mib: MemoryMib = 1024
    """Memory, in MiB."""


class DagProcessor(Component):
    """Parses DAG files."""

    CLOUD_MILLI = 500
    LOCAL_MILLI = 100

    cpu_milli: CpuMilli | None = None
    """Requested processor time, in thousandths of a core; default: 500, and 100 on local stacks."""
    memory_mib: MemoryMib = 1024
    """Memory, in MiB."""
    replicas: Replicas = 1
    """Number of pods; Airflow supports one alone over the same DAG files."""

    @field_validator("replicas")
    @classmethod
    def _alone(cls, replicas: int) -> int:
        # https://github.com/apache/airflow/pull/66788 (May 2026): "not a supported topology"; both write the same rows.
        if replicas > 1:
            raise ValueError("is above 1, and Airflow does not support two DAG processors over one bundle; use 1")
        return replicas


class Triggerer(Component):
    """Runs deferred tasks."""

    CLOUD_MILLI = 250
    LOCAL_MILLI = 100

    cpu_milli: CpuMilli | None = None
    """Requested processor time, in thousandths of a core; default: 250, and 100 on local stacks."""
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


class ManagedTls(Model):
    """The cloud makes and renews the certificate. Google Cloud only."""

    kind: Literal["managed"]


class CertManagerTls(Model):
    """cert-manager, which must run in the cluster with its Gateway API support on, makes and renews the certificate."""

    kind: Literal["cert_manager"]
    issuer: KubernetesName
    """Name of the ClusterIssuer."""


class SecretTls(Model):
    """The certificate is yours: the secrets `airflow:tls_certificate` and `airflow:tls_private_key`, or a Secret."""

    kind: Literal["secret"]
    name: KubernetesName | None = None
    """Name of a Secret of type kubernetes.io/tls, good for every host, that something else puts into the Gateway's
    namespace (`namespace` with `-gateway` at its end); default: it is made from the secrets `airflow:tls_certificate`
    and `airflow:tls_private_key`."""


class Gateway(Model):
    """Reachable from outside on a reserved address, by HTTPS alone. Not on local stacks."""

    kind: Literal["gateway"]
    host: Hostname
    """The UI's DNS name; point it to the output `address`."""
    flower_host: Hostname | None = None
    """Flower's DNS name; default: Flower is not reachable from outside."""
    tls: Annotated[ManagedTls | CertManagerTls | SecretTls, Field(discriminator="kind")]
    """Where the certificate comes from."""

    @field_validator("flower_host")
    @classmethod
    def _apart(cls, flower_host: str | None, found: ValidationInfo) -> str | None:
        if flower_host is not None and flower_host == found.data.get("host"):
            raise ValueError(
                "is the UI's host, where Flower's paths and cookies would meet Airflow's; use another host"
            )
        return flower_host


Exposure = Annotated[ClusterIp | NodePort | Gateway, Field(discriminator="kind")]


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
