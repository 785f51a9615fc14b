"""Preflight of a stack in an Azure subscription."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from components.cloud.preflight.findings import Finding, missing, ok, quota, unknown
from components.cloud.preflight.logins import azure_token
from components.cloud.preflight.management import Management, RefusedError, entries
from components.contract.requirements import CloudRequirements
from components.settings.azure.cloud import AzureCloud

MANAGEMENT: Final = "https://management.azure.com"
ACTIONS: Final = (
    "Microsoft.Resources/subscriptions/resourceGroups/write",
    "Microsoft.Authorization/roleAssignments/write",
    "Microsoft.ManagedIdentity/userAssignedIdentities/write",
    "Microsoft.Network/virtualNetworks/write",
    "Microsoft.ContainerService/managedClusters/write",
    "Microsoft.DBforPostgreSQL/flexibleServers/write",
    "Microsoft.Storage/storageAccounts/write",
)
"""Permissions that `up` needs for every stack."""
LOCKS: Final = "Microsoft.Authorization/locks/write"
"""Permission for protection: of the built-in roles only Owner and User Access Administrator have it,
https://learn.microsoft.com/en-us/azure/azure-resource-manager/management/lock-resources."""
NAMESPACES: Final = (
    "Microsoft.Compute",
    "Microsoft.ContainerService",
    "Microsoft.DBforPostgreSQL",
    "Microsoft.ManagedIdentity",
    "Microsoft.Network",
    "Microsoft.Storage",
)
"""Resource providers of every stack. The plugin registers them when a call is refused because one is missing."""
NOT_BY_ITSELF: Final[Mapping[str, str]] = {
    "Microsoft.Insights": "cluster.audit and database.audit",
    "Microsoft.PolicyInsights": "cluster.policy",
}
"""Resource providers that are not registered automatically, and the settings under airflow:cloud that need them,
https://github.com/pulumi/pulumi-azure-native/issues/3479."""
HOST_ENCRYPTION: Final = "EncryptionAtHost"
CORES: Final = "cores"
"""Quota for the processors of all families together in a location."""
QUOTA_HELP: Final = "https://learn.microsoft.com/en-us/azure/quotas/quickstart-increase-quota-portal"
REGISTERED: Final = "Registered"


def preflight(cloud: AzureCloud, needed: CloudRequirements) -> Iterator[Finding]:
    """Findings for the login that the engine's plugin uses."""
    yield from findings(cloud, needed, Management(token=azure_token))


def findings(cloud: AzureCloud, needed: CloudRequirements, api: Management) -> Iterator[Finding]:
    """Findings about a stack's subscription; a missing login or subscription ends the checks early."""
    root = f"{MANAGEMENT}/subscriptions/{cloud.subscription_id}"
    try:
        state = str(api.get(root, **{"api-version": "2022-12-01"}).get("state"))
    except RefusedError as error:
        if error.status == 401:
            yield missing(f"login: {error}", "run `az login`")
        elif error.status in (403, 404):
            remedy = "check the id: az account list --output table"
            yield missing(f"subscription {cloud.subscription_id} is not visible to this login ({error})", remedy)
        else:
            yield unknown(f"subscription {cloud.subscription_id} ({error})", "try again")
        return
    if state != "Enabled":
        yield missing(f"subscription {cloud.subscription_id} is {state}", "enable it in the portal, or use another one")
        return
    yield ok(f"subscription {cloud.subscription_id} is enabled and visible to this login")
    yield from _permissions(cloud, needed, api, root)
    yield from _registrations(cloud, api, root)
    if cloud.cluster.encryption_at_host:
        yield from _host_encryption(api, root)
    yield from _quotas(cloud, api, root)


def allowed(action: str, permissions: list[dict[str, Any]]) -> bool:
    """Whether one of a login's role assignments allows an action,
    https://learn.microsoft.com/en-us/azure/role-based-access-control/role-definitions."""
    return any(
        _matches(action, entry.get("actions")) and not _matches(action, entry.get("notActions"))
        for entry in permissions
    )


def _matches(action: str, patterns: list[str] | None) -> bool:
    return any(
        re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), action, re.IGNORECASE) for pattern in patterns or []
    )


def _permissions(cloud: AzureCloud, requirements: CloudRequirements, api: Management, root: str) -> Iterator[Finding]:
    needed = [*ACTIONS, *([LOCKS] if requirements.protect else [])]
    url = f"{root}/providers/Microsoft.Authorization/permissions"
    try:
        granted = [*api.listed(url, "value", "nextLink", **{"api-version": "2022-04-01"})]
    except RefusedError as error:
        yield unknown(f"permissions ({error})", "try again")
        return
    lacking = [action for action in needed if not allowed(action, granted)]
    if lacking:
        remedy = (
            "ask for the role Owner, or Contributor and User Access Administrator: az role assignment create "
            f"--assignee YOU --role Owner --scope /subscriptions/{cloud.subscription_id}"
        )
        yield missing(f"this login may not {', '.join(lacking)}", remedy)
    else:
        yield ok(f"this login has the {len(needed)} permissions that the stack needs")


def _registrations(cloud: AzureCloud, api: Management, root: str) -> Iterator[Finding]:
    try:
        listed = api.listed(f"{root}/providers", "value", "nextLink", **{"api-version": "2021-04-01"})
        states = {str(entry["namespace"]).casefold(): str(entry.get("registrationState")) for entry in listed}
    except RefusedError as error:
        yield unknown(f"registered resource providers ({error})", "try again")
        return
    required = {
        "Microsoft.Insights": cloud.cluster.audit or cloud.database.audit,
        "Microsoft.PolicyInsights": cloud.cluster.policy,
    }
    for namespace in (name for name, needed in required.items() if needed):
        if states.get(namespace.casefold()) == REGISTERED:
            yield ok(f"{namespace} is registered")
        else:
            users = NOT_BY_ITSELF[namespace]
            rule = f"{namespace} is not registered; {users} need it, and it is not registered automatically"
            yield missing(rule, f"run `az provider register --namespace {namespace} --wait`")
    late = [name for name in NAMESPACES if states.get(name.casefold()) != REGISTERED]
    if late:
        yield ok(f"`up` registers {', '.join(late)}, which takes some minutes")
    else:
        yield ok(f"the {len(NAMESPACES)} resource providers of every stack are registered")


def _host_encryption(api: Management, root: str) -> Iterator[Finding]:
    url = f"{root}/providers/Microsoft.Features/providers/Microsoft.Compute/features/{HOST_ENCRYPTION}"
    try:
        state = str(api.get(url, **{"api-version": "2021-07-01"}).get("properties", {}).get("state"))
    except RefusedError as error:
        yield unknown(f"feature {HOST_ENCRYPTION} ({error})", "try again")
        return
    if state == REGISTERED:
        yield ok(f"feature {HOST_ENCRYPTION} is registered")
    else:
        remedy = f"run `az feature register --namespace Microsoft.Compute --name {HOST_ENCRYPTION}`"
        yield missing(f"feature {HOST_ENCRYPTION} is {state}, and cluster.encryption_at_host is on", remedy)


def _quotas(cloud: AzureCloud, api: Management, root: str) -> Iterator[Finding]:
    """Check that the subscription may use the machine sizes and that enough processors are free."""
    try:
        sizes = _sizes(cloud, api, root)
        url = f"{root}/providers/Microsoft.Compute/locations/{cloud.region}/usages"
        usages = [*api.listed(url, "value", "nextLink", **{"api-version": "2024-07-01"})]
    except RefusedError as error:
        yield unknown(f"quotas of {cloud.region} ({error})", "try again")
        return
    free = {
        str(entry["name"]["value"]).casefold(): (int(entry["limit"]), int(entry["currentValue"])) for entry in usages
    }
    needed: dict[str, tuple[int, int]] = {}
    cluster = cloud.cluster
    for pool in filter(None, (cluster.system_nodes, cluster.airflow_nodes, cluster.task_nodes)):
        size = sizes.get(pool.machine_type.casefold())
        if size is None:
            remedy = f"choose another one: az vm list-skus --location {cloud.region} --size Standard_D --output table"
            yield missing(f"{pool.machine_type} is not offered to this subscription in {cloud.region}", remedy)
            continue
        for key in (CORES, size.family):
            least, most = needed.get(key, (0, 0))
            needed[key] = (least + pool.nodes_min * size.cores, most + pool.nodes_max * size.cores)
    for key, demand in needed.items():
        yield _quota(cloud.region, key, free.get(key.casefold()), demand)


def _quota(location: str, name: str, usage: tuple[int, int] | None, demand: tuple[int, int]) -> Finding:
    command = f"az vm list-usage --location {location} --output table"
    if usage is None:
        return unknown(f"quota {name} of {location} is not reported", f"check it with: {command}")
    limit, used = usage
    text = f"quota {name} of {location}: {limit - used} of {limit} processors are free"
    return quota(text, limit - used, demand, f"request more: {QUOTA_HELP}")


class _Size:
    """A virtual machine size that the subscription may use."""

    def __init__(self, entry: Mapping[str, Any]) -> None:
        capabilities = {str(each["name"]): str(each["value"]) for each in entries(entry, "capabilities")}
        self.family: Final = str(entry.get("family"))
        self.cores: Final = int(capabilities.get("vCPUs", "0"))


def _sizes(cloud: AzureCloud, api: Management, root: str) -> dict[str, _Size]:
    """Sizes by name in lower case, https://learn.microsoft.com/en-us/rest/api/compute/resource-skus/list."""
    query = {"api-version": "2021-07-01", "$filter": f"location eq '{cloud.region}'"}
    return {
        str(entry["name"]).casefold(): _Size(entry)
        for entry in api.listed(f"{root}/providers/Microsoft.Compute/skus", "value", "nextLink", **query)
        if entry.get("resourceType") == "virtualMachines" and not _closed(entry)
    }


def _closed(entry: Mapping[str, Any]) -> bool:
    """Whether the subscription may not use a size in the whole location. Single zones are not checked here."""
    return any(each.get("type") == "Location" for each in entries(entry, "restrictions"))
