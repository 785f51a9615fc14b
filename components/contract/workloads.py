"""The table of an instance's workloads and their traits. Everything that depends on the workload derives from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from components.kubernetes import naming

Workload = Literal[
    "api-server", "scheduler", "dag-processor", "triggerer", "worker", "flower", "redis", "migration", "task", "pod"
]
Need = Literal["celery", "flower", "task_pods", "pod_operator"]
"""Features of an instance that require a workload."""


@dataclass(frozen=True, kw_only=True)
class Traits:
    """Traits of a workload, which determine its options, secrets, volumes and identity."""

    needs: Need | None = None
    """The feature that the workload belongs to; None means that every instance has it."""
    airflow: bool = True
    """Whether it runs Airflow's image and reads options of airflow.cfg."""
    metadata: bool = False
    """Holds the metadata database's credentials. Workers and task pods run the code of DAG authors and never hold them,
    https://airflow.apache.org/docs/apache-airflow/stable/security/security_model.html."""
    connects: bool = False
    """Opens connections to the database server: to the metadata database, or only to Celery's results."""
    dag_code: bool = False
    """Runs DAG code."""
    task_logs: bool = False
    """Writes or reads task logs."""
    log_store: Literal["reads", "writes"] | None = None
    """Its access to the log store."""
    runs_tasks: bool = False
    """Runs tasks, on the task nodes if there are any."""
    author_spec: bool = False
    """DAG authors influence the spec of its pods: they live in the namespace for tasks, which has no Secret of the
    instance but those that tasks need."""
    cloud_identity: bool = False
    """Has an identity in the cloud even where it has no rights of its own: users of the stack grant it roles."""
    runs_once: bool = False
    """A Job. It gets few options, because it runs again, and everything else waits, when one of its options changes."""


WORKLOADS: Final[Mapping[Workload, Traits]] = {
    "api-server": Traits(metadata=True, connects=True, task_logs=True, log_store="reads"),
    "scheduler": Traits(metadata=True, connects=True, task_logs=True),
    "dag-processor": Traits(metadata=True, connects=True, dag_code=True, task_logs=True),
    "triggerer": Traits(metadata=True, connects=True, dag_code=True, task_logs=True, log_store="writes"),
    "migration": Traits(metadata=True, connects=True, runs_once=True),
    "redis": Traits(needs="celery", airflow=False),
    "worker": Traits(needs="celery", connects=True, dag_code=True, task_logs=True, log_store="writes", runs_tasks=True),
    "flower": Traits(needs="flower"),
    "task": Traits(
        needs="task_pods", dag_code=True, task_logs=True, log_store="writes", runs_tasks=True, author_spec=True
    ),
    # A pod that a task starts through an operator, with an image of its own.
    "pod": Traits(needs="pod_operator", airflow=False, author_spec=True, cloud_identity=True),
}

METADATA_CLIENTS: Final[frozenset[Workload]] = frozenset(
    workload for workload, traits in WORKLOADS.items() if traits.metadata
)
DATABASE_CLIENTS: Final[frozenset[Workload]] = frozenset(
    workload for workload, traits in WORKLOADS.items() if traits.connects
)
DAG_READERS: Final[frozenset[Workload]] = frozenset(
    workload for workload, traits in WORKLOADS.items() if traits.dag_code
)
RUNS_ONCE: Final[frozenset[Workload]] = frozenset(
    workload for workload, traits in WORKLOADS.items() if traits.runs_once
)
AIRFLOW_WORKLOADS: Final[frozenset[Workload]] = frozenset(
    workload for workload, traits in WORKLOADS.items() if traits.airflow
)
LONG_RUNNING: Final[frozenset[Workload]] = frozenset(
    workload
    for workload, traits in WORKLOADS.items()
    if traits.airflow and not traits.runs_once and traits.needs != "task_pods"
)
"""Workloads whose pods run until they are told to stop, unlike those of a Job and of one task."""
TASK_LOGGERS: Final[frozenset[Workload]] = frozenset(
    workload for workload, traits in WORKLOADS.items() if traits.task_logs
)
LOG_STORE_WRITERS: Final[frozenset[Workload]] = frozenset(
    workload for workload, traits in WORKLOADS.items() if traits.log_store == "writes"
)
LOG_STORE_CLIENTS: Final[frozenset[Workload]] = frozenset(
    workload for workload, traits in WORKLOADS.items() if traits.log_store is not None
)
TASK_RUNNERS: Final[frozenset[Workload]] = frozenset(
    workload for workload, traits in WORKLOADS.items() if traits.runs_tasks
)
OPTION_READERS: Final[frozenset[Workload]] = frozenset(
    workload for workload, traits in WORKLOADS.items() if traits.airflow and not traits.runs_once
)
"""Workloads that get the options of a section without listed readers."""

PLUGIN_LOADERS: Final[frozenset[Workload]] = OPTION_READERS - {"flower"}
"""Workloads whose processes load Airflow plugins."""


def service_account_name(instance: str, workload: Workload) -> str:
    """Name of a workload's ServiceAccount. Clouds bind identities to exactly this name, before the account exists."""
    return naming.object_name(instance, workload)
