"""The PostgreSQL Flexible Server of a stack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_random as random
from pulumi_azure_native import dbforpostgresql

from components.cloud.azure.scope import AzureScope
from components.cloud.retries import Late, retry_hook
from components.contract import cloud as contract
from components.settings.azure import catalogue
from components.settings.azure.cloud import AzureCloud

PORT: Final = 5432
ADMINISTRATOR: Final = "airflowadministrator"
"""Flexible Server forbids admin, administrator, root, guest, public, azure_… and pg_…."""
DOMAIN: Final = ".postgres.database.azure.com"
SSL_MODE: Final = "verify-full"
"""Certificates of Flexible Server contain its host name and are signed by public CAs, which images trust,
https://learn.microsoft.com/azure/postgresql/security/security-tls."""
AUDIT: Final[Mapping[str, str]] = {
    "connection_throttle.enable": "on",
    "log_statement": "ddl",
}
"""Server parameters for an audit that take effect without a restart. Every server already requires TLS 1.2 and logs
connections, disconnections and checkpoints by default. The first two of these log parameters cannot be set on every
server: they are read-only in the table for PostgreSQL 16 of June 2024, but not in the table for 18 of December 2025,
https://github.com/MicrosoftDocs/azure-databases-docs/tree/main/articles/postgresql/server-parameters/includes.

PostgreSQL itself logs statements that change objects, roles and permissions. The extension pgaudit would need
`shared_preload_libraries`, which takes effect only after a restart, and no resource of azure-native restarts a server.
"""
WEEK: Final = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
"""Days in the order of Flexible Server's day numbers."""
BUSY: Final = Late(what="the database server to be free", patterns=["ServerIsBusy"], bound_seconds=900)
"""A server runs one operation at a time, including maintenance and internal operations. Right after creation it often
refuses the first one, https://github.com/Azure/azure-postgresql/issues/134; the plugin does not retry."""
HIGH_AVAILABILITY: Final = {"none": "Disabled", "same_zone": "SameZone", "zone_redundant": "ZoneRedundant"}


@dataclass(frozen=True, kw_only=True)
class DatabaseArgs:
    """Arguments of the server."""

    scope: AzureScope
    subnet: pulumi.Input[str]
    """A subnet that is delegated to Flexible Server."""
    zone: pulumi.Input[str]
    """Private DNS zone of the server's name."""
    tenant: pulumi.Input[str]
    """The Entra tenant whose identities can be added as users."""
    results: bool
    """Whether to create a database for Celery's results."""


class Database(pulumi.ComponentResource):
    """A PostgreSQL server in the private network; creation takes about 8 minutes.

    The migration creates the users that own the databases: Azure's API creates only the administrator.
    """

    id: pulumi.Output[str]
    databases: contract.Databases

    def __init__(self, name: str, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:azure:Database", name, None, opts)
        self._name, self._args, self._scope = name, args, args.scope
        settings = args.scope.settings.database
        password = self._create_password(f"{name}-administrator")
        self._hooks = pulumi.ResourceHookBinding(on_error=[retry_hook(f"{name}-busy", BUSY)])
        self._server = server = self._create_server(password)
        self.id = server.id
        # Derived from the server's name. As an output of the server it would be unknown in each preview that changes
        # the server, and with it the environment of every pod;
        # https://learn.microsoft.com/azure/postgresql/flexible-server/concepts-networking-private.
        self._host = pulumi.Output.concat(server.name, DOMAIN)
        # A server runs one operation at a time; the databases come first, because everything else waits for them.
        metadata = self._create_database(f"{name}-metadata", "airflow", after=server)
        results = self._create_database(f"{name}-results", "celery", after=metadata) if args.results else None
        last: pulumi.Resource = results if results is not None else metadata
        for parameter, value in (AUDIT if settings.audit else {}).items():
            last = self._create_configuration(name, parameter, value, after=last)
        self.databases = contract.Databases(
            metadata=self._login(f"{name}-metadata", metadata, user="airflow"),
            results=self._login(f"{name}-results", results, user="celery") if results is not None else None,
            administrator=contract.Database(
                host=self._host,
                port=PORT,
                name="postgres",
                user=ADMINISTRATOR,
                password=password,
                ssl_mode=SSL_MODE,
            ),
            identity=server.name,
            max_connections=catalogue.max_connections(settings.size),
        )
        self.register_outputs({"host": self._host})

    def _create_server(self, password: pulumi.Output[str]) -> dbforpostgresql.Server:
        args, scope, settings = self._args, self._scope, self._scope.settings.database
        # In state as "<name>-server": renaming destroys it.
        return dbforpostgresql.Server(
            f"{self._name}-server",
            server_name=scope.names.physical_name(),
            resource_group_name=scope.group,
            location=scope.settings.region,
            version=str(settings.version),
            administrator_login=ADMINISTRATOR,
            administrator_login_password=password,
            auth_config=dbforpostgresql.AuthConfigArgs(
                active_directory_auth="Enabled",
                # Airflow logs in with a password.
                password_auth="Enabled",  # noqa: S106 - a switch
                tenant_id=args.tenant,
            ),
            sku=dbforpostgresql.SkuArgs(name=settings.size, tier=catalogue.tier(settings.size)),
            storage=dbforpostgresql.StorageArgs(storage_size_gb=settings.disk_gib, auto_grow="Enabled"),
            backup=dbforpostgresql.BackupArgs(
                backup_retention_days=settings.backup_retention_days,
                geo_redundant_backup="Enabled" if settings.geo_redundant_backup else "Disabled",
            ),
            high_availability=dbforpostgresql.HighAvailabilityArgs(mode=HIGH_AVAILABILITY[settings.high_availability]),
            network=dbforpostgresql.NetworkArgs(
                delegated_subnet_resource_id=args.subnet,
                private_dns_zone_arm_resource_id=args.zone,
                public_network_access="Disabled",
            ),
            maintenance_window=_maintenance(scope.settings),
            tags=scope.names.tags(),
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=scope.protect,
                # The disk grows automatically, and its performance with its size; a failover swaps the zones.
                ignore_changes=[
                    "storage.storageSizeGB",
                    "storage.tier",
                    "storage.iops",
                    "availabilityZone",
                    "highAvailability.standbyAvailabilityZone",
                ],
                hooks=self._hooks,
                # A server cannot move to another subnet.
                replace_on_changes=["network"],
                # Server names are unique.
                delete_before_replace=True,
                custom_timeouts=pulumi.CustomTimeouts(create="60m", update="60m", delete="60m"),
            ),
        )

    def _create_database(self, name: str, database: str, *, after: pulumi.Resource) -> dbforpostgresql.Database:
        return dbforpostgresql.Database(
            name,
            database_name=database,
            server_name=self._server.name,
            resource_group_name=self._scope.group,
            charset="UTF8",
            collation="en_US.utf8",
            opts=pulumi.ResourceOptions(
                parent=self,
                # In state as "<name>-<use>": renaming creates an additional empty database.
                protect=self._scope.protect,
                hooks=self._hooks,
                depends_on=[after],
                # Deleted together with the server; kept when Celery is disabled, because the program never drops data.
                retain_on_delete=True,
            ),
        )

    def _login(self, name: str, database: dbforpostgresql.Database, *, user: str) -> contract.Database:
        """The database, with the name and password of the user that will own it."""
        return contract.Database(
            host=self._host,
            port=PORT,
            name=database.name,
            user=user,
            password=self._create_password(name),
            ssl_mode=SSL_MODE,
        )

    def _create_configuration(
        self, name: str, parameter: str, value: str, *, after: pulumi.Resource
    ) -> pulumi.Resource:
        return dbforpostgresql.Configuration(
            f"{name}-{parameter.replace('_', '-').replace('.', '-')}",
            configuration_name=parameter,
            server_name=self._server.name,
            resource_group_name=self._scope.group,
            source="user-override",
            value=value,
            opts=pulumi.ResourceOptions(parent=self, hooks=self._hooks, depends_on=[after], deleted_with=self._server),
        )

    def _create_password(self, name: str) -> pulumi.Output[str]:
        """A password, generated once and stored in state."""
        password = random.RandomPassword(
            f"{name}-password",
            length=32,
            special=False,
            # Azure requires three kinds of characters in an administrator's password.
            min_lower=1,
            min_upper=1,
            min_numeric=1,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return password.result


def _maintenance(settings: AzureCloud) -> dbforpostgresql.MaintenanceWindowArgs:
    window = settings.maintenance
    if window is None:
        return dbforpostgresql.MaintenanceWindowArgs(
            custom_window="Disabled", day_of_week=0, start_hour=0, start_minute=0
        )
    return dbforpostgresql.MaintenanceWindowArgs(
        custom_window="Enabled", day_of_week=WEEK.index(window.day), start_hour=window.hour, start_minute=0
    )
