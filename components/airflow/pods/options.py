"""Options of airflow.cfg for each workload: what the program decides, and what the stack adds."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Final

from components.contract.workloads import DAG_READERS, METADATA_CLIENTS, OPTION_READERS, RUNS_ONCE, WORKLOADS, Workload
from components.settings import connection_budget
from components.settings.stack import Settings

API_PORT: Final = 8080
HEALTH_PORT: Final = 8974
WORKER_LOG_PORT: Final = 8793
TRIGGERER_LOG_PORT: Final = 8794
FLOWER_PORT: Final = 5555
LOG_FOLDER: Final = "/opt/airflow/logs"
EXAMPLES_FOLDER: Final = "/opt/airflow/examples"
POD_RETRIES: Final = 10
"""Attempts to make a task's pod before the task fails. With Airflow's own default, 0, one answer 503 of the Kubernetes
API fails it: a zonal control plane that is upgraded gives them for minutes."""
PUBLISH_SECONDS: Final = 2.0
"""How long one attempt to give a task to the broker may take. No longer: a scheduler makes them one after the other."""
PUBLISH_RETRIES: Final = 60
"""Attempts before the task fails: together they outlast a broker's restart on another node. Airflow's default is 3."""
MIXED_QUEUED_SECONDS: Final = 3600
"""How long a task may wait in a queue where both executors share one bound. Airflow's own 600 s, and two more tries,
fail what only waits for a free worker: https://github.com/apache/airflow/issues/34339."""
POOL_RECYCLE_SECONDS: Final = 280
"""Managed PostgreSQL drops connections that are idle for about 300 s, and asyncpg sends no keep-alives."""
POD_TEMPLATE: Final = "/opt/airflow/pod_templates/task.yaml"

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
"""Who reads a section, so that a change rolls these and no one else. Sections that are not named reach everyone but
RUNS_ONCE."""
SERVERS: Final[frozenset[Workload]] = frozenset({"api-server", "scheduler"})
ALSO_READ_BY: Final[Mapping[tuple[str, str], frozenset[Workload]]] = {
    # Links to the UI in logs, in mails and in what tasks see of themselves.
    ("api", "base_url"): DAG_READERS | SERVERS,
    # What a DAG is, wherever it is parsed.
    ("scheduler", "catchup_by_default"): DAG_READERS,
    ("scheduler", "create_cron_data_intervals"): DAG_READERS,
    ("scheduler", "create_delta_data_intervals"): DAG_READERS,
    ("scheduler", "allowed_run_id_pattern"): frozenset({"api-server"}),
    # How long each waits for a sign of life of another.
    ("scheduler", "task_instance_heartbeat_timeout"): frozenset({"worker", "task"}),
    ("scheduler", "scheduler_health_check_threshold"): frozenset({"api-server"}),
    ("triggerer", "triggerer_health_check_threshold"): frozenset({"api-server"}),
    ("dag_processor", "health_check_threshold"): frozenset({"api-server"}),
    # A task that defers says which queue of triggerers it is for.
    ("triggerer", "queues_enabled"): frozenset({"worker", "task"}),
    # Whoever opens bundles keeps and forgets copies of them.
    ("dag_processor", "dag_bundle_storage_path"): DAG_READERS | SERVERS,
    ("dag_processor", "stale_bundle_cleanup_age_threshold"): DAG_READERS | SERVERS,
    ("dag_processor", "stale_bundle_cleanup_interval"): DAG_READERS | SERVERS,
    ("dag_processor", "stale_bundle_cleanup_min_versions"): DAG_READERS | SERVERS,
}
"""Options with more readers than the rest of their section; found in the sources of Airflow 3.3.2."""


def variable(section: str, option: str) -> str:
    """The environment variable of an option."""
    return f"AIRFLOW__{section.upper()}__{option.upper()}"


def readers(section: str, option: str) -> frozenset[Workload]:
    """The workloads that a free option of a stack reaches."""
    return SECTION_READERS.get(section, OPTION_READERS) | ALSO_READ_BY.get((section, option), frozenset())


def options_of(workload: Workload, settings: Settings, max_connections: int | None = None) -> dict[str, str]:
    """The options that a workload reads, as environment variables; secrets are not among them.

    Args:
        workload: who reads them.
        settings: the stack's settings.
        max_connections: how many connections the database takes; None is unknown.
    """
    chosen = {
        **_for_everyone(settings),
        **_for_part(workload, settings),
        **_for_databases(workload, settings, max_connections),
        **{
            (section.lower(), option.lower()): value
            for section, options in settings.options.items()
            for option, value in options.items()
            if workload in readers(section.lower(), option.lower())
        },
    }
    return {variable(section, option): value for (section, option), value in sorted(chosen.items())}


Options = dict[tuple[str, str], str]


def _for_everyone(settings: Settings) -> Options:
    service = f"{settings.name}-api-server.{settings.namespace}.svc"
    return {
        ("core", "auth_manager"): "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
        ("core", "load_examples"): "False",
        ("core", "execution_api_server_url"): f"http://{service}:{API_PORT}/execution/",
        ("logging", "base_log_folder"): LOG_FOLDER,
        ("logging", "colored_console_log"): "False",
    }


def base_url(settings: Settings) -> str:
    """Where users find the UI."""
    gateway = settings.exposure.gateway
    return f"https://{gateway.host}" if gateway is not None else f"http://localhost:{API_PORT}"


def parallelism(settings: Settings) -> int:
    """Number of tasks that one scheduler may have queued or running: no more than there are slots.

    What Airflow queues beyond them waits in the broker, and is failed there.
    """
    celery, task_pods = settings.executor.celery, settings.executor.pods
    places = celery.workers.replicas * celery.workers.concurrency if celery is not None else 0
    places += task_pods.max_running_tasks if task_pods is not None else 0
    return math.ceil(places / settings.components.scheduler.replicas)


def dag_bundles(settings: Settings) -> list[dict[str, object]]:
    """Airflow's list of places with DAG files."""
    folders = {"dags": settings.dags.folder}
    if settings.example_dags:
        folders["examples"] = EXAMPLES_FOLDER
    return [
        {
            "name": name,
            "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
            "kwargs": {"path": path},
        }
        for name, path in folders.items()
    ]


def _for_part(workload: Workload, settings: Settings) -> Options:
    options: Options = {}
    celery, task_pods = settings.executor.celery, settings.executor.pods
    if workload not in RUNS_ONCE:
        options["core", "executor"] = settings.executor.AIRFLOW_NAME
        # All these need the names of the bundles; who reads the files is another matter.
        options["dag_processor", "dag_bundle_config_list"] = json.dumps(dag_bundles(settings), sort_keys=True)
    if workload in readers("api", "base_url"):
        options["api", "base_url"] = base_url(settings)
    if workload in DAG_READERS:
        options["core", "dags_folder"] = settings.dags.folder
    if workload == "scheduler":
        options["core", "parallelism"] = str(parallelism(settings))
        if celery is not None and task_pods is not None:
            options["scheduler", "task_queued_timeout"] = str(MIXED_QUEUED_SECONDS)
        options["scheduler", "enable_health_check"] = "True"
        options["scheduler", "scheduler_health_check_server_port"] = str(HEALTH_PORT)
    if workload == "api-server":
        options["api", "expose_config"] = "False"
        if settings.exposure.gateway is not None:
            # The login is behind the proxy, too. Of its headers it takes the scheme alone: uvicorn has found out by
            # then who asks, and hosts and prefixes could be anybody's.
            trusted = {"for": 0, "proto": 1, "host": 0, "port": 0, "prefix": 0}
            options["fab", "enable_proxy_fix"] = "True"
            options.update({("fab", f"proxy_fix_x_{header}"): str(count) for header, count in trusted.items()})
            options["fab", "cookie_secure"] = "True"
    if WORKLOADS[workload].log_store == "writes" and settings.task_logs.store is not None:
        # What is in the store need not fill the disk; a task that goes on after a pause then adds to its log.
        options["logging", "delete_local_logs"] = "True"
    if workload in {"dag-processor", "triggerer", "worker"}:
        # The api-server reads logs of tasks from workers and triggerers, and the name of a Deployment's pod does not
        # resolve. Probes look for the jobs of their pod by the same address.
        options["core", "hostname_callable"] = "airflow.utils.net.get_host_ip_address"
    if workload == "dag-processor":
        # New files show within seconds on a volume or in an image; reading a folder's list is cheap.
        options["dag_processor", "refresh_interval"] = "30"
    if workload in {"scheduler", "api-server"} and task_pods is not None:
        options["kubernetes_executor", "namespace"] = settings.namespace
    if workload == "scheduler" and task_pods is not None:
        options["kubernetes_executor", "pod_template_file"] = POD_TEMPLATE
        options["kubernetes_executor", "delete_worker_pods_on_failure"] = str(not task_pods.keep_failed)
        options["kubernetes_executor", "worker_pods_creation_batch_size"] = str(task_pods.created_per_heartbeat)
        options["kubernetes_executor", "task_publish_max_retries"] = str(POD_RETRIES)
    if workload == "scheduler" and celery is not None:
        # Airflow repeats an attempt that takes too long, and no other one: so the client must not give up before, as it
        # does by itself after three tries. The connection's own bound, 4 s, is longer than PUBLISH_SECONDS.
        options["celery", "operation_timeout"] = str(PUBLISH_SECONDS)
        options["celery", "task_publish_max_retries"] = str(PUBLISH_RETRIES)
        retry = {"max_retries": None, "interval_start": 0, "interval_step": 0.2, "interval_max": 2}
        options["celery", "extra_celery_config"] = json.dumps({"task_publish_retry_policy": retry}, sort_keys=True)
    if workload in {"scheduler", "worker", "flower"} and celery is not None:
        options["celery_broker_transport_options", "visibility_timeout"] = str(celery.broker.visibility_timeout_seconds)
    if workload in {"worker", "task"}:
        # An api-server that is slow under a burst still does what it was asked: a task that asks again within seconds
        # is told that it runs already, and fails.
        options["workers", "execution_api_timeout"] = "60.0"
    if workload == "worker" and celery is not None:
        options["celery", "worker_concurrency"] = str(celery.workers.concurrency)
    if workload == "flower":
        options["celery", "flower_port"] = str(FLOWER_PORT)
    return options


def _for_databases(workload: Workload, settings: Settings, max_connections: int | None) -> Options:
    """Pools that all together fit into what the database takes, see components/settings/connection_budget.py."""
    options: Options = {}
    executor, components = settings.executor, settings.components
    if workload in METADATA_CLIENTS - RUNS_ONCE:
        api_server = workload == "api-server"
        pool = (
            connection_budget.api_server_pool(executor, components, max_connections)
            if api_server
            else connection_budget.pool_of_others()
        )
        options["database", "sql_alchemy_pool_size"] = str(pool.kept)
        options["database", "sql_alchemy_max_overflow"] = str(pool.more)
        options["database", "sql_alchemy_pool_recycle"] = str(POOL_RECYCLE_SECONDS)
    if workload in {"scheduler", "worker"} and executor.celery is not None:
        # For each process that runs tasks; Airflow replaces Celery's own defaults by nothing. No max_overflow: Celery
        # before 5.6.3 gives whatever does not begin with "pool" to a NullPool, which refuses it
        # (https://github.com/celery/celery/issues/7355). Such a process has one thread, and so one connection.
        engine = {"pool_pre_ping": True, "pool_recycle": POOL_RECYCLE_SECONDS, "pool_size": 1}
        options["celery", "result_backend_sqlalchemy_engine_options"] = json.dumps(engine)
    return options
