"""The CA bundle that pods verify the database server's certificate with."""

from __future__ import annotations

from typing import Final

from pulumi_kubernetes.core.v1 import ConfigMap, ConfigMapVolumeSourceArgs, VolumeArgs, VolumeMountArgs
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.airflow.context import InstanceContext
from components.airflow.feature import Feature, PodOverlay, Reserved
from components.contract.workloads import DATABASE_CLIENTS

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
    config_map = ConfigMap(
        f"{context.name}-database-authority",
        # No fixed name: another CA bundle is a new object, which restarts the pods that use it.
        metadata=ObjectMetaArgs(namespace=context.namespace, labels=context.labels("database")),
        immutable=True,
        data={FILE: databases.ca_bundle},
        opts=context.child,
    )
    source = ConfigMapVolumeSourceArgs(name=config_map.metadata.name)
    return Feature(
        overlays=[
            PodOverlay(
                workloads=DATABASE_CLIENTS,
                environment={VARIABLE: f"{FOLDER}/{FILE}"},
                volumes=[VolumeArgs(name="authority", config_map=source)],
                mounts=[VolumeMountArgs(name="authority", mount_path=FOLDER, read_only=True)],
                init_mounts=True,
            )
        ]
    )
