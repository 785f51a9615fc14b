"""Rules for AKS clusters and their node pools."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from policies.conditions import (
    Every,
    Must,
    Where,
    all_of,
    listed,
    must_be,
    must_be_absent,
    must_be_at_least,
    must_have_at_least,
    must_not_be_everywhere,
)
from policies.resource import Resource, at, is_unknown, may_be
from policies.rule import NO_SETTING, Rule

CLUSTER: Final = "azure-native:containerservice:ManagedCluster"
POOL: Final = "azure-native:containerservice:AgentPool"
MAINTENANCE: Final = "azure-native:containerservice:MaintenanceConfiguration"
DIAGNOSTICS: Final = "azure-native:monitor:DiagnosticSetting"
MODULE: Final = NO_SETTING.format("components/cloud/azure/cluster.py")
NODES: Final = NO_SETTING.format("components/cloud/azure/nodes.py")
DOCS: Final = "https://learn.microsoft.com/azure/aks"
SYSTEM_NODES_MIN: Final = 3
PODS_MIN: Final = 50
SYSTEM_TAINT: Final = "CriticalAddonsOnly=true:NoSchedule"
AUDIT_CATEGORIES: Final = frozenset({"kube-audit", "kube-audit-admin"})
SCHEDULES: Final = frozenset({"aksManagedAutoUpgradeSchedule", "aksManagedNodeOSUpgradeSchedule"})
"""Names that AKS defines, https://learn.microsoft.com/azure/aks/planned-maintenance."""


def _closed_api(resource: Resource) -> Iterator[str]:
    profile = at(resource.props, "apiServerAccessProfile")
    ranges = at(profile, "authorizedIPRanges")
    if is_unknown(ranges) or at(profile, "enablePrivateCluster") is True or listed(ranges):
        return
    yield "apiServerAccessProfile.authorizedIPRanges is not set and must list the ranges of operators"


def _is_system(resource: Resource) -> bool:
    return at(resource.props, "mode") == "System"


def _keyvault_is_used(resource: Resource) -> bool:
    return at(resource.props, "addonProfiles.azureKeyvaultSecretsProvider.enabled") is True


def _clusters(stack: Sequence[Resource]) -> Iterator[Resource]:
    return (resource for resource in stack if resource.kind == CLUSTER)


def _has_windows(stack: Sequence[Resource]) -> Iterator[tuple[Resource, str]]:
    # Outputs, which the pack shows instead of inputs outside of `--target`, have the name of the API.
    names = {at(each.props, key) for each in stack if each.kind == MAINTENANCE for key in ("configName", "name")}
    missing = sorted(SCHEDULES - names)
    for cluster in _clusters(stack):
        if missing:
            yield cluster, f"the stack has no maintenance configuration {' and '.join(missing)}"


def _is_audited(stack: Sequence[Resource]) -> Iterator[tuple[Resource, str]]:
    audited = any(
        at(log, "category") in AUDIT_CATEGORIES and may_be(at(log, "enabled"), True)
        for resource in stack
        if resource.kind == DIAGNOSTICS
        for log in listed(at(resource.props, "logs"))
    )
    for cluster in _clusters(stack):
        if not audited:
            yield cluster, f"the stack has no diagnostic setting with {' or '.join(sorted(AUDIT_CATEGORIES))}"


def _has_taint(value: Any) -> bool:
    return SYSTEM_TAINT in listed(value)


ZONES: Final = must_have_at_least("availabilityZones", 3)
NO_PUBLIC_ADDRESS: Final = must_be("enableNodePublicIP", False, None)
TRUSTED_LAUNCH: Final = all_of(
    must_be("securityProfile.enableSecureBoot", True), must_be("securityProfile.enableVTPM", True)
)
SYSTEM_DISK: Final = must_be("osDiskType", "Ephemeral")
ENCRYPTION: Final = must_be("enableEncryptionAtHost", True)
SYSTEM: Final = all_of(
    must_be("osSKU", "AzureLinux", "AzureLinux3", "Ubuntu", "Ubuntu2404"), must_be_at_least("maxPods", PODS_MIN)
)
POOLS: Final = "agentPoolProfiles"

ACCESS_RULES: Final = (
    Rule(
        id="aks-entra-login",
        title="Users log in with Entra: there are no local accounts.",
        prod="mandatory",
        dev="mandatory",
        remedy=MODULE,
        source=f"{DOCS}/manage-local-accounts-managed-azure-ad",
        rows=("A1",),
        checks={
            CLUSTER: all_of(
                must_be("disableLocalAccounts", True),
                must_be("aadProfile.managed", True),
                must_be("aadProfile.enableAzureRBAC", True),
                must_be("enableRBAC", True),
            )
        },
    ),
    Rule(
        id="aks-api-ranges",
        title="The cluster's API answers listed ranges only, or is private.",
        prod="mandatory",
        dev="off",
        remedy="Set airflow:cloud.cluster.endpoint to kind authorized_ranges with operators' ranges.",
        source=f"{DOCS}/api-server-authorized-ip-ranges",
        rows=("A2",),
        checks={CLUSTER: _closed_api},
    ),
    Rule(
        id="aks-api-open-range",
        title="The listed ranges of the cluster's API are not the whole internet, and no command bypasses them.",
        prod="mandatory",
        dev="mandatory",
        remedy="Limit airflow:cloud.cluster.endpoint.ranges to operators' ranges.",
        source=f"{DOCS}/api-server-authorized-ip-ranges",
        rows=("A2",),
        checks={
            CLUSTER: all_of(
                must_not_be_everywhere("apiServerAccessProfile.authorizedIPRanges"),
                must_be("apiServerAccessProfile.disableRunCommand", True),
            )
        },
    ),
    Rule(
        id="aks-workload-identity",
        title="Pods log in to Azure with their own identity, without keys.",
        prod="mandatory",
        dev="mandatory",
        remedy=MODULE,
        source=f"{DOCS}/workload-identity-overview",
        rows=("A3",),
        checks={
            CLUSTER: all_of(
                must_be("oidcIssuerProfile.enabled", True), must_be("securityProfile.workloadIdentity.enabled", True)
            )
        },
    ),
    Rule(
        id="aks-managed-identity",
        title="The cluster runs as a managed identity, without a password.",
        prod="mandatory",
        dev="mandatory",
        remedy=MODULE,
        source=f"{DOCS}/managed-identity-overview",
        rows=("A4",),
        checks={
            CLUSTER: all_of(
                must_be("identity.type", "UserAssigned", "SystemAssigned"), must_be_absent("servicePrincipalProfile")
            )
        },
    ),
    Rule(
        id="aks-network-policy",
        title="The cluster enforces network policies.",
        prod="mandatory",
        dev="mandatory",
        remedy=MODULE,
        source=f"{DOCS}/azure-cni-powered-by-cilium",
        rows=("A5",),
        checks={
            CLUSTER: all_of(
                must_be("networkProfile.networkPlugin", "azure"),
                must_be("networkProfile.networkPluginMode", "overlay"),
                must_be("networkProfile.networkDataplane", "cilium"),
                must_be("networkProfile.networkPolicy", "cilium"),
            )
        },
    ),
    Rule(
        id="aks-keyvault-rotation",
        title="Secrets that the cluster reads from a Key Vault are read again when they change.",
        prod="mandatory",
        dev="mandatory",
        remedy='Set enableSecretRotation of the add-on to "true". The program itself does not use the add-on.',
        source=f"{DOCS}/csi-secrets-store-configuration-options",
        rows=("A14",),
        checks={
            CLUSTER: Where(
                _keyvault_is_used,
                must_be("addonProfiles.azureKeyvaultSecretsProvider.config.enableSecretRotation", "true"),
            )
        },
    ),
    Rule(
        id="aks-node-resource-group",
        title="Nobody changes resources that AKS manages, such as the nodes' machines.",
        prod="mandatory",
        dev="off",
        remedy=MODULE,
        source=f"{DOCS}/node-resource-group-lockdown",
        rows=("A15",),
        checks={CLUSTER: must_be("nodeResourceGroupProfile.restrictionLevel", "ReadOnly")},
    ),
)
AVAILABILITY_RULES: Final = (
    Rule(
        id="aks-fixed-egress",
        title="Outbound connections come from one fixed address.",
        prod="advisory",
        dev="off",
        remedy="Set airflow:cloud.network.outbound to nat_gateway, unless all zones matter more than the address.",
        source=f"{DOCS}/egress-outboundtype",
        rows=("A6",),
        checks={CLUSTER: must_be("networkProfile.outboundType", "userAssignedNATGateway", "managedNATGateway")},
    ),
    Rule(
        id="aks-tier",
        title="The control plane has an uptime SLA.",
        prod="mandatory",
        dev="off",
        remedy="Set airflow:cloud.cluster.tier to standard or premium.",
        source=f"{DOCS}/free-standard-pricing-tiers",
        rows=("A7",),
        checks={CLUSTER: must_be("sku.tier", "Standard", "Premium")},
    ),
    Rule(
        id="aks-zones",
        title="Nodes are in three zones.",
        prod="mandatory",
        dev="off",
        remedy="Set airflow:cloud.zones to three zones, in a region that has them.",
        source=f"{DOCS}/availability-zones",
        rows=("A8",),
        checks={CLUSTER: Every(POOLS, ZONES), POOL: ZONES},
    ),
    Rule(
        id="aks-system-pool",
        title="The cluster's own services have at least three nodes, on which Airflow does not run.",
        prod="mandatory",
        dev="off",
        remedy="Set airflow:cloud.cluster.airflow_nodes, and airflow:cloud.cluster.system_nodes.nodes_min to 3.",
        source=f"{DOCS}/use-system-pools",
        rows=("A8",),
        checks={
            CLUSTER: Every(
                POOLS,
                Where(
                    _is_system,
                    all_of(
                        must_be_at_least("minCount", SYSTEM_NODES_MIN),
                        Must("nodeTaints", _has_taint, f"a list with {SYSTEM_TAINT}"),
                    ),
                ),
            )
        },
    ),
    Rule(
        id="aks-upgrade-channel",
        title="Kubernetes is upgraded to versions that others have used for weeks.",
        prod="mandatory",
        dev="off",
        remedy="Set airflow:cloud.cluster.channel to patch or stable.",
        source=f"{DOCS}/auto-upgrade-cluster",
        rows=("A9",),
        checks={CLUSTER: must_be("autoUpgradeProfile.upgradeChannel", "patch", "stable")},
    ),
    Rule(
        id="aks-node-upgrades",
        title="The nodes' operating system gets security updates.",
        prod="mandatory",
        dev="mandatory",
        remedy="Set airflow:cloud.cluster.node_upgrades.",
        source=f"{DOCS}/auto-upgrade-node-os-image",
        rows=("A9",),
        checks={CLUSTER: must_be("autoUpgradeProfile.nodeOSUpgradeChannel", "NodeImage", "SecurityPatch")},
    ),
    Rule(
        id="aks-maintenance-window",
        title="Upgrades of the cluster and its nodes begin only in a chosen window.",
        prod="mandatory",
        dev="off",
        remedy="Set airflow:cloud.maintenance.",
        source=f"{DOCS}/planned-maintenance",
        rows=("A9",),
        stack_check=_has_windows,
    ),
)
NODE_RULES: Final = (
    Rule(
        id="aks-private-nodes",
        title="Nodes have no public addresses.",
        prod="mandatory",
        dev="mandatory",
        remedy=NODES,
        source=f"{DOCS}/use-node-public-ips",
        rows=("A10",),
        checks={CLUSTER: Every(POOLS, NO_PUBLIC_ADDRESS), POOL: NO_PUBLIC_ADDRESS},
    ),
    Rule(
        id="aks-trusted-launch",
        title="Nodes verify their boot chain.",
        prod="mandatory",
        dev="mandatory",
        remedy=NODES,
        source=f"{DOCS}/use-trusted-launch",
        rows=("A10",),
        checks={CLUSTER: Every(POOLS, TRUSTED_LAUNCH), POOL: TRUSTED_LAUNCH},
    ),
    Rule(
        id="aks-ephemeral-disks",
        title="System disks of nodes are on the machines themselves: no data of pods stays behind.",
        prod="advisory",
        dev="off",
        remedy="Set disk of the pools of airflow:cloud.cluster to ephemeral, with machine types that have such disks.",
        source=f"{DOCS}/concepts-storage#ephemeral-os-disk",
        rows=("A10",),
        checks={CLUSTER: Every(POOLS, SYSTEM_DISK), POOL: SYSTEM_DISK},
    ),
    Rule(
        id="aks-encryption-at-host",
        title="Disks are also encrypted on the machines.",
        prod="advisory",
        dev="off",
        remedy="Register the feature EncryptionAtHost, and set airflow:cloud.cluster.encryption_at_host to true; this"
        " replaces the pools.",
        source=f"{DOCS}/enable-host-encryption",
        rows=("A10",),
        checks={CLUSTER: Every(POOLS, ENCRYPTION), POOL: ENCRYPTION},
    ),
    Rule(
        id="aks-node-system",
        title="Nodes run a current Linux, with room for 50 pods.",
        prod="mandatory",
        dev="off",
        remedy=NODES,
        source=f"{DOCS}/upgrade-os-version",
        rows=("A11",),
        checks={CLUSTER: Every(POOLS, SYSTEM), POOL: SYSTEM},
    ),
)
AUDIT_RULES: Final = (
    Rule(
        id="aks-audit",
        title="Changes by administrators of the cluster are logged.",
        prod="mandatory",
        dev="off",
        remedy="Set airflow:cloud.cluster.audit to true.",
        source=f"{DOCS}/monitor-aks-reference",
        rows=("A12",),
        stack_check=_is_audited,
    ),
    Rule(
        id="aks-azure-policy",
        title="Azure Policy checks objects in the cluster.",
        prod="advisory",
        dev="off",
        remedy="Register Microsoft.PolicyInsights in the subscription, and set airflow:cloud.cluster.policy to true.",
        source=f"{DOCS}/use-azure-policy",
        rows=("A13",),
        checks={CLUSTER: must_be("addonProfiles.azurepolicy.enabled", True)},
    ),
    Rule(
        id="aks-image-cleaner",
        title="Images that no pod uses are removed from nodes, with their vulnerabilities.",
        prod="mandatory",
        dev="off",
        remedy=MODULE,
        source=f"{DOCS}/image-cleaner",
        rows=("A13",),
        checks={CLUSTER: must_be("securityProfile.imageCleaner.enabled", True)},
    ),
)
RULES: Final = (*ACCESS_RULES, *AVAILABILITY_RULES, *NODE_RULES, *AUDIT_RULES)
