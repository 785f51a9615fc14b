"""The CA bundle that pods verify the database server's certificate with."""

from __future__ import annotations

from typing import Final

from pulumi_kubernetes.core.v1 import VolumeMountArgs

from components.airflow.context import InstanceContext
from components.airflow.feature import Feature, PodOverlay
from components.airflow.volumes import create_files
from components.contract.workloads import DATABASE_CLIENTS
from components.settings.sections.options import Reserved

FOLDER: Final = "/opt/airflow/authority"
FILE: Final = "database.pem"
TRUST_STORE: Final = "/etc/ssl/certs/ca-certificates.crt"
"""The CA bundle of the image's Debian."""
VERIFYING: Final = frozenset({"verify-ca", "verify-full"})
"""Values of sslmode that verify the server's certificate."""
VARIABLE: Final = "PGSSLROOTCERT"
"""Read by libpq, which psycopg2 uses, and by asyncpg."""

RESERVED: Final[Reserved] = {}


def create_feature(context: InstanceContext) -> Feature:
    """The CA bundle for all pods that connect to the database; empty where no connection verifies."""
    databases = context.cloud.databases
    servers = (databases.metadata, databases.results, databases.administrator)
    # The sslmode of an external database is an Output: settings allow only modes that do not verify.
    modes = {database.ssl_mode for database in servers if database is not None and isinstance(database.ssl_mode, str)}
    if not modes & VERIFYING:
        return Feature()
    if databases.ca_bundle is None:
        return Feature(overlays=[PodOverlay(workloads=DATABASE_CLIENTS, environment={VARIABLE: TRUST_STORE})])
    return Feature(
        overlays=[
            PodOverlay(workloads=DATABASE_CLIENTS, environment={VARIABLE: f"{FOLDER}/{FILE}"}),
            *create_files(
                context,
                "database-authority",
                volume="authority",
                owner="database",
                files={FILE: databases.ca_bundle},
                workloads=DATABASE_CLIENTS,
                mounts=[VolumeMountArgs(name="authority", mount_path=FOLDER, read_only=True)],
                init_mounts=True,
            ),
        ]
    )
