"""The CA bundle that pods verify the database server's certificate with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import pulumi
from pulumi_kubernetes.core.v1 import ConfigMap, ConfigMapVolumeSourceArgs, VolumeArgs, VolumeMountArgs
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.contract.cloud import Databases
from components.kubernetes import naming

FOLDER: Final = "/opt/airflow/authority"
FILE: Final = "database.pem"
TRUST_STORE: Final = "/etc/ssl/certs/ca-certificates.crt"
"""The authorities that the image's Debian trusts."""
VERIFYING: Final = frozenset({"verify-ca", "verify-full"})
"""Values of sslmode that look at the server's certificate."""
VARIABLE: Final = "PGSSLROOTCERT"
"""Read by libpq, which is below psycopg2, and by asyncpg."""


@dataclass(frozen=True, kw_only=True)
class CaBundle:
    """Environment, volume and mount that give a pod the CA bundle."""

    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    volumes: Sequence[VolumeArgs] = ()
    mounts: Sequence[VolumeMountArgs] = ()


def create_ca_bundle(
    instance: str, databases: Databases, namespace: pulumi.Output[str], child: pulumi.ResourceOptions
) -> CaBundle:
    """The CA bundle of a stack's databases; empty where no connection verifies."""
    made = (databases.metadata, databases.results, databases.administrator)
    # The sslmode of an external database is an Output: settings let through only modes that verify nothing.
    modes = {database.ssl_mode for database in made if database is not None and isinstance(database.ssl_mode, str)}
    if not modes & VERIFYING:
        return CaBundle()
    if databases.ca_bundle is None:
        return CaBundle(variables={VARIABLE: TRUST_STORE})
    config_map = ConfigMap(
        f"{instance}-database-authority",
        # No fixed name: another authority is a new object, which rolls those who trust it.
        metadata=ObjectMetaArgs(namespace=namespace, labels=naming.labels(instance, "database")),
        immutable=True,
        data={FILE: databases.ca_bundle},
        opts=child,
    )
    return CaBundle(
        variables={VARIABLE: f"{FOLDER}/{FILE}"},
        volumes=[VolumeArgs(name="authority", config_map=ConfigMapVolumeSourceArgs(name=config_map.metadata.name))],
        mounts=[VolumeMountArgs(name="authority", mount_path=FOLDER, read_only=True)],
    )
