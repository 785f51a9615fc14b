"""Log Analytics workspaces and diagnostic settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from lab.clouds.azure.arm import ArmError, ArmKind, at_scope, name_of, uid
from lab.clouds.kind import Call, Grammar, Reference, Relation
from lab.clouds.schema_check import Fault

WORKSPACE: Final = "azure-native:operationalinsights:Workspace"
CATEGORIES: Final[Mapping[str, frozenset[str]]] = {
    "azure-native:containerservice:ManagedCluster": frozenset(
        [
            "cloud-controller-manager",
            "cluster-autoscaler",
            "csi-azuredisk-controller",
            "csi-azurefile-controller",
            "csi-snapshot-controller",
            "fleet-mcs-controller-manager",
            "guard",
            "kube-apiserver",
            "kube-audit",
            "kube-audit-admin",
            "kube-controller-manager",
            "kube-scheduler",
        ]
    ),
    "azure-native:dbforpostgresql:Server": frozenset(
        [
            "PostgreSQLFlexDatabaseXacts",
            "PostgreSQLFlexQueryStoreRuntime",
            "PostgreSQLFlexQueryStoreWaitStats",
            "PostgreSQLFlexSessions",
            "PostgreSQLFlexTableStats",
            "PostgreSQLLogs",
        ]
    ),
}
"""Log categories by type of their source."""
RETENTION_DAYS: Final = (30, 730)


class Workspace(ArmKind):
    """A Log Analytics workspace."""

    token = WORKSPACE
    name = "workspaceName"
    path = "resourceGroups/{resourceGroupName}/providers/Microsoft.OperationalInsights/workspaces/{workspaceName}"
    grammar = Grammar(
        pattern=r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]",
        words="4 to 63 letters, digits and hyphens, letters or digits at both ends",
    )

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Errors of the retention."""
        yield from super().faults(inputs, config)
        days, (least, most) = inputs.get("retentionInDays"), RETENTION_DAYS
        if isinstance(days, int) and not least <= days <= most:
            yield "retentionInDays", f"is {days}, not between {least} and {most}"

    def outputs(self, call: Call) -> dict[str, Any]:
        """The outputs of a new workspace."""
        return {
            "customerId": uid(call.id),
            "createdDate": "2026-01-01T00:00:00.0000000Z",
            "modifiedDate": "2026-01-01T00:00:00.0000000Z",
            "publicNetworkAccessForIngestion": call.get("publicNetworkAccessForIngestion", "Enabled"),
            "publicNetworkAccessForQuery": call.get("publicNetworkAccessForQuery", "Enabled"),
            "retentionInDays": call.get("retentionInDays", RETENTION_DAYS[0]),
            "privateLinkScopedResources": [],
        }


class DiagnosticSetting(ArmKind):
    """A diagnostic setting of a resource. As in Azure, it outlives the resource."""

    token = "azure-native:monitor:DiagnosticSetting"  # noqa: S105 - the token of a type
    name = "name"
    path = "{resourceUri}/providers/Microsoft.Insights/diagnosticSettings/{name}"
    references = (Reference(path="workspaceId", to=(WORKSPACE,), way="ignores"),)
    settles = False

    def id(self, call: Call) -> str:
        """The id, below the id of the resource."""
        inputs = {**call.inputs, "resourceUri": "/" + str(call.inputs["resourceUri"]).strip("/")}
        return self.path.format_map(inputs)

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Errors of missing logs and destinations."""
        yield from super().faults(inputs, config)
        places = ("workspaceId", "storageAccountId", "eventHubAuthorizationRuleId", "marketplacePartnerId")
        if not any(inputs.get(place) for place in places):
            yield "workspaceId", "is required, or another destination is"
        if not inputs.get("logs") and not inputs.get("metrics"):
            yield "logs", "are required, or metrics are"

    def relations(self, call: Call) -> Iterator[Relation]:
        """Refuse a missing resource."""
        uri = "/" + str(call.inputs["resourceUri"]).strip("/")
        item = at_scope(call.world, uri)
        if item is None:
            raise ArmError(404, "ResourceNotFound", f"The Resource '{uri}' was not found.")
        yield item, "ignores"

    def check(self, call: Call) -> None:
        """Refuse unknown categories, and a category that another setting sends to the same workspace."""
        item = at_scope(call.world, "/" + str(call.inputs["resourceUri"]).strip("/"))
        known = CATEGORIES.get(item.type) if item else None
        for log in call.get("logs", []):
            category = log.get("category")
            if known is not None and category is not None and category not in known:
                raise ArmError(400, "BadRequest", f"Category '{category}' is not supported.")
        asked = {log.get("category") for log in call.get("logs", [])}
        for other in call.world.of(self.token):
            same = other.id != call.id and other.inputs["resourceUri"] == call.inputs["resourceUri"]
            twice = asked & {log.get("category") for log in other.inputs.get("logs") or []}
            if same and twice and other.inputs.get("workspaceId") == call.get("workspaceId"):
                raise ArmError(
                    409,
                    "Conflict",
                    f"Data sink '{call.get('workspaceId')}' is already used in diagnostic setting "
                    f"'{name_of(other.id)}' for category '{min(map(str, twice))}'.",
                )
