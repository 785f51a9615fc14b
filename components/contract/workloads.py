"""The workloads of an Airflow instance and what each of them does: the one table that everything else derives from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from components.kubernetes import naming

Workload = Literal[
    "api-server", "scheduler", "dag-processor", "triggerer", "worker", "flower", "redis", "migration", "task"
]
Need = Literal["celery", "flower", "task_pods"]
"""What of an executor brings a workload."""


@dataclass(frozen=True, kw_only=True)
class Traits:
    """Traits of a workload, from which follows everything that it is given."""

    needs: Need | None = None
    """What of the executor it belongs to; None is there with every executor."""
    airflow: bool = True
    """Whether it runs Airflow's image and reads options of airflow.cfg."""
    metadata: bool = False
    """Holds the metadata database's credentials. Workers and task pods run the code of DAG authors and never do,
    https://airflow.apache.org/docs/apache-airflow/stable/security/security_model.html."""
    connects: bool = False
    """Opens connections to the database server: to the metadata, or to Celery's results alone."""
    dag_code: bool = False
    """Runs DAG code."""
    task_logs: bool = False
    """Writes or reads task logs."""
    log_store: Literal["reads", "writes"] | None = None
    """What it does in object storage for task logs."""
    runs_tasks: bool = False
    """Runs tasks, on the nodes that are meant for them."""
    runs_once: bool = False
    """A Job: it runs again, and all others wait, when an option of its own changes. So it gets few options."""


WORKLOADS: Final[Mapping[Workload, Traits]] = {
    "api-server": Traits(metadata=True, connects=True, task_logs=True, log_store="reads"),
    "scheduler": Traits(metadata=True, connects=True, task_logs=True),
    "dag-processor": Traits(metadata=True, connects=True, dag_code=True, task_logs=True),
    "triggerer": Traits(metadata=True, connects=True, dag_code=True, task_logs=True, log_store="writes"),
    "migration": Traits(metadata=True, connects=True, runs_once=True),
    "redis": Traits(needs="celery", airflow=False),
    "worker": Traits(needs="celery", connects=True, dag_code=True, task_logs=True, log_store="writes", runs_tasks=True),
    "flower": Traits(needs="flower"),
    "task": Traits(needs="task_pods", dag_code=True, task_logs=True, log_store="writes", runs_tasks=True),
}

METADATA_CLIENTS: Final[frozenset[Workload]] = frozenset(
    workload for workload, traits in WORKLOADS.items() if traits.metadata
)
DAG_READERS: Final[frozenset[Workload]] = frozenset(
    workload for workload, traits in WORKLOADS.items() if traits.dag_code
)
RUNS_ONCE: Final[frozenset[Workload]] = frozenset(
    workload for workload, traits in WORKLOADS.items() if traits.runs_once
)
OPTION_READERS: Final[frozenset[Workload]] = frozenset(
    workload for workload, traits in WORKLOADS.items() if traits.airflow and not traits.runs_once
)
"""Workloads that options reach unless a section names its readers."""


def service_account_name(instance: str, workload: Workload) -> str:
    """Name of a workload's ServiceAccount: clouds bind identities to exactly this account, before it exists."""
    return naming.object_name(instance, workload)
