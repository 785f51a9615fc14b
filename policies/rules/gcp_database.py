"""Rules for Cloud SQL servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from policies.conditions import (
    Every,
    Must,
    all_of,
    is_everywhere,
    listed,
    must_be,
    must_be_at_least,
    must_be_set,
)
from policies.resource import Resource, at
from policies.rule import NO_SETTING, Rule

SERVER: Final = "gcp:sql/databaseInstance:DatabaseInstance"
USER: Final = "gcp:sql/user:User"
DATABASE: Final = "gcp:sql/database:Database"
MODULE: Final = NO_SETTING.format("components/cloud/gcp/database.py")
DOCS: Final = "https://cloud.google.com/sql/docs/postgres"
LOG_DAYS: Final = 7
"""The maximum of edition enterprise, https://cloud.google.com/sql/docs/postgres/backup-recovery/pitr."""
BACKUPS_MIN: Final = 14
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
"""The flags of the CIS benchmark for Google Cloud, section 6.2, and of pgaudit."""


def _has_flags(wanted: dict[str, str]) -> Callable[[Any], bool]:
    def holds(value: Any) -> bool:
        return wanted.items() <= {str(at(flag, "name")): at(flag, "value") for flag in listed(value)}.items()

    return holds


def _private_address(resource: Resource) -> Iterator[str]:
    addresses = "settings.ipConfiguration"
    if not any(at(resource.props, f"{addresses}.{key}") for key in ("privateNetwork", "pscConfigs")):
        yield f"{addresses}.privateNetwork is not set and must be the stack's network"


RULES: Final = (
    Rule(
        id="cloudsql-high-availability",
        title="A database server has a standby in another zone.",
        prod="mandatory",
        dev="off",
        remedy="Set airflow:cloud.database.high_availability to true.",
        source=f"{DOCS}/high-availability",
        rows=("S1",),
        checks={SERVER: must_be("settings.availabilityType", "REGIONAL")},
    ),
    Rule(
        id="cloudsql-private-address",
        title="A database server has a private address only.",
        prod="mandatory",
        dev="mandatory",
        remedy=MODULE,
        source=f"{DOCS}/configure-private-ip",
        rows=("S2",),
        checks={SERVER: all_of(must_be("settings.ipConfiguration.ipv4Enabled", False), _private_address)},
    ),
    Rule(
        id="cloudsql-authorized-networks",
        title="A database server accepts no connections from the whole internet.",
        prod="mandatory",
        dev="mandatory",
        remedy=MODULE,
        source=f"{DOCS}/authorize-networks",
        rows=("S2",),
        checks={
            SERVER: Every(
                "settings.ipConfiguration.authorizedNetworks",
                Must("value", lambda value: not is_everywhere(value), "a range smaller than the internet"),
            )
        },
    ),
    Rule(
        id="cloudsql-tls",
        title="A database server refuses connections without TLS.",
        prod="mandatory",
        dev="mandatory",
        remedy=MODULE,
        source=f"{DOCS}/configure-ssl-instance",
        rows=("S3",),
        checks={
            SERVER: must_be("settings.ipConfiguration.sslMode", "ENCRYPTED_ONLY", "TRUSTED_CLIENT_CERTIFICATE_REQUIRED")
        },
    ),
    Rule(
        id="cloudsql-backups",
        title="A database server has daily backups.",
        prod="mandatory",
        dev="mandatory",
        remedy=MODULE,
        source=f"{DOCS}/backup-recovery/backups",
        rows=("S4",),
        checks={SERVER: must_be("settings.backupConfiguration.enabled", True)},
    ),
    Rule(
        id="cloudsql-point-in-time-recovery",
        title="A database can be restored to any point in time of the last week.",
        prod="mandatory",
        dev="off",
        remedy="Set airflow:cloud.database.point_in_time_recovery to true.",
        source=f"{DOCS}/backup-recovery/pitr",
        rows=("S4",),
        checks={
            SERVER: all_of(
                must_be("settings.backupConfiguration.pointInTimeRecoveryEnabled", True),
                must_be_at_least("settings.backupConfiguration.transactionLogRetentionDays", LOG_DAYS),
            )
        },
    ),
    Rule(
        id="cloudsql-backup-retention",
        title="Backups of a database are kept for two weeks.",
        prod="mandatory",
        dev="off",
        remedy=f"Set airflow:cloud.database.backup_retention_days to at least {BACKUPS_MIN}.",
        source=f"{DOCS}/backup-recovery/backups",
        rows=("S4",),
        checks={
            SERVER: must_be_at_least(
                "settings.backupConfiguration.backupRetentionSettings.retainedBackups", BACKUPS_MIN
            )
        },
    ),
    Rule(
        id="cloudsql-deletion-protection",
        title="Pulumi's provider and Cloud SQL itself refuse to delete a database server.",
        prod="mandatory",
        dev="off",
        remedy="Set airflow:protect to true.",
        source=f"{DOCS}/deletion-protection",
        rows=("S5",),
        checks={
            SERVER: all_of(must_be("deletionProtection", True), must_be("settings.deletionProtectionEnabled", True))
        },
    ),
    Rule(
        id="cloudsql-backups-outlive-server",
        title="Backups of a database stay when its server is deleted.",
        prod="mandatory",
        dev="off",
        remedy="Set airflow:protect to true.",
        source=f"{DOCS}/backup-recovery/backups",
        rows=("S6",),
        checks={
            SERVER: all_of(
                must_be("settings.retainBackupsOnDelete", True), must_be("settings.finalBackupConfig.enabled", True)
            )
        },
    ),
    Rule(
        id="cloudsql-maintenance-window",
        title="A database server restarts for maintenance only in a chosen window.",
        prod="mandatory",
        dev="off",
        remedy="Set airflow:cloud.maintenance.hour.",
        source=f"{DOCS}/maintenance",
        rows=("S7",),
        checks={
            SERVER: all_of(
                must_be_at_least("settings.maintenanceWindow.day", 1),
                must_be("settings.maintenanceWindow.updateTrack", "stable", "week5"),
            )
        },
    ),
    Rule(
        id="cloudsql-disk-growth",
        title="The disk of a database grows before it is full, up to a limit.",
        prod="mandatory",
        dev="mandatory",
        remedy="Set airflow:cloud.database.disk_limit_gib.",
        source=f"{DOCS}/instance-settings#automatic-storage-increase-2ndgen",
        rows=("S8",),
        checks={
            SERVER: all_of(
                must_be("settings.diskAutoresize", True), must_be_at_least("settings.diskAutoresizeLimit", 1)
            )
        },
    ),
    Rule(
        id="cloudsql-audit",
        title="A database server logs connections, checkpoints and lock waits, and can audit statements.",
        prod="mandatory",
        dev="off",
        remedy="Set airflow:cloud.database.audit to true, and remove these flags from airflow:cloud.database.flags.",
        source=f"{DOCS}/flags",
        rows=("S9",),
        checks={
            SERVER: Must(
                "settings.databaseFlags",
                _has_flags(AUDIT_FLAGS),
                f"a list with {', '.join(f'{name}={value}' for name, value in AUDIT_FLAGS.items())}",
            )
        },
    ),
    Rule(
        id="cloudsql-insights",
        title="Slow queries are sampled, and weak passwords are refused.",
        prod="mandatory",
        dev="off",
        remedy="Set airflow:cloud.database.insights to true.",
        source=f"{DOCS}/using-query-insights",
        rows=("S10",),
        checks={
            SERVER: all_of(
                must_be("settings.insightsConfig.queryInsightsEnabled", True),
                must_be("settings.passwordValidationPolicy.enablePasswordPolicy", True),
                must_be_set("settings.passwordValidationPolicy.complexity"),
            )
        },
    ),
    Rule(
        id="cloudsql-abandon",
        title="Users and databases are deleted with their server and not one by one, which Cloud SQL refuses.",
        prod="mandatory",
        dev="mandatory",
        remedy=MODULE,
        source="https://www.pulumi.com/registry/packages/gcp/api-docs/sql/user/",
        rows=("S12",),
        checks={USER: must_be("deletionPolicy", "ABANDON"), DATABASE: must_be("deletionPolicy", "ABANDON")},
    ),
)
