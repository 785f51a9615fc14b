"""The secrets matrix: the generated credentials, and the workloads that may hold each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from components.airflow.context import InstanceContext
from components.airflow.feature import OPTION_PREFIX, Feature, option_of
from components.airflow.secrets.credential import Credential
from components.contract.workloads import METADATA_CLIENTS, Workload
from components.settings.sections.options import Reserved


@dataclass(frozen=True, kw_only=True)
class Row:
    """One generated credential: its environment variable, where it is stored, and its readers."""

    variable: str
    stored_in: str
    """Name of the Secret in `Secrets.stored`."""
    key: str
    readers: frozenset[Workload]


MATRIX: Final = (
    Row(
        variable="AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", stored_in="metadata", key="connection", readers=METADATA_CLIENTS
    ),
    Row(
        variable="AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC",
        stored_in="metadata",
        key="async-connection",
        readers=METADATA_CLIENTS,
    ),
    Row(
        variable="AIRFLOW__CORE__FERNET_KEY",
        stored_in="fernet",
        key="key",
        # Not the workers: since Airflow 3 they get decrypted connections and variables from the API. In tasks, only two
        # serializers of XComs encrypt, those of Delta Lake and Iceberg (airflow/sdk/serde/serializers, 3.3.2).
        # The migration's script compares the key with what is in the database, and entries are written with it.
        readers=frozenset({"api-server", "scheduler", "dag-processor", "triggerer", "migration"}),
    ),
    Row(
        variable="AIRFLOW__API_AUTH__JWT_SECRET",
        stored_in="jwt",
        key="key",
        readers=frozenset({"api-server", "scheduler"}),
    ),
    Row(
        variable="AIRFLOW__API__SECRET_KEY",
        stored_in="api",
        key="key",
        readers=frozenset({"api-server", "scheduler", "triggerer", "worker"}),
    ),
    Row(
        variable="AIRFLOW__CELERY__BROKER_URL",
        stored_in="broker",
        key="url",
        readers=frozenset({"scheduler", "worker", "flower"}),
    ),
    Row(
        variable="AIRFLOW__CELERY__RESULT_BACKEND",
        stored_in="results",
        key="connection",
        readers=frozenset({"scheduler", "worker"}),
    ),
    Row(
        variable="AIRFLOW__CELERY__FLOWER_BASIC_AUTH",
        stored_in="flower",
        key="basic-auth",
        readers=frozenset({"flower"}),
    ),
    Row(variable="ADMINISTRATOR_URL", stored_in="databases", key="administrator", readers=frozenset({"migration"})),
    Row(variable="OWNERS", stored_in="databases", key="owners", readers=frozenset({"migration"})),
    Row(variable="REDISCLI_AUTH", stored_in="broker", key="password", readers=frozenset({"redis"})),
    Row(variable="ADMIN_PASSWORD", stored_in="admin", key="password", readers=frozenset({"migration"})),
)
"""All generated credentials: a generated value that is not listed here reaches no pod."""

RESERVED: Final[Reserved] = {option_of(row.variable): None for row in MATRIX if row.variable.startswith(OPTION_PREFIX)}


def create_feature(context: InstanceContext) -> Feature:
    """The rows of the matrix whose Secret this instance has."""
    return Feature(
        credentials=[
            Credential(variable=row.variable, secret=context.secrets[row.stored_in], key=row.key, readers=row.readers)
            for row in MATRIX
            if row.stored_in in context.secrets
        ]
    )
