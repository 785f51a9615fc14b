"""Audit logs of cluster and database, in a workspace where their administrators cannot change them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import pulumi
from pulumi_azure_native import monitor, operationalinsights

from components.cloud.azure.scope import AzureScope

Audited = Literal["cluster", "database"]
CATEGORIES: Final[Mapping[Audited, tuple[str, ...]]] = {
    # Changes through the cluster's API, and authentication decisions,
    # https://learn.microsoft.com/azure/aks/monitor-aks-reference.
    "cluster": ("kube-audit-admin", "guard"),
    # The server's log, which is not available elsewhere,
    # https://learn.microsoft.com/azure/postgresql/security/security-audit.
    "database": ("PostgreSQLLogs",),
}
SETTINGS: Final[Mapping[Audited, str]] = {"cluster": "setting", "database": "database-setting"}
"""Suffixes of the names in state: the cluster's setting is "<name>-setting"."""
RETENTION_DAYS: Final = 30
"""The minimum of a workspace, which is free of charge."""


@dataclass(frozen=True, kw_only=True)
class AuditArgs:
    """Arguments of the audit logs."""

    scope: AzureScope
    resources: Mapping[Audited, pulumi.Input[str]]
    """Ids of the audited resources."""


class Audit(pulumi.ComponentResource):
    """A Log Analytics workspace for audit logs, and the diagnostic settings that write to it."""

    def __init__(self, name: str, args: AuditArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:azure:Audit", name, None, opts)
        scope = args.scope
        workspace = operationalinsights.Workspace(
            f"{name}-workspace",
            workspace_name=scope.names.physical_name("audit"),
            resource_group_name=scope.group,
            location=scope.settings.region,
            sku=operationalinsights.WorkspaceSkuArgs(name="PerGB2018"),
            retention_in_days=RETENTION_DAYS,
            tags=scope.names.tags(),
            opts=pulumi.ResourceOptions(parent=self),
        )
        for audited, resource_id in args.resources.items():
            monitor.DiagnosticSetting(
                f"{name}-{SETTINGS[audited]}",
                name="audit",
                resource_uri=resource_id,
                workspace_id=workspace.id,
                log_analytics_destination_type="Dedicated",
                logs=[
                    monitor.DiagnosticsLogSettingsArgs(category=category, enabled=True)
                    for category in CATEGORIES[audited]
                ],
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})
