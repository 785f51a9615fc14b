"""The PostgreSQL Flexible Server of a stack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_random as random
from pulumi_azure_native import dbforpostgresql

from components.cloud.azure.names import ResourceNames
from components.cloud.retries import Late, retry_hook
from components.contract import cloud as contract
from components.settings.azure import catalogue
from components.settings.azure.cloud import AzureCloud

PORT: Final = 5432
ADMINISTRATOR: Final = "airflowadministrator"
"""Not one of the names that Flexible Server forbids: admin, administrator, root, guest, public, azure_…, pg_…."""
DOMAIN: Final = ".postgres.database.azure.com"
SSL_MODE: Final = "verify-full"
"""Certificates of Flexible Server name its host and are signed by public authorities, which images trust,
https://learn.microsoft.com/azure/postgresql/security/security-tls."""
AUDIT: Final[Mapping[str, str]] = {
    "connection_throttle.enable": "on",
    "log_statement": "ddl",
}
"""What an audit changes at once, besides what every server does by default: TLS 1.2 or later alone, and connections,
disconnections and checkpoints in the log. The first two of these cannot be set on every server: they are read-only in
the table for PostgreSQL 16 of June 2024, and not in that for 18 of December 2025,
https://github.com/MicrosoftDocs/azure-databases-docs/tree/main/articles/postgresql/server-parameters/includes.

Statements that change objects, roles and rights are logged by PostgreSQL itself. The extension pgaudit would need
`shared_preload_libraries`, which waits for a restart of the server, and no resource of azure-native restarts one.
"""
WEEK: Final = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
"""Days as Flexible Server counts them."""
BUSY: Final = Late(what="the database server to be free", patterns=["ServerIsBusy"], bound_seconds=900)
"""A server does one operation at a time, maintenance and its own work included. Right after its creation it often
refuses the first one, https://github.com/Azure/azure-postgresql/issues/134; the plugin does not try again."""
HIGH_AVAILABILITY: Final = {"none": "Disabled", "same_zone": "SameZone", "zone_redundant": "ZoneRedundant"}


@dataclass(frozen=True, kw_only=True)
class DatabaseArgs:
    """Arguments of the server."""

    settings: AzureCloud
    names: ResourceNames
    group: pulumi.Input[str]
    subnet: pulumi.Input[str]
    """A subnet that is delegated to Flexible Server."""
    zone: pulumi.Input[str]
    """Private DNS zone that the server's name is in."""
    tenant: pulumi.Input[str]
    """The Entra tenant whose identities may log in, once someone adds them."""
    results: bool
    """Whether a database for Celery's results is wanted."""
    protect: bool


class Database(pulumi.ComponentResource):
    """A PostgreSQL server inside the network; creation takes about 8 minutes.

    The users that own the databases are made by the migration: Azure's API makes none but the administrator.
    """

    id: pulumi.Output[str]
    databases: contract.Databases

    def __init__(self, name: str, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:azure:Database", name, None, opts)
        self._args = args
        chosen = args.settings.database
        password = self._password(f"{name}-administrator")
        self._patient = pulumi.ResourceHookBinding(on_error=[retry_hook(f"{name}-busy", BUSY)])
        # In state as "<name>-server": renaming destroys it.
        server = dbforpostgresql.Server(
            f"{name}-server",
            server_name=args.names.physical_name(),
            resource_group_name=args.group,
            location=args.settings.location,
            version=str(chosen.version),
            administrator_login=ADMINISTRATOR,
            administrator_login_password=password,
            auth_config=dbforpostgresql.AuthConfigArgs(
                active_directory_auth="Enabled",
                # Airflow logs in by password.
                password_auth="Enabled",  # noqa: S106 - a switch
                tenant_id=args.tenant,
            ),
            sku=dbforpostgresql.SkuArgs(name=chosen.size, tier=catalogue.tier(chosen.size)),
            storage=dbforpostgresql.StorageArgs(storage_size_gb=chosen.disk_gib, auto_grow="Enabled"),
            backup=dbforpostgresql.BackupArgs(
                backup_retention_days=chosen.backup_days,
                geo_redundant_backup="Enabled" if chosen.geo_redundant_backup else "Disabled",
            ),
            high_availability=dbforpostgresql.HighAvailabilityArgs(mode=HIGH_AVAILABILITY[chosen.high_availability]),
            network=dbforpostgresql.NetworkArgs(
                delegated_subnet_resource_id=args.subnet,
                private_dns_zone_arm_resource_id=args.zone,
                public_network_access="Disabled",
            ),
            maintenance_window=_maintenance(args.settings),
            tags=args.names.tags(),
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=args.protect,
                # Grows by itself, and gets faster with its size; a failover changes places.
                ignore_changes=[
                    "storage.storageSizeGB",
                    "storage.tier",
                    "storage.iops",
                    "availabilityZone",
                    "highAvailability.standbyAvailabilityZone",
                ],
                hooks=self._patient,
                # A server stays in its subnet.
                replace_on_changes=["network"],
                # Two of one name cannot be.
                delete_before_replace=True,
                custom_timeouts=pulumi.CustomTimeouts(create="60m", update="60m", delete="60m"),
            ),
        )
        self._server, self.id = server, server.id
        # It follows from the server's name. As an output of the server it would be unknown in each preview that
        # changes it, and with it what every pod is given;
        # https://learn.microsoft.com/azure/postgresql/flexible-server/concepts-networking-private.
        self._host = pulumi.Output.concat(server.name, DOMAIN)
        # A server changes one thing at a time; what everything waits for comes first.
        metadata = self._database(f"{name}-metadata", "airflow", after=server)
        results = self._database(f"{name}-results", "celery", after=metadata) if args.results else None
        last: pulumi.Resource = results if results is not None else metadata
        for parameter, value in (AUDIT if chosen.audit else {}).items():
            last = self._configuration(name, parameter, value, after=last)
        self.databases = contract.Databases(
            metadata=self._owned(f"{name}-metadata", metadata, user="airflow"),
            results=self._owned(f"{name}-results", results, user="celery") if results is not None else None,
            administrator=contract.Database(
                host=self._host,
                port=PORT,
                name="postgres",
                user=ADMINISTRATOR,
                password=password,
                ssl_mode=SSL_MODE,
            ),
            identity=server.name,
            max_connections=catalogue.max_connections(chosen.size),
        )
        self.register_outputs({"host": self._host})

    def _database(self, name: str, database: str, *, after: pulumi.Resource) -> dbforpostgresql.Database:
        return dbforpostgresql.Database(
            name,
            database_name=database,
            server_name=self._server.name,
            resource_group_name=self._args.group,
            charset="UTF8",
            collation="en_US.utf8",
            opts=pulumi.ResourceOptions(
                parent=self,
                # In state as "<name>-<use>": renaming makes an empty one beside it.
                protect=self._args.protect,
                hooks=self._patient,
                depends_on=[after],
                # It goes with the server, and when Celery goes it stays: what it holds is not the program's to drop.
                retain_on_delete=True,
            ),
        )

    def _owned(self, name: str, database: dbforpostgresql.Database, *, user: str) -> contract.Database:
        """The database with the user that will own it."""
        return contract.Database(
            host=self._host,
            port=PORT,
            name=database.name,
            user=user,
            password=self._password(name),
            ssl_mode=SSL_MODE,
        )

    def _configuration(self, name: str, parameter: str, value: str, *, after: pulumi.Resource) -> pulumi.Resource:
        return dbforpostgresql.Configuration(
            f"{name}-{parameter.replace('_', '-').replace('.', '-')}",
            configuration_name=parameter,
            server_name=self._server.name,
            resource_group_name=self._args.group,
            source="user-override",
            value=value,
            opts=pulumi.ResourceOptions(
                parent=self, hooks=self._patient, depends_on=[after], deleted_with=self._server
            ),
        )

    def _password(self, name: str) -> pulumi.Output[str]:
        """A generated password, made once and kept in state."""
        made = random.RandomPassword(
            f"{name}-password",
            length=32,
            special=False,
            # Azure asks an administrator's password for three kinds of characters.
            min_lower=1,
            min_upper=1,
            min_numeric=1,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return made.result


def _maintenance(settings: AzureCloud) -> dbforpostgresql.MaintenanceWindowArgs:
    window = settings.maintenance
    if window is None:
        return dbforpostgresql.MaintenanceWindowArgs(
            custom_window="Disabled", day_of_week=0, start_hour=0, start_minute=0
        )
    return dbforpostgresql.MaintenanceWindowArgs(
        custom_window="Enabled", day_of_week=WEEK.index(window.day), start_hour=window.hour, start_minute=0
    )
