"""Rules for subnets, addresses, roles and identities on Azure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from policies.conditions import (
    Every,
    Must,
    Where,
    all_of,
    is_everywhere,
    listed,
    must_be,
    must_be_set,
    must_have_at_least,
    must_hold,
)
from policies.resource import Resource, at
from policies.rule import NO_SETTING, Rule

SUBNET: Final = "azure-native:network:Subnet"
GROUP: Final = "azure-native:network:NetworkSecurityGroup"
SECURITY_RULE: Final = "azure-native:network:SecurityRule"
ADDRESS: Final = "azure-native:network:PublicIPAddress"
ROLE: Final = "azure-native:authorization:RoleAssignment"
FEDERATION: Final = "azure-native:managedidentity:FederatedIdentityCredential"
MODULE: Final = NO_SETTING.format("components/cloud/azure/network.py")
DOCS: Final = "https://learn.microsoft.com/azure"
WEB_PORTS: Final = frozenset({"80", "443"})
AUDIENCE: Final = "api://AzureADTokenExchange"
BROAD_SCOPE: Final = re.compile(r"/?|/subscriptions/[^/]*/?|/providers/Microsoft\.Management/managementGroups/.*")
OWNER: Final = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
ACCESS_ADMINISTRATOR: Final = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9"
BROAD_ROLES: Final = (OWNER, ACCESS_ADMINISTRATOR)
"""Roles that can give themselves every right, https://learn.microsoft.com/azure/role-based-access-control/built-in-roles."""


def _open_rule(resource: Resource) -> Iterator[str]:
    """An inbound rule that admits the whole internet to other ports than those of HTTP and HTTPS."""
    props = resource.props
    if at(props, "access") != "Allow" or at(props, "direction") != "Inbound":
        return
    sources = [at(props, "sourceAddressPrefix"), *listed(at(props, "sourceAddressPrefixes"))]
    ports = {at(props, "destinationPortRange"), *listed(at(props, "destinationPortRanges"))} - {None}
    for source in filter(is_everywhere, sources):
        if not ports <= WEB_PORTS:
            yield f"rule {at(props, 'name')} admits {source} to ports {', '.join(sorted(map(str, ports)))}"


def _is_own(resource: Resource) -> bool:
    """The service of a delegated subnet manages its outbound access itself."""
    return not listed(at(resource.props, "delegations"))


def _names_one_account(value: Any) -> bool:
    kind, *rest = str(value).split(":")
    return kind == "system" and len(rest) == 3 and all(rest) and "*" not in str(value)


def _is_narrow(value: Any) -> bool:
    return isinstance(value, str) and BROAD_SCOPE.fullmatch(value) is None


def _is_limited(value: Any) -> bool:
    return isinstance(value, str) and not value.endswith(BROAD_ROLES)


RULES: Final = (
    Rule(
        id="azure-subnet-rules",
        title="Every subnet has a network security group.",
        prod="mandatory",
        dev="mandatory",
        remedy=MODULE,
        source=f"{DOCS}/virtual-network/network-security-groups-overview",
        rows=("A16",),
        checks={SUBNET: must_be_set("networkSecurityGroup.id")},
    ),
    Rule(
        id="azure-default-outbound",
        title="Subnets reach the internet only by the way that the stack creates.",
        prod="mandatory",
        dev="mandatory",
        remedy=MODULE,
        source=f"{DOCS}/virtual-network/ip-services/default-outbound-access",
        rows=("A16",),
        checks={SUBNET: Where(_is_own, must_be("defaultOutboundAccess", False))},
    ),
    Rule(
        id="azure-open-ports",
        title="The internet reaches no ports but those of HTTP and HTTPS.",
        prod="mandatory",
        dev="mandatory",
        remedy=MODULE,
        source=f"{DOCS}/virtual-network/network-security-groups-overview",
        rows=("A16", "P2"),
        checks={GROUP: Every("securityRules", _open_rule), SECURITY_RULE: _open_rule},
    ),
    Rule(
        id="azure-static-address",
        title="A public address is static and of the kind Standard, which is closed by default.",
        prod="mandatory",
        dev="mandatory",
        remedy=MODULE,
        source=f"{DOCS}/virtual-network/ip-services/public-ip-addresses",
        rows=("T7",),
        checks={ADDRESS: all_of(must_be("sku.name", "Standard"), must_be("publicIPAllocationMethod", "Static"))},
    ),
    Rule(
        id="azure-address-zones",
        title="A public address outlives the failure of a zone.",
        prod="mandatory",
        dev="off",
        remedy="Choose a region with zones in airflow:cloud.region.",
        source=f"{DOCS}/virtual-network/ip-services/public-ip-addresses#availability-zone",
        rows=("T7",),
        checks={ADDRESS: must_have_at_least("zones", 3)},
    ),
    Rule(
        id="azure-role-scope",
        title="Roles are on single resources or the stack's group, never on a subscription.",
        prod="mandatory",
        dev="mandatory",
        remedy=NO_SETTING.format("components/cloud/azure/role_assignments.py"),
        source=f"{DOCS}/role-based-access-control/best-practices",
        rows=("T8", "A4"),
        checks={
            ROLE: all_of(
                must_be_set("principalType"),
                Must("scope", _is_narrow, "narrower than a subscription"),
                Must("roleDefinitionId", _is_limited, "a role that cannot assign roles"),
            )
        },
    ),
    Rule(
        id="azure-federation",
        title="An identity trusts exactly one ServiceAccount of one cluster.",
        prod="mandatory",
        dev="mandatory",
        remedy=NO_SETTING.format("components/cloud/azure/identity.py"),
        source=f"{DOCS}/aks/workload-identity-overview",
        rows=("T9",),
        checks={
            FEDERATION: all_of(
                Must("subject", _names_one_account, "system:serviceaccount:NAMESPACE:NAME"),
                must_hold("audiences", AUDIENCE),
                must_be_set("issuer"),
            )
        },
    ),
)
