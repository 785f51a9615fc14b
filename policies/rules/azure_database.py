"""Rules for Flexible Servers of Azure Database for PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from policies.conditions import Where, all_of, listed, must_be, must_be_at_least, must_be_set, must_not_be
from policies.resource import Resource, at, may_be
from policies.rule import NO_SETTING, Rule

SERVER: Final = "azure-native:dbforpostgresql:Server"
FIREWALL: Final = "azure-native:dbforpostgresql:FirewallRule"
PARAMETER: Final = "azure-native:dbforpostgresql:Configuration"
DIAGNOSTICS: Final = "azure-native:monitor:DiagnosticSetting"
MODULE: Final = NO_SETTING.format("components/cloud/azure/database.py")
DOCS: Final = "https://learn.microsoft.com/azure/postgresql"
BACKUP_DAYS_MIN: Final = 14
LOG: Final = "PostgreSQLLogs"
THROTTLE: Final = "connection_throttle.enable"


def _firewall(resource: Resource) -> Iterator[str]:
    """The program's servers have no public address, so that every such rule opens something."""
    first, last = at(resource.props, "startIpAddress"), at(resource.props, "endIpAddress")
    yield f"startIpAddress {first} to endIpAddress {last} are admitted, and the server must be private"


def _is(parameter: str, resource: Resource) -> bool:
    # Outputs, which the pack shows instead of inputs outside of `--target`, have the name of the API.
    return parameter in (at(resource.props, "configurationName"), at(resource.props, "name"))


def _requires_tls(resource: Resource) -> bool:
    return _is("require_secure_transport", resource)


def _oldest_tls(resource: Resource) -> bool:
    return _is("ssl_min_protocol_version", resource)


def _is_audited(stack: Sequence[Resource]) -> Iterator[tuple[Resource, str]]:
    logged = any(
        at(log, "category") == LOG and may_be(at(log, "enabled"), True)
        for resource in stack
        if resource.kind == DIAGNOSTICS
        for log in listed(at(resource.props, "logs"))
    )
    throttled = any(
        _is(THROTTLE, resource) and may_be(at(resource.props, "value"), "on")
        for resource in stack
        if resource.kind == PARAMETER
    )
    for server in (resource for resource in stack if resource.kind == SERVER):
        if not logged:
            yield server, f"the stack has no diagnostic setting with {LOG}"
        if not throttled:
            yield server, f"the stack does not set the parameter {THROTTLE} to on"


RULES: Final = (
    Rule(
        id="postgres-standby",
        title="A database server has a standby.",
        prod="mandatory",
        dev="off",
        remedy="Set airflow:cloud.database.high_availability to zone_redundant or same_zone.",
        source=f"{DOCS}/high-availability/concepts-high-availability",
        rows=("P1",),
        checks={SERVER: must_be("highAvailability.mode", "ZoneRedundant", "SameZone")},
    ),
    Rule(
        id="postgres-zone-redundancy",
        title="The standby of a database server is in another zone.",
        prod="advisory",
        dev="off",
        remedy="Set airflow:cloud.database.high_availability to zone_redundant, in a region that offers it.",
        source=f"{DOCS}/high-availability/concepts-high-availability",
        rows=("P1",),
        checks={SERVER: must_be("highAvailability.mode", "ZoneRedundant")},
    ),
    Rule(
        id="postgres-private-address",
        title="A database server has a private address only.",
        prod="mandatory",
        dev="mandatory",
        remedy=MODULE,
        source=f"{DOCS}/network/concepts-networking-private",
        rows=("P2",),
        checks={
            SERVER: all_of(
                must_be("network.publicNetworkAccess", "Disabled"),
                must_be_set("network.delegatedSubnetResourceId"),
                must_be_set("network.privateDnsZoneArmResourceId"),
            ),
            FIREWALL: _firewall,
        },
    ),
    Rule(
        id="postgres-backup-retention",
        title="Backups of a database are kept for two weeks.",
        prod="mandatory",
        dev="off",
        remedy=f"Set airflow:cloud.database.backup_retention_days to at least {BACKUP_DAYS_MIN}.",
        source=f"{DOCS}/backup-restore/concepts-backup-restore",
        rows=("P3",),
        checks={SERVER: must_be_at_least("backup.backupRetentionDays", BACKUP_DAYS_MIN)},
    ),
    Rule(
        id="postgres-geo-backup",
        title="Backups of a database are copied to the paired region.",
        prod="advisory",
        dev="off",
        remedy="Set airflow:cloud.database.geo_redundant_backup to true before the server is created.",
        source=f"{DOCS}/backup-restore/concepts-backup-restore",
        rows=("P3",),
        checks={SERVER: must_be("backup.geoRedundantBackup", "Enabled")},
    ),
    Rule(
        id="postgres-entra-login",
        title="Users of Entra can log in to a database server.",
        prod="mandatory",
        dev="mandatory",
        remedy=MODULE,
        source=f"{DOCS}/security/security-entra-concepts",
        rows=("P4",),
        checks={SERVER: must_be("authConfig.activeDirectoryAuth", "Enabled")},
    ),
    Rule(
        id="postgres-disk-growth",
        title="The disk of a database grows before it is full.",
        prod="mandatory",
        dev="mandatory",
        remedy=MODULE,
        source=f"{DOCS}/compute-storage/concepts-storage",
        rows=("P5",),
        checks={SERVER: must_be("storage.autoGrow", "Enabled")},
    ),
    Rule(
        id="postgres-steady-machine",
        title="A database server has processors of its own, without credits that can be used up.",
        prod="mandatory",
        dev="off",
        remedy="Set airflow:cloud.database.size to a size such as Standard_D2ds_v5.",
        source=f"{DOCS}/compute-storage/concepts-compute",
        rows=("P5",),
        checks={SERVER: must_be("sku.tier", "GeneralPurpose", "MemoryOptimized")},
    ),
    Rule(
        id="postgres-tls",
        title="A database server refuses connections without TLS 1.2 or later, which is its default.",
        prod="mandatory",
        dev="mandatory",
        remedy="Remove the parameter. The program itself does not set it.",
        source=f"{DOCS}/security/security-tls",
        rows=("P6",),
        checks={
            PARAMETER: all_of(
                Where(_requires_tls, must_not_be("value", "off", "OFF")),
                Where(_oldest_tls, must_not_be("value", "TLSv1", "TLSv1.1")),
            )
        },
    ),
    Rule(
        id="postgres-audit",
        title="The log of a database server is kept, and wrong passwords slow a client down.",
        prod="mandatory",
        dev="off",
        remedy="Set airflow:cloud.database.audit to true.",
        source=f"{DOCS}/security/security-audit",
        rows=("P6",),
        stack_check=_is_audited,
    ),
    Rule(
        id="postgres-maintenance-window",
        title="A database server restarts for maintenance only in a chosen window.",
        prod="mandatory",
        dev="off",
        remedy="Set airflow:cloud.maintenance.",
        source=f"{DOCS}/configure-maintain/concepts-maintenance",
        rows=("P7",),
        checks={SERVER: must_be("maintenanceWindow.customWindow", "Enabled")},
    ),
)
