"""The additional options of airflow.cfg that the stack sets, for the workloads that read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from components.airflow.context import InstanceContext
from components.airflow.feature import Feature, PodOverlay
from components.contract.workloads import DAG_READERS, METADATA_CLIENTS, OPTION_READERS, Workload
from components.settings.sections.options import Option, Reserved

SECTION_READERS: Final[Mapping[str, frozenset[Workload]]] = {
    "api": frozenset({"api-server"}),
    "fab": frozenset({"api-server", "migration"}),
    "scheduler": frozenset({"scheduler"}),
    "dag_processor": frozenset({"dag-processor"}),
    "triggerer": frozenset({"triggerer"}),
    "kubernetes_executor": frozenset({"scheduler", "api-server"}),
    "celery": frozenset({"scheduler", "worker", "flower"}),
    "celery_broker_transport_options": frozenset({"scheduler", "worker", "flower"}),
    "workers": frozenset({"worker", "task"}),
    "database": METADATA_CLIENTS,
}
"""Workloads that read a section of airflow.cfg: changing an option restarts only these. Sections that are not listed
go to all workloads but Jobs."""
SERVERS: Final[frozenset[Workload]] = frozenset({"api-server", "scheduler"})
ALSO_READ_BY: Final[Mapping[Option, frozenset[Workload]]] = {
    # Links to the UI in logs, in mails and in the context of tasks.
    ("api", "base_url"): DAG_READERS | SERVERS,
    # Defaults of a DAG, wherever it is parsed.
    ("scheduler", "catchup_by_default"): DAG_READERS,
    ("scheduler", "create_cron_data_intervals"): DAG_READERS,
    ("scheduler", "create_delta_data_intervals"): DAG_READERS,
    ("scheduler", "allowed_run_id_pattern"): frozenset({"api-server"}),
    # Maximum age of a heartbeat before another workload takes its sender for dead.
    ("scheduler", "task_instance_heartbeat_timeout"): frozenset({"worker", "task"}),
    ("scheduler", "scheduler_health_check_threshold"): frozenset({"api-server"}),
    ("triggerer", "triggerer_health_check_threshold"): frozenset({"api-server"}),
    ("dag_processor", "health_check_threshold"): frozenset({"api-server"}),
    # A task that defers names the queue of triggerers.
    ("triggerer", "queues_enabled"): frozenset({"worker", "task"}),
    # Workloads that open bundles keep and delete copies of them.
    ("dag_processor", "dag_bundle_storage_path"): DAG_READERS | SERVERS,
    ("dag_processor", "stale_bundle_cleanup_age_threshold"): DAG_READERS | SERVERS,
    ("dag_processor", "stale_bundle_cleanup_interval"): DAG_READERS | SERVERS,
    ("dag_processor", "stale_bundle_cleanup_min_versions"): DAG_READERS | SERVERS,
}
"""Options with more readers than the rest of their section, according to the sources of Airflow 3.3.2."""

RESERVED: Final[Reserved] = {}


def readers(option: Option) -> frozenset[Workload]:
    """The workloads that read an option."""
    return SECTION_READERS.get(option[0], OPTION_READERS) | ALSO_READ_BY.get(option, frozenset())


def create_feature(context: InstanceContext) -> Feature:
    """The options of the stack; they change defaults of all features before this one."""
    return Feature(
        overlays=[
            PodOverlay(workloads=readers(option), default_options={option: value})
            for section, options in context.settings.options.items()
            for name, value in options.items()
            for option in [(section.lower(), name.lower())]
        ]
    )
