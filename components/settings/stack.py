"""All settings of one stack."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from components.settings.existing.cloud import ExistingCluster
from components.settings.sections.admin import Admin
from components.settings.sections.cloud import Cloud
from components.settings.sections.components import Components
from components.settings.sections.dags import Dags, ImageDags
from components.settings.sections.executor import Executor
from components.settings.sections.exposure import ClusterIp, Exposure
from components.settings.sections.image import Image
from components.settings.sections.logs import Logs, StoreLogs, VolumeLogs
from components.settings.sections.migration import Migration
from components.settings.sections.options import AirflowOptions
from components.settings.types import Model, Name


def _own_namespace(name: str) -> str:
    """The name, unless it is a namespace of the cluster's own: `destroy` would take that along.

    Raises:
        ValueError: such a name; "rule; remedy".
    """
    if name == "default" or name.startswith("kube-"):
        raise ValueError("belongs to the cluster, and this stack would delete it one day; choose another name")
    return name


class Settings(Model):
    """All settings of one stack; each field is a key of the stack file under `airflow:`."""

    cloud: Cloud
    """Where the stack runs."""
    executor: Executor
    """How tasks run."""
    name: Name = "airflow"
    """Prefix of every object: two instances in one cluster need two names or two namespaces."""
    namespace: Annotated[Name, AfterValidator(_own_namespace)] = "airflow"
    """The Kubernetes namespace; it is created, and deleted with the stack."""
    image: Image = Image()
    """The Airflow image."""
    dags: Dags = ImageDags(kind="image")
    """Where DAG files come from."""
    example_dags: bool = False
    """Whether the DAGs of the folder `dags/` beside this program are deployed as well."""
    logs: Logs | None = None
    """Where task logs are kept; default: `store`, and `volume` on existing clusters."""
    components: Components = Components()
    """Airflow's own services."""
    exposure: Exposure = ClusterIp(kind="cluster_ip")
    """External access to the UI."""
    migration: Migration = Migration()
    """The Job that brings the database to the schema of the image's Airflow."""
    admin: Admin = Admin()
    """The first user."""
    options: AirflowOptions = Field(default_factory=dict)
    """Additional options of airflow.cfg: section, option, and value as text. They are written in clear to a ConfigMap;
    an option that is a secret is refused."""
    pod_operator: bool = True
    """Whether tasks may start pods of their own (KubernetesPodOperator) in the namespace."""
    pod_operator_xcom: bool = False
    """Whether the KubernetesPodOperator may read results back, which takes the right to run commands in pods."""
    protect: bool = False
    """Whether everything that holds data refuses to be deleted."""

    @property
    def existing_cluster(self) -> bool:
        """Whether the stack runs on a cluster that exists already."""
        return isinstance(self.cloud, ExistingCluster)

    @property
    def task_logs(self) -> Logs:
        """Where task logs are kept, whether the stack says so or not."""
        if self.logs is not None:
            return self.logs
        return VolumeLogs(kind="volume") if isinstance(self.cloud, ExistingCluster) else StoreLogs(kind="store")
