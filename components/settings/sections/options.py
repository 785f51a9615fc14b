"""Additional options of airflow.cfg."""

from __future__ import annotations

from typing import Final

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
"""Options that the program sets, or that ports, probes and mounts depend on: another value would break the deployment
or leak a secret."""


AirflowOptions = dict[str, dict[str, str]]
"""Section to option to value, as in airflow.cfg."""
