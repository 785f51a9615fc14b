"""The Cloud SQL server of a stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_random as random
from pulumi_gcp import sql

from components.cloud.gcp.scope import GcpScope
from components.contract import cloud as contract
from components.settings.gcp.cloud import GcpCloud

PORT: Final = 5432
PROXY_HEALTH_PORT: Final = 9090
"""The proxy's own default."""
ADMINISTRATOR: Final = "administrator"
SSL_MODE: Final = "verify-ca"
"""Not verify-full: the certificate of a server with a private address contains no host name that a client could check.
Each server has its own CA, so a certificate that verifies belongs to this server,
https://cloud.google.com/sql/docs/postgres/configure-ssl-instance."""
CA_MODE: Final = "GOOGLE_MANAGED_INTERNAL_CA"
"""A CA for this server only; with a shared CA, SSL_MODE would trust every server of the region."""
LOG_DAYS: Final = 7
"""Days that point-in-time recovery reaches back: the maximum of edition enterprise."""
FINAL_BACKUP_DAYS: Final = 30
SPECIAL_CHARACTERS: Final = "-_.~"
"""Special characters of passwords: a URL contains them unescaped, RFC 3986, section 2.3."""
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

    scope: GcpScope
    private_network: pulumi.Input[str]
    private_range: pulumi.Input[str]
    results: bool
    """Whether to create a database for Celery's results."""


@dataclass(frozen=True, kw_only=True)
class DatabaseEndpoint:
    """Host, TLS mode and optional sidecar for connections to the server."""

    host: pulumi.Output[str]
    ssl_mode: str
    ca_bundle: pulumi.Output[str] | None = None
    sidecar: contract.Sidecar | None = None


class Database(pulumi.ComponentResource):
    """A PostgreSQL server with a private address; creation takes about 8 minutes.

    The migration creates the users that own the databases: a user created by Cloud SQL's API has all rights of an
    administrator.
    """

    name: pulumi.Output[str]
    databases: contract.Databases

    def __init__(self, name: str, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:gcp:Database", name, None, opts)
        scope, settings = args.scope, args.scope.settings.database
        # In state as "<name>-server": renaming destroys it.
        server = sql.DatabaseInstance(
            f"{name}-server",
            name=scope.names.physical_name("database"),
            region=scope.settings.region,
            database_version=f"POSTGRES_{settings.version}",
            settings=_settings(args),
            deletion_protection=scope.protect,
            opts=pulumi.ResourceOptions(
                parent=self,
                hooks=scope.apis.hooks,
                protect=scope.protect,
                depends_on=scope.apis.of("sql"),
                # Cloud SQL grows the disk automatically.
                ignore_changes=["settings.diskSize"],
                custom_timeouts=pulumi.CustomTimeouts(create="60m", update="60m", delete="60m"),
            ),
        )
        # Deleted together with the server: dropping the user alone would fail because it owns objects.
        administrator = sql.User(
            f"{name}-administrator",
            name=ADMINISTRATOR,
            instance=server.name,
            password=self._create_password(f"{name}-administrator"),
            deletion_policy="ABANDON",
            opts=pulumi.ResourceOptions(parent=self, hooks=scope.apis.hooks),
        )
        self.name = server.name
        endpoint = self._endpoint(server, settings.proxy_image)
        self.databases = contract.Databases(
            metadata=self._create_database(name, "metadata", "airflow", server, endpoint, args),
            results=self._create_database(name, "results", "celery", server, endpoint, args) if args.results else None,
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
            max_connections=settings.max_connections,
        )
        self.register_outputs({"host": server.private_ip_address})

    def _create_database(
        self,
        name: str,
        use: str,
        database: str,
        server: sql.DatabaseInstance,
        endpoint: DatabaseEndpoint,
        args: DatabaseArgs,
    ) -> contract.Database:
        """A database, with the name and password of the user that will own it."""
        resource = sql.Database(
            f"{name}-{use}",
            name=database,
            instance=server.name,
            charset="UTF8",
            # As for the administrator.
            deletion_policy="ABANDON",
            # In state as "<name>-<use>": renaming creates an additional empty database.
            opts=pulumi.ResourceOptions(parent=self, hooks=args.scope.apis.hooks, protect=args.scope.protect),
        )
        return contract.Database(
            host=endpoint.host,
            port=PORT,
            name=resource.name,
            user=database,
            password=self._create_password(f"{name}-{use}"),
            ssl_mode=endpoint.ssl_mode,
        )

    def _create_password(self, name: str) -> pulumi.Output[str]:
        """A password with a character of each class, generated once and stored in state."""
        password = random.RandomPassword(
            f"{name}-password",
            length=32,
            override_special=SPECIAL_CHARACTERS,
            min_lower=1,
            min_upper=1,
            min_numeric=1,
            min_special=1,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return password.result

    def _endpoint(self, server: sql.DatabaseInstance, proxy_image: str | None) -> DatabaseEndpoint:
        """The server's private address, or a proxy sidecar, which encrypts and verifies connections itself."""
        if proxy_image is None:
            # The server's output contains only the current certificate (resource_sql_database_instance.go). The list
            # also contains the next one before a rotation. The link resolves when the server exists.
            listed = sql.get_ca_certs_output(instance=server.self_link, opts=pulumi.InvokeOutputOptions(parent=self))
            ca_bundle = listed.certs.apply(lambda certificates: _bundle([each.cert for each in certificates]))
            return DatabaseEndpoint(host=server.private_ip_address, ssl_mode=SSL_MODE, ca_bundle=ca_bundle)
        return DatabaseEndpoint(
            # A constant, but derived from the server so that consumers wait for it.
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
            # Probes come from outside the pod.
            "--http-address=0.0.0.0",
            f"--http-port={PROXY_HEALTH_PORT}",
            "--exit-zero-on-sigterm",
            server,
        ],
        # Since 2.27 the proxy writes metrics to Cloud Monitoring by default, which its accounts may not do. An older
        # proxy exits at an unknown option but ignores an unknown variable,
        # https://github.com/GoogleCloudPlatform/cloud-sql-proxy/blob/v2.28.0/cmd/root.go.
        environment={"CSQL_PROXY_ENABLE_BUILTIN_METRICS": "false"},
        cpu_milli=50,
        memory_mib=128,
        health_port=PROXY_HEALTH_PORT,
        startup_path="/startup",
    )


def _settings(args: DatabaseArgs) -> sql.DatabaseInstanceSettingsArgs:
    cloud, database, protect = args.scope.settings, args.scope.settings.database, args.scope.protect
    flags = {**(AUDIT_FLAGS if database.audit else {}), **database.flags}
    return sql.DatabaseInstanceSettingsArgs(
        edition=database.edition.upper(),
        tier=database.size,
        availability_type="REGIONAL" if database.high_availability else "ZONAL",
        location_preference=None
        if database.high_availability
        else sql.DatabaseInstanceSettingsLocationPreferenceArgs(zone=cloud.node_zones[0]),
        disk_type="PD_SSD",
        disk_size=database.disk_gib,
        disk_autoresize=True,
        disk_autoresize_limit=database.disk_limit_gib,
        ip_configuration=sql.DatabaseInstanceSettingsIpConfigurationArgs(
            ipv4_enabled=False,
            private_network=args.private_network,
            allocated_ip_range=args.private_range,
            ssl_mode="ENCRYPTED_ONLY",
            server_ca_mode=CA_MODE,
        ),
        backup_configuration=_backups(cloud),
        deletion_protection_enabled=protect,
        retain_backups_on_delete=protect,
        # Off by default. It is not documented whether the API returns a disabled block; if it does not, a block with
        # `enabled=False` would be a change at each `up`, because the provider does not compute this block,
        # https://github.com/hashicorp/terraform-provider-google/blob/main/google/services/sql/resource_sql_database_instance.go
        final_backup_config=sql.DatabaseInstanceSettingsFinalBackupConfigArgs(
            enabled=True, retention_days=FINAL_BACKUP_DAYS
        )
        if protect
        else None,
        maintenance_window=None
        if cloud.maintenance is None
        else sql.DatabaseInstanceSettingsMaintenanceWindowArgs(
            day=7, hour=cloud.maintenance.hour, update_track="stable"
        ),
        insights_config=sql.DatabaseInstanceSettingsInsightsConfigArgs(query_insights_enabled=database.insights),
        password_validation_policy=_password_policy() if database.insights else None,
        connector_enforcement="REQUIRED" if database.proxy_image is not None else "NOT_REQUIRED",
        database_flags=[
            sql.DatabaseInstanceSettingsDatabaseFlagArgs(name=flag, value=flags[flag]) for flag in sorted(flags)
        ],
        user_labels=args.scope.names.labels(),
    )


def _backups(cloud: GcpCloud) -> sql.DatabaseInstanceSettingsBackupConfigurationArgs:
    database = cloud.database
    return sql.DatabaseInstanceSettingsBackupConfigurationArgs(
        enabled=True,
        start_time="01:00",
        location=cloud.region,
        backup_retention_settings=sql.DatabaseInstanceSettingsBackupConfigurationBackupRetentionSettingsArgs(
            retained_backups=database.backup_retention_days, retention_unit="COUNT"
        ),
        point_in_time_recovery_enabled=database.point_in_time_recovery,
        transaction_log_retention_days=LOG_DAYS if database.point_in_time_recovery else None,
    )


def _password_policy() -> sql.DatabaseInstanceSettingsPasswordValidationPolicyArgs:
    return sql.DatabaseInstanceSettingsPasswordValidationPolicyArgs(
        enable_password_policy=True,
        min_length=16,
        # Set explicitly: the provider would take the API's default for a change.
        complexity="COMPLEXITY_DEFAULT",
        disallow_username_substring=True,
    )


def _bundle(certificates: Sequence[str | None]) -> str:
    """A PEM bundle; it has two certificates during a rotation."""
    return "\n".join(text.strip() for text in certificates if text) + "\n"
