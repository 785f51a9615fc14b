"""Projects: what the pods that a project's DAGs start get, each project apart from the others."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from components.settings.types import (
    ImageReference,
    KubernetesName,
    LabelKey,
    LabelValue,
    Model,
    Name,
    SizeGib,
    Variable,
)

RESERVED_VARIABLES: Final = ("AIRFLOW_PROJECT", "FSSPEC_")
"""Beginnings of the variables that the stack writes into a project's ConfigMap itself."""
CLUSTER_ACCOUNT: Final = "default"
"""The ServiceAccount that each namespace has."""


def _free_name(name: str) -> str:
    """The name, unless each namespace has a ServiceAccount of that name.

    Raises:
        ValueError: such a name; "rule; remedy".
    """
    if name == CLUSTER_ACCOUNT:
        raise ValueError("is the ServiceAccount that each namespace has; choose another name")
    return name


def _free_variable(name: str) -> str:
    """The name of a variable, unless the stack writes it itself.

    Raises:
        ValueError: such a name; "rule; remedy".
    """
    if name.startswith(RESERVED_VARIABLES):
        raise ValueError(
            f"begins like a variable that the stack sets in the pods of a project ({', '.join(RESERVED_VARIABLES)}); "
            "choose another name"
        )
    return name


ProjectName = Annotated[Name, AfterValidator(_free_name)]
ProjectVariable = Annotated[Variable, AfterValidator(_free_variable)]


class _Data(Model):
    """Common interface of all places for a project's data, so that no other module distinguishes them."""

    @property
    def claim(self) -> VolumeData | None:
        """The volume with the data; None for every other place."""
        return None

    @property
    def bucket(self) -> bool:
        """Whether the data is in object storage of the stack's cloud."""
        return False


class NoData(_Data):
    """The project has no place for data."""

    kind: Literal["none"]


class VolumeData(_Data):
    """The project's data is on a volume, which its pods mount at /opt/data."""

    kind: Literal["volume"]
    size_gib: SizeGib
    """Size of the volume, in GiB."""
    storage_class: KubernetesName | None = None
    """Storage class of the volume; default: the cluster's default class."""
    access_mode: Literal["ReadWriteOnce", "ReadWriteMany"] = "ReadWriteOnce"
    """Access mode of the volume. With ReadWriteOnce, all pods that use it at one time run on one node; ReadWriteMany
    needs a storage class of shares."""

    @property
    def claim(self) -> VolumeData:
        """The volume."""
        return self


class BucketData(_Data):
    """The project's data is in a bucket (Google Cloud) or container (Azure) that the stack creates; its pods access it
    with the project's own identity. Not available on existing clusters."""

    kind: Literal["bucket"]

    @property
    def bucket(self) -> bool:
        """Whether the data is in object storage of the stack's cloud."""
        return True


Data = Annotated[NoData | VolumeData | BucketData, Field(discriminator="kind")]


class Pool(Model):
    """A pool of the project's name: a limit of how many of its tasks run at once."""

    slots: Annotated[int, Field(ge=1, le=100_000)]
    """Number of tasks that run at once, if each takes one slot."""


class Toleration(Model):
    """A taint of nodes that the project's pods tolerate."""

    key: LabelKey
    """Key of the taint."""
    value: LabelValue | None = None
    """Value of the taint; default: any value."""
    effect: Literal["NoSchedule", "NoExecute"] = "NoSchedule"
    """Effect of the taint."""


class Project(Model):
    """One project: the ConfigMap, Secret, ServiceAccount, claim and pool of its name, for the pods of its tasks."""

    name: ProjectName
    """Name of the project. Not the instance's name, and not one that begins with that name and a dash."""
    config: dict[ProjectVariable, str] = Field(default_factory=dict, title="variable, text")
    """Plain values, which the project's pods get as variables of their environment."""
    secrets: Annotated[tuple[ProjectVariable, ...], Field(strict=False, title="list of variables")] = ()
    """Names of secret variables. The value of each is set with
    `pulumi config set --secret --path 'airflow:project_secrets.PROJECT.NAME'`."""
    data: Data = NoData(kind="none")
    """Place of the project's data."""
    pool: Pool | None = None
    """The project's pool; default: none, and its tasks run in Airflow's default pool."""
    dags: Name | None = None
    """Name of the source in `airflow:dags` whose DAGs belong to the project. With the Kubernetes executor their tasks
    run under the project's own ServiceAccount, which starts pods of this project only. Workers of Celery run the tasks
    of all projects under one ServiceAccount."""
    node_selector: dict[LabelKey, LabelValue] = Field(default_factory=dict, title="label, text")
    """Labels of the nodes on which the project's pods run."""
    toleration: Toleration | None = None
    """A taint of nodes that the project's pods tolerate."""
    image: ImageReference | None = None
    """Image of the project's pods where a DAG names none."""


Projects = Annotated[tuple[Project, ...], Field(strict=False, max_length=50)]
