"""Checks of an AKS cluster's inputs that are independent of other resources."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Any, Final

from lab.clouds.azure.pools import pool_faults
from lab.clouds.kind import at
from lab.clouds.schema_check import Fault
from lab.engine.provider_values import has_unknown, is_unknown

DNS_PREFIX: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,52}[A-Za-z0-9])?")
RANGES_MAX: Final = 200
"""Maximum of authorised address ranges of the API."""
LARGEST_SERVICES: Final = 12
"""Prefix length of the largest range of Services."""


def cluster_faults(inputs: dict[str, Any]) -> Iterator[Fault]:
    """All errors of a cluster's inputs; unknown values are accepted."""
    pools = inputs.get("agentPoolProfiles") or []
    for index, pool in enumerate(pools):
        yield from pool_faults(pool, f"agentPoolProfiles[{index}].")
    if pools and not any(pool.get("mode") == "System" for pool in pools):
        yield "agentPoolProfiles", "has no pool with mode System"
    names = [pool.get("name") for pool in pools]
    if len(set(map(str, names))) < len(names):
        yield "agentPoolProfiles", "has two pools of one name"
    yield from _access_faults(inputs)
    yield from _network_faults(inputs.get("networkProfile") or {}, pools)
    yield from _upgrade_faults(inputs)


def _access_faults(inputs: dict[str, Any]) -> Iterator[Fault]:
    prefix, domain = inputs.get("dnsPrefix"), inputs.get("fqdnSubdomain")
    if prefix is None and domain is None:
        yield "dnsPrefix", "is required, or fqdnSubdomain is"
    if isinstance(prefix, str) and not is_unknown(prefix) and not DNS_PREFIX.fullmatch(prefix):
        yield "dnsPrefix", f"is {prefix!r}, but has to be 1 to 54 letters, digits and hyphens, no hyphen at the ends"
    private = at(inputs, "apiServerAccessProfile.enablePrivateCluster")
    ranges = at(inputs, "apiServerAccessProfile.authorizedIPRanges") or []
    if private and ranges:
        yield "apiServerAccessProfile.authorizedIPRanges", "exclude enablePrivateCluster"
    if isinstance(ranges, list) and len(ranges) > RANGES_MAX:
        yield "apiServerAccessProfile.authorizedIPRanges", f"has more than {RANGES_MAX} entries"
    for index, each in enumerate(ranges if isinstance(ranges, list) else []):
        if not is_unknown(each) and not _is_range(each):
            yield f"apiServerAccessProfile.authorizedIPRanges[{index}]", f"is {each!r}, no range of IPv4 addresses"
    if inputs.get("disableLocalAccounts") and not at(inputs, "aadProfile.managed"):
        yield "disableLocalAccounts", "needs aadProfile.managed: nobody could log in"
    if at(inputs, "aadProfile.enableAzureRBAC") and inputs.get("enableRBAC") is False:
        yield "aadProfile.enableAzureRBAC", "needs enableRBAC"
    if at(inputs, "securityProfile.workloadIdentity.enabled") and not at(inputs, "oidcIssuerProfile.enabled"):
        yield "securityProfile.workloadIdentity.enabled", "needs oidcIssuerProfile.enabled"
    identity = inputs.get("identity") or {}
    if not identity and not inputs.get("servicePrincipalProfile"):
        yield "identity", "is required, or servicePrincipalProfile is"
    given = identity.get("userAssignedIdentities")
    if identity.get("type") == "UserAssigned" and not has_unknown(given) and len(given or []) != 1:
        yield "identity.userAssignedIdentities", f"has {len(given or [])} entries, not 1"
    if identity.get("type") == "SystemAssigned" and given:
        yield "identity.userAssignedIdentities", "goes with type UserAssigned"


def _network_faults(profile: Mapping[str, Any], pools: list[Any]) -> Iterator[Fault]:
    plugin, mode = profile.get("networkPlugin", "azure"), profile.get("networkPluginMode")
    if mode == "overlay" and plugin != "azure":
        yield "networkProfile.networkPluginMode", "overlay needs networkPlugin azure"
    if profile.get("networkDataplane") == "cilium":
        if plugin != "azure" or (mode != "overlay" and not any(pool.get("podSubnetID") for pool in pools)):
            yield "networkProfile.networkDataplane", "cilium needs networkPlugin azure with overlay or a pod subnet"
        if profile.get("networkPolicy", "cilium") != "cilium":
            yield "networkProfile.networkPolicy", "has to be cilium with networkDataplane cilium"
    elif profile.get("networkPolicy") == "cilium":
        yield "networkProfile.networkPolicy", "cilium needs networkDataplane cilium"
    if profile.get("podCidr") and plugin == "azure" and mode != "overlay":
        yield "networkProfile.podCidr", "needs networkPluginMode overlay"
    own = any(pool.get("vnetSubnetID") for pool in pools)
    outbound = profile.get("outboundType")
    if outbound in ("userAssignedNATGateway", "userDefinedRouting") and not own:
        yield "networkProfile.outboundType", f"{outbound} needs pools with vnetSubnetID"
    if outbound == "managedNATGateway" and own:
        yield "networkProfile.outboundType", "managedNATGateway excludes pools with vnetSubnetID"
    services, dns = profile.get("serviceCidr"), profile.get("dnsServiceIP")
    if services is None and dns is not None:
        yield "networkProfile.dnsServiceIP", "needs serviceCidr"
    if services is None or is_unknown(services):
        return
    if not _is_range(services):
        yield "networkProfile.serviceCidr", f"is {services!r}, no range of IPv4 addresses"
        return
    network = IPv4Network(services)
    if network.prefixlen < LARGEST_SERVICES:
        yield "networkProfile.serviceCidr", f"is larger than /{LARGEST_SERVICES}"
    if dns is not None and not is_unknown(dns):
        address = IPv4Address(dns)
        if address not in network or address in (network.network_address, network.network_address + 1):
            yield "networkProfile.dnsServiceIP", f"is {dns}, not in {services} behind its first address"
    pods = profile.get("podCidr")
    if isinstance(pods, str) and _is_range(pods) and IPv4Network(pods).overlaps(network):
        yield "networkProfile.podCidr", f"overlaps with serviceCidr {services}"


def _upgrade_faults(inputs: dict[str, Any]) -> Iterator[Fault]:
    tier, plan = at(inputs, "sku.tier", "Free"), inputs.get("supportPlan", "KubernetesOfficial")
    if plan == "AKSLongTermSupport" and tier != "Premium":
        yield "supportPlan", "AKSLongTermSupport needs sku.tier Premium"
    if tier == "Premium" and plan != "AKSLongTermSupport":
        yield "sku.tier", "Premium needs supportPlan AKSLongTermSupport"
    channel = at(inputs, "autoUpgradeProfile.upgradeChannel")
    system = at(inputs, "autoUpgradeProfile.nodeOSUpgradeChannel")
    if channel == "node-image" and system not in (None, "NodeImage"):
        yield "autoUpgradeProfile.nodeOSUpgradeChannel", "has to be NodeImage with upgradeChannel node-image"
    hours = at(inputs, "securityProfile.imageCleaner.intervalHours")
    if isinstance(hours, int) and not 24 <= hours <= 2160:
        yield "securityProfile.imageCleaner.intervalHours", f"is {hours}, not between 24 and 2160"


def _is_range(text: Any) -> bool:
    try:
        IPv4Network(text)
    except ValueError:
        return False
    return True
