"""All settings of one stack."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from components.settings.existing.cloud import ExistingCluster
from components.settings.sections.admin import Admin
from components.settings.sections.auth import Auth, PasswordLogin
from components.settings.sections.cloud import Cloud
from components.settings.sections.components import Components
from components.settings.sections.dag_source import Share
from components.settings.sections.dags import DagSources, ImageDags
from components.settings.sections.executor import Executor
from components.settings.sections.existing_secrets import ExistingSecrets
from components.settings.sections.exposure import ClusterIp, Exposure
from components.settings.sections.image import Image
from components.settings.sections.logs import Logs, StoreLogs, VolumeLogs
from components.settings.sections.migration import Migration
from components.settings.sections.options import AirflowOptions
from components.settings.sections.pod_operator import Limits, PodOperator, executor_limits
from components.settings.sections.pods import PodAdditions, Pods, Target, additions
from components.settings.sections.pools import AirflowPools
from components.settings.sections.projects import Projects
from components.settings.sections.scheduling import Scheduling
from components.settings.sections.secrets_backend import SecretsBackend
from components.settings.sections.timezone import Timezone
from components.settings.sections.variables import Variables
from components.settings.types import Model, Name


def _own_namespace(name: str) -> str:
    """The name, unless it is a namespace of the cluster itself, which `destroy` would delete.

    Raises:
        ValueError: such a name; "rule; remedy".
    """
    if name == "default" or name.startswith("kube-"):
        raise ValueError("belongs to the cluster, and `destroy` would delete it; choose another name")
    return name


class Settings(Model):
    """All settings of one stack; each field is a key of the stack file under `airflow:`."""

    cloud: Cloud
    """The cloud or the existing cluster."""
    executor: Executor
    """The executor of tasks."""
    name: Name = "airflow"
    """Prefix of every object. Two instances in one cluster need two names or two namespaces."""
    namespace: Annotated[Name, AfterValidator(_own_namespace)] = "airflow"
    """The Kubernetes namespace. It is created by the stack, and deleted with it."""
    image: Image = Image()
    """The Airflow image."""
    dags: DagSources = (ImageDags(kind="image"),)
    """Sources of DAG files. Each is a bundle of Airflow, and all of them are used at once."""
    example_dags: bool = False
    """Whether the example DAGs in the folder `dags/` of this program are deployed too."""
    load_examples: bool = False
    """Whether Airflow's own example DAGs are loaded, those of its providers too. They are more than 100."""
    logs: Logs | None = None
    """Storage of task logs; default: `store`, and `volume` on existing clusters."""
    components: Components = Components()
    """Airflow's own services."""
    exposure: Exposure = ClusterIp(kind="cluster_ip")
    """External access to the UI."""
    migration: Migration = Migration()
    """The Job that migrates the database to the schema of the image's Airflow version."""
    admin: Admin = Admin()
    """The first user."""
    auth: Auth = PasswordLogin(kind="password")
    """Login of people and programs: their accounts and roles."""
    timezone: Timezone = "UTC"
    """The time zone of dates and schedules in DAGs that name none."""
    scheduling: Scheduling = Scheduling()
    """Limits of how many tasks and DAG runs are active at once."""
    options: AirflowOptions = Field(default_factory=dict)
    """Additional options of airflow.cfg: section, option, and value as text. They are written in clear text to a
    ConfigMap, so options that are secrets are refused."""
    options_file: bool = False
    """Whether pods read their options from a file airflow.cfg. By default they are variables of the environment."""
    pods: Pods = Field(default_factory=dict[Target, PodAdditions])
    """Additions to the pods of each workload, and of `all`."""
    pod_operator: PodOperator = PodOperator()
    """Pods that tasks start through operators, in a namespace of their own."""
    projects: Projects = ()
    """Projects: configuration, secrets, data and a pool for the pods that DAGs start, each project apart."""
    pools: AirflowPools = ()
    """Pools of Airflow, beside those of projects."""
    variables: Variables = Field(default_factory=dict, title="variable, text")
    """Variables of Airflow, readable in the stack file and in the cluster; `airflow:secret_variables` are not."""
    secrets_backend: SecretsBackend | None = None
    """The service in which Airflow looks for connections and variables first; default: none."""
    existing_secrets: ExistingSecrets = ExistingSecrets()
    """Keys of the instance that are in Secrets which exist outside the stack."""
    protect: bool = False
    """Whether all resources with data are protected from deletion."""

    @property
    def task_namespace(self) -> str:
        """The namespace of the pods that DAG authors influence."""
        return f"{self.namespace}-tasks"

    @property
    def tasks_tied(self) -> bool:
        """Whether a volume ties the pods of the Kubernetes executor to the instance's namespace.

        A claim belongs to one namespace, and a folder of the node is mounted only where Pod Security allows it.
        """
        mounted = self.task_logs.volume is not None or any(source.ties_pods for source in self.dags)
        return self.executor.pods is not None and mounted

    @property
    def task_limits(self) -> Limits:
        """The quota of the namespace for tasks."""
        apart = None if self.tasks_tied else self.executor.pods
        task = additions(self.pods, "task")
        executor = executor_limits(
            apart,
            existing_cluster=self.existing_cluster,
            sidecars=task.sidecars,
            init_containers=task.init_containers,
        )
        return self.pod_operator.limits(executor)

    @property
    def existing_cluster(self) -> bool:
        """Whether the stack runs on an existing cluster."""
        return isinstance(self.cloud, ExistingCluster)

    @property
    def task_logs(self) -> Logs:
        """Storage of task logs, set or default."""
        if self.logs is not None:
            return self.logs
        return VolumeLogs(kind="volume") if isinstance(self.cloud, ExistingCluster) else StoreLogs(kind="store")

    @property
    def dag_share(self) -> Share | None:
        """The source that is a file share; None without one."""
        return next((source.share for source in self.dags if source.share is not None), None)

    @property
    def node_folders(self) -> bool:
        """Whether pods mount folders of their node."""
        return any(source.node_folder is not None for source in self.dags)
