"""The workloads of an Airflow installation, and which credentials each of them may hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from components.contract.workloads import METADATA_CLIENTS, Workload


@dataclass(frozen=True, kw_only=True)
class Credential:
    """One secret value: the variable that carries it and who reads it."""

    variable: str
    stored_in: str
    """Which Secret it is kept in."""
    key: str
    readers: frozenset[Workload]


CREDENTIALS: Final = (
    Credential(
        variable="AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", stored_in="metadata", key="connection", readers=METADATA_CLIENTS
    ),
    Credential(
        variable="AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC",
        stored_in="metadata",
        key="async-connection",
        readers=METADATA_CLIENTS,
    ),
    Credential(
        variable="AIRFLOW__CORE__FERNET_KEY",
        stored_in="fernet",
        key="key",
        # Not the workers: since Airflow 3 connections and variables come decrypted from the API. Of what runs in tasks
        # two serializers of XComs alone encrypt, of Delta Lake and Iceberg (airflow/sdk/serde/serializers, 3.3.2).
        readers=frozenset({"api-server", "scheduler", "dag-processor", "triggerer"}),
    ),
    Credential(
        variable="AIRFLOW__API_AUTH__JWT_SECRET",
        stored_in="jwt",
        key="key",
        readers=frozenset({"api-server", "scheduler"}),
    ),
    Credential(
        variable="AIRFLOW__API__SECRET_KEY",
        stored_in="api",
        key="key",
        readers=frozenset({"api-server", "scheduler", "triggerer", "worker"}),
    ),
    Credential(
        variable="AIRFLOW__CELERY__BROKER_URL",
        stored_in="broker",
        key="url",
        readers=frozenset({"scheduler", "worker", "flower"}),
    ),
    Credential(
        variable="AIRFLOW__CELERY__RESULT_BACKEND",
        stored_in="results",
        key="connection",
        readers=frozenset({"scheduler", "worker"}),
    ),
    Credential(
        variable="AIRFLOW__CELERY__FLOWER_BASIC_AUTH",
        stored_in="flower",
        key="basic-auth",
        readers=frozenset({"flower"}),
    ),
    Credential(
        variable="ADMINISTRATOR_URL", stored_in="databases", key="administrator", readers=frozenset({"migration"})
    ),
    Credential(variable="OWNERS", stored_in="databases", key="owners", readers=frozenset({"migration"})),
    Credential(variable="REDISCLI_AUTH", stored_in="broker", key="password", readers=frozenset({"redis"})),
    Credential(variable="ADMIN_PASSWORD", stored_in="admin", key="password", readers=frozenset({"migration"})),
)
"""The secrets matrix, whole: a value that is not listed here reaches no pod."""


def credentials_of(workload: Workload) -> list[Credential]:
    """The credentials that a workload may hold."""
    return [credential for credential in CREDENTIALS if workload in credential.readers]
