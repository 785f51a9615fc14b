"""What administrators do in the cluster, kept where they cannot change it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_azure_native import monitor, operationalinsights

from components.cloud.azure.physical import Names

CATEGORIES: Final = ("kube-audit-admin", "guard")
"""Changes through the cluster's API, and decisions about who may log in,
https://learn.microsoft.com/azure/aks/monitor-aks-reference."""
RETENTION_DAYS: Final = 30
"""The least that a workspace keeps, and what is free of charge."""


@dataclass(frozen=True, kw_only=True)
class AuditArgs:
    """What the audit is built from."""

    names: Names
    group: pulumi.Input[str]
    location: str
    cluster: pulumi.Input[str]
    """Id of the cluster."""


class Audit(pulumi.ComponentResource):
    """A workspace of Log Analytics that the cluster's audit log goes to."""

    def __init__(self, name: str, args: AuditArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:azure:Audit", name, None, opts)
        workspace = operationalinsights.Workspace(
            f"{name}-workspace",
            workspace_name=args.names.of("audit"),
            resource_group_name=args.group,
            location=args.location,
            sku=operationalinsights.WorkspaceSkuArgs(name="PerGB2018"),
            retention_in_days=RETENTION_DAYS,
            tags=args.names.tags(),
            opts=pulumi.ResourceOptions(parent=self),
        )
        monitor.DiagnosticSetting(
            f"{name}-setting",
            name="audit",
            resource_uri=args.cluster,
            workspace_id=workspace.id,
            log_analytics_destination_type="Dedicated",
            logs=[monitor.DiagnosticsLogSettingsArgs(category=category, enabled=True) for category in CATEGORIES],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
