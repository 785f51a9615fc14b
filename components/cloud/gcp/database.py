"""The Cloud SQL server of a stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_random as random
from pulumi_gcp import sql

from components.cloud.gcp.apis import Apis
from components.cloud.gcp.names import ResourceNames
from components.contract import cloud as contract
from components.settings.gcp.cloud import GcpCloud

PORT: Final = 5432
PROXY_HEALTH_PORT: Final = 9090
"""The proxy's own default."""
ADMINISTRATOR: Final = "administrator"
SSL_MODE: Final = "verify-ca"
"""Not verify-full: the certificate of a server with a private address names no host that a client could check. Each
server has an authority of its own, so that whoever shows its certificate is this server,
https://cloud.google.com/sql/docs/postgres/configure-ssl-instance."""
AUTHORITY: Final = "GOOGLE_MANAGED_INTERNAL_CA"
"""An authority for this server alone; with a shared one SSL_MODE would trust every server of the region."""
LOG_DAYS: Final = 7
"""Days that point-in-time recovery reaches back, the most that edition enterprise has."""
FINAL_BACKUP_DAYS: Final = 30
SPECIAL_CHARACTERS: Final = "-_.~"
"""Those of passwords: they stand in a URL as they are, RFC 3986, section 2.3."""
AUDIT_FLAGS: Final = {
    "cloudsql.enable_pgaudit": "on",
    "cloudsql.iam_authentication": "on",
    "log_checkpoints": "on",
    "log_connections": "on",
    "log_disconnections": "on",
    "log_lock_waits": "on",
    "log_min_duration_statement": "-1",
    "log_temp_files": "0",
}
"""https://cloud.google.com/sql/docs/postgres/flags, and the CIS benchmark for Google Cloud."""


@dataclass(frozen=True, kw_only=True)
class DatabaseArgs:
    """Arguments of the server."""

    settings: GcpCloud
    names: ResourceNames
    apis: Apis
    private_network: pulumi.Input[str]
    private_range: pulumi.Input[str]
    results: bool
    """Whether a database for Celery's results is wanted."""
    protect: bool


@dataclass(frozen=True, kw_only=True)
class DatabaseEndpoint:
    """Where and how connections to the server are made."""

    host: pulumi.Output[str]
    ssl_mode: str
    ca_bundle: pulumi.Output[str] | None = None
    sidecar: contract.Sidecar | None = None


class Database(pulumi.ComponentResource):
    """A PostgreSQL server with a private address; creation takes about 8 minutes.

    The users that own the databases are made by the migration: one that Cloud SQL's API makes may do everything that an
    administrator may.
    """

    name: pulumi.Output[str]
    databases: contract.Databases

    def __init__(self, name: str, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:gcp:Database", name, None, opts)
        chosen = args.settings.database
        # In state as "<name>-server": renaming destroys it.
        server = sql.DatabaseInstance(
            f"{name}-server",
            name=args.names.physical_name("database"),
            region=args.settings.region,
            database_version=f"POSTGRES_{chosen.version}",
            settings=_settings(args),
            deletion_protection=args.protect,
            opts=pulumi.ResourceOptions(
                parent=self,
                hooks=args.apis.hooks,
                protect=args.protect,
                depends_on=args.apis.of("sql"),
                # Grows by itself.
                ignore_changes=["settings.diskSize"],
                custom_timeouts=pulumi.CustomTimeouts(create="60m", update="60m", delete="60m"),
            ),
        )
        # It goes with the server: dropping it would fail on what its users own.
        administrator = sql.User(
            f"{name}-administrator",
            name=ADMINISTRATOR,
            instance=server.name,
            password=self._password(f"{name}-administrator"),
            deletion_policy="ABANDON",
            opts=pulumi.ResourceOptions(parent=self, hooks=args.apis.hooks),
        )
        self.name = server.name
        endpoint = self._endpoint(server, chosen.proxy_image)
        self.databases = contract.Databases(
            metadata=self._database(name, "metadata", "airflow", server, endpoint, args),
            results=self._database(name, "results", "celery", server, endpoint, args) if args.results else None,
            administrator=contract.Database(
                host=endpoint.host,
                port=PORT,
                name="postgres",
                user=administrator.name,
                password=pulumi.Output.secret(administrator.password.apply(lambda password: password or "")),
                ssl_mode=endpoint.ssl_mode,
            ),
            identity=server.connection_name,
            ca_bundle=endpoint.ca_bundle,
            sidecar=endpoint.sidecar,
            max_connections=chosen.max_connections,
        )
        self.register_outputs({"host": server.private_ip_address})

    def _database(
        self,
        name: str,
        use: str,
        database: str,
        server: sql.DatabaseInstance,
        endpoint: DatabaseEndpoint,
        args: DatabaseArgs,
    ) -> contract.Database:
        """A database, and the user that will own it."""
        made = sql.Database(
            f"{name}-{use}",
            name=database,
            instance=server.name,
            charset="UTF8",
            # As with the administrator.
            deletion_policy="ABANDON",
            # In state as "<name>-<use>": renaming makes an empty one beside it.
            opts=pulumi.ResourceOptions(parent=self, hooks=args.apis.hooks, protect=args.protect),
        )
        return contract.Database(
            host=endpoint.host,
            port=PORT,
            name=made.name,
            user=database,
            password=self._password(f"{name}-{use}"),
            ssl_mode=endpoint.ssl_mode,
        )

    def _password(self, name: str) -> pulumi.Output[str]:
        """A generated password with a character of each class, made once and kept in state."""
        made = random.RandomPassword(
            f"{name}-password",
            length=32,
            override_special=SPECIAL_CHARACTERS,
            min_lower=1,
            min_upper=1,
            min_numeric=1,
            min_special=1,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return made.result

    def _endpoint(self, server: sql.DatabaseInstance, proxy_image: str | None) -> DatabaseEndpoint:
        """The server's private address, or the proxy beside each workload, which encrypts and checks it itself."""
        if proxy_image is None:
            # The server's output holds today's certificate alone (resource_sql_database_instance.go); the list also
            # holds the next one until the server changes to it. The link is known once the server exists.
            listed = sql.get_ca_certs_output(instance=server.self_link, opts=pulumi.InvokeOutputOptions(parent=self))
            authority = listed.certs.apply(lambda certificates: _bundle([each.cert for each in certificates]))
            return DatabaseEndpoint(host=server.private_ip_address, ssl_mode=SSL_MODE, ca_bundle=authority)
        return DatabaseEndpoint(
            # Known with the server, though always the same: nobody is to look for it before.
            host=server.connection_name.apply(lambda _: "127.0.0.1"),
            ssl_mode="disable",
            sidecar=proxy(proxy_image, server.connection_name),
        )


def proxy(image: str, server: pulumi.Input[str]) -> contract.Sidecar:
    """The Cloud SQL Auth Proxy for a server, named PROJECT:REGION:NAME."""
    return contract.Sidecar(
        name="database-proxy",
        image=image,
        args=[
            "--private-ip",
            "--structured-logs",
            f"--port={PORT}",
            "--health-check",
            # Kubernetes asks from outside the pod.
            "--http-address=0.0.0.0",
            f"--http-port={PROXY_HEALTH_PORT}",
            "--exit-zero-on-sigterm",
            server,
        ],
        # Since 2.27 the proxy writes metrics to Cloud Monitoring by default, and its accounts may not. An older proxy
        # ends on an option that it does not know, and ignores the variable,
        # https://github.com/GoogleCloudPlatform/cloud-sql-proxy/blob/v2.28.0/cmd/root.go.
        environment={"CSQL_PROXY_ENABLE_BUILTIN_METRICS": "false"},
        cpu_milli=50,
        memory_mib=128,
        health_port=PROXY_HEALTH_PORT,
        startup_path="/startup",
    )


def _settings(args: DatabaseArgs) -> sql.DatabaseInstanceSettingsArgs:
    cloud, chosen = args.settings, args.settings.database
    flags = {**(AUDIT_FLAGS if chosen.audit else {}), **chosen.flags}
    return sql.DatabaseInstanceSettingsArgs(
        edition=chosen.edition.upper(),
        tier=chosen.tier,
        availability_type="REGIONAL" if chosen.high_availability else "ZONAL",
        location_preference=None
        if chosen.high_availability
        else sql.DatabaseInstanceSettingsLocationPreferenceArgs(zone=cloud.node_zones[0]),
        disk_type="PD_SSD",
        disk_size=chosen.disk_gib,
        disk_autoresize=True,
        disk_autoresize_limit=chosen.disk_limit_gib,
        ip_configuration=sql.DatabaseInstanceSettingsIpConfigurationArgs(
            ipv4_enabled=False,
            private_network=args.private_network,
            allocated_ip_range=args.private_range,
            ssl_mode="ENCRYPTED_ONLY",
            server_ca_mode=AUTHORITY,
        ),
        backup_configuration=sql.DatabaseInstanceSettingsBackupConfigurationArgs(
            enabled=True,
            start_time="01:00",
            location=cloud.region,
            backup_retention_settings=sql.DatabaseInstanceSettingsBackupConfigurationBackupRetentionSettingsArgs(
                retained_backups=chosen.backups_kept, retention_unit="COUNT"
            ),
            point_in_time_recovery_enabled=chosen.point_in_time_recovery,
            transaction_log_retention_days=LOG_DAYS if chosen.point_in_time_recovery else None,
        ),
        deletion_protection_enabled=args.protect,
        retain_backups_on_delete=args.protect,
        # Off by default. Whether the API tells of one that is off is not documented; if it does not, a block that says
        # so would be a change at each `up`: the provider takes this block as written,
        # https://github.com/hashicorp/terraform-provider-google/blob/main/google/services/sql/resource_sql_database_instance.go
        final_backup_config=sql.DatabaseInstanceSettingsFinalBackupConfigArgs(
            enabled=True, retention_days=FINAL_BACKUP_DAYS
        )
        if args.protect
        else None,
        maintenance_window=None
        if cloud.maintenance_hour is None
        else sql.DatabaseInstanceSettingsMaintenanceWindowArgs(
            day=7, hour=cloud.maintenance_hour, update_track="stable"
        ),
        insights_config=sql.DatabaseInstanceSettingsInsightsConfigArgs(query_insights_enabled=chosen.insights),
        password_validation_policy=sql.DatabaseInstanceSettingsPasswordValidationPolicyArgs(
            enable_password_policy=True,
            min_length=16,
            # Named, as the provider would take an answer with a default for a change.
            complexity="COMPLEXITY_DEFAULT",
            disallow_username_substring=True,
        )
        if chosen.insights
        else None,
        connector_enforcement="REQUIRED" if chosen.proxy_image is not None else "NOT_REQUIRED",
        database_flags=[
            sql.DatabaseInstanceSettingsDatabaseFlagArgs(name=flag, value=flags[flag]) for flag in sorted(flags)
        ],
        user_labels=args.names.labels(),
    )


def _bundle(certificates: Sequence[str | None]) -> str:
    """Certificates in one text; there are two while the server changes from one to the next."""
    return "\n".join(text.strip() for text in certificates if text) + "\n"
