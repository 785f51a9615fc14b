"""Node pools of an AKS cluster, in the cluster resource and as separate resources."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from typing import Any, Final

from lab.clouds.azure.arm import ArmError, ArmKind, name_of, parent_id, place_of, refuse_zones
from lab.clouds.azure.catalogue import DEFAULT_KUBERNETES, KUBERNETES_VERSIONS, Machine, machine
from lab.clouds.azure.cluster_work import CLUSTER, POOL, refuse_work_on_pool, work
from lab.clouds.azure.network import NETWORK, SUBNET, networks_of
from lab.clouds.inventory import Item
from lab.clouds.kind import Call, Grammar, Reference
from lab.clouds.schema_check import Fault
from lab.engine.provider_values import is_unknown

POOL_NAME: Final = re.compile(r"[a-z][a-z0-9]{0,11}")
DEFAULT_DISK_GIB: Final = 128
LEAST_SYSTEM_CPUS: Final = 2
LEAST_SYSTEM_GIB: Final = 4
NODES_MAX: Final = 1000
ENCRYPTION_FEATURE: Final = "Microsoft.Compute/EncryptionAtHost"
FIXED: Final = (
    "availabilityZones",
    "enableEncryptionAtHost",
    "enableFIPS",
    "enableNodePublicIP",
    "enableUltraSSD",
    "maxPods",
    "osDiskSizeGB",
    "osDiskType",
    "osType",
    "podSubnetID",
    "scaleSetPriority",
    "scaleSetEvictionPolicy",
    "type",
    "vnetSubnetID",
)
"""Immutable properties of a pool."""
_SUBNET_ID: Final = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Network/virtualNetworks/[^/]+/subnets/[^/]+"
)


class AgentPool(ArmKind):
    """A separate pool, in addition to those in the cluster resource."""

    token = POOL
    name = "agentPoolName"
    path = (
        "resourceGroups/{resourceGroupName}/providers/Microsoft.ContainerService/managedClusters/{resourceName}/"
        "agentPools/{agentPoolName}"
    )
    parent = CLUSTER
    grammar = Grammar(pattern=POOL_NAME.pattern, words="1 to 12 lower-case letters and digits, the first a letter")
    required = ("vmSize",)
    references = (
        Reference(path="vnetSubnetID", to=(SUBNET,)),
        Reference(path="podSubnetID", to=(SUBNET,)),
    )
    immutable = ("vmSize", "gpuInstanceProfile", "networkProfile.nodePublicIPTags")

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """The errors of every pool."""
        yield from super().faults(inputs, config)
        yield from pool_faults(inputs, "")

    def accept(self, call: Call) -> None:
        """Refuse while its cluster is busy."""
        refuse_work_on_pool(call, parent_id(call.id))
        super().accept(call)
        work(call, self.token, "create")

    def check(self, call: Call) -> None:
        """The rules of every pool; its subnet must be in the other pools' network."""
        cluster = call.world.get(CLUSTER, parent_id(call.id))
        if cluster is None:
            return
        if not cluster.ready:
            raise ArmError(
                409,
                "OperationNotAllowed",
                f"Operation is not allowed because there's an in progress creation of managed cluster "
                f"{name_of(cluster.id)}. Please wait for it to finish before starting a new operation.",
            )
        check_pool(call, call.inputs, place_of(cluster))
        refuse_system(call.inputs, str(cluster.outputs.get("currentKubernetesVersion")))
        mine = network_of(call.inputs.get("vnetSubnetID"))
        theirs = {network_of(each.get("vnetSubnetID")) for each in cluster.inputs.get("agentPoolProfiles") or []}
        if mine not in theirs:
            raise ArmError(
                400,
                "InvalidParameter",
                f"All or none of the agentpools should set subnet, and all subnets should be in one virtual network: "
                f"{call.get('vnetSubnetID')}.",
            )

    def change(self, call: Call) -> None:
        """Refuse changes of immutable properties."""
        refuse_work_on_pool(call, parent_id(call.id))
        super().change(call)
        if call.item is not None:
            refuse_fixed(call.item.inputs, call.inputs, FIXED)
        work(call, self.token, "update")

    def outputs(self, call: Call) -> dict[str, Any]:
        """AKS's additions."""
        work(call, "", "")
        cluster = call.world.get(CLUSTER, parent_id(call.id))
        version = str(cluster.outputs.get("currentKubernetesVersion")) if cluster else ""
        return {
            **pool_outputs(call.inputs, version),
            "type": call.get("type", "VirtualMachineScaleSets"),
            "powerState": {"code": "Running"},
        }

    def release(self, call: Call) -> None:
        """Refuse to delete the last system pool, and refuse while the cluster is busy."""
        refuse_work_on_pool(call, parent_id(call.id))
        cluster = call.world.get(CLUSTER, parent_id(call.id))
        if cluster is not None and call.inputs.get("mode", "User") == "System":
            self._refuse_last(call, cluster)
        work(call, self.token, "delete")

    def gone(self, call: Call) -> None:
        """It is not busy any more."""
        work(call, "", "")

    @staticmethod
    def _refuse_last(call: Call, cluster: Item) -> None:
        inside = [each for each in cluster.inputs.get("agentPoolProfiles") or [] if each.get("mode") == "System"]
        beside = [
            item
            for item in call.world.of(POOL)
            if parent_id(item.id) == cluster.id and item.id != call.id and item.inputs.get("mode") == "System"
        ]
        if not inside and not beside:
            raise ArmError(
                400,
                "AgentPoolDeleteNotAllowed",
                "There has to be at least one system agent pool in the cluster.",
            )


def pool_faults(pool: Mapping[str, Any], path: str) -> Iterator[Fault]:
    """Errors of a pool's inputs; `path` ends with a dot, or is empty."""
    name, mode = pool.get("name"), pool.get("mode", "User")
    if isinstance(name, str) and not is_unknown(name) and not POOL_NAME.fullmatch(name):
        yield f"{path}name", f"is {name!r}, but has to be 1 to 12 lower-case letters and digits, the first a letter"
    size = pool.get("vmSize")
    found = machine(size) if isinstance(size, str) and not is_unknown(size) else None
    if isinstance(size, str) and not is_unknown(size) and found is None:
        yield f"{path}vmSize", f"is {size!r}, no size that node pools can have"
    if found is not None:
        yield from _machine_faults(pool, path, found, mode)
    yield from _count_faults(pool, path, mode)
    pods = pool.get("maxPods")
    if isinstance(pods, int) and not 10 <= pods <= 250:
        yield f"{path}maxPods", f"is {pods}, not between 10 and 250"
    spot = pool.get("scaleSetPriority") == "Spot"
    if spot and mode == "System":
        yield f"{path}scaleSetPriority", "is Spot, which a system pool cannot be"
    if not spot and (pool.get("scaleSetEvictionPolicy") or pool.get("spotMaxPrice")):
        yield f"{path}scaleSetEvictionPolicy", "and spotMaxPrice are for pools with scaleSetPriority Spot only"
    if spot and (pool.get("upgradeSettings") or {}).get("maxSurge"):
        yield f"{path}upgradeSettings.maxSurge", "cannot be set for a spot pool"
    if spot and pool.get("scaleDownMode") not in (None, "Delete"):
        yield f"{path}scaleDownMode", "of a spot pool is Delete"
    if mode == "System" and pool.get("osType", "Linux") != "Linux":
        yield f"{path}osType", "of a system pool is Linux"


def _machine_faults(pool: Mapping[str, Any], path: str, found: Machine, mode: str) -> Iterator[Fault]:
    size = pool.get("vmSize")
    if mode == "System" and (found.cpus < LEAST_SYSTEM_CPUS or found.memory_gib < LEAST_SYSTEM_GIB):
        yield f"{path}vmSize", f"is {size}; nodes of a system pool have {LEAST_SYSTEM_CPUS} CPUs and 4 GiB at least"
    disk = pool.get("osDiskSizeGB")
    if isinstance(disk, int) and disk != 0 and not 30 <= disk <= 2048:
        yield f"{path}osDiskSizeGB", f"is {disk}, not 0 or between 30 and 2048"
    if pool.get("osDiskType") == "Ephemeral":
        wanted = disk if isinstance(disk, int) and disk else DEFAULT_DISK_GIB
        if wanted > found.local_disk_gib:
            yield (
                f"{path}osDiskType",
                f"is Ephemeral, but the virtual machine size {size} has a cache and temporary disk of "
                f"{found.local_disk_gib:.0f} GiB, smaller than the OS disk of {wanted} GiB",
            )


def _count_faults(pool: Mapping[str, Any], path: str, mode: str) -> Iterator[Fault]:
    least = 1 if mode == "System" else 0
    numbers = {key: pool.get(key) for key in ("minCount", "maxCount", "count")}
    if any(is_unknown(value) for value in numbers.values()):
        return
    low, high, count = numbers["minCount"], numbers["maxCount"], numbers["count"]
    if pool.get("enableAutoScaling"):
        if low is None or high is None:
            yield f"{path}minCount", "and maxCount are required with enableAutoScaling"
        elif not least <= low <= high <= NODES_MAX:
            yield f"{path}minCount", f"is {low} and maxCount {high}: {least} ≤ minCount ≤ maxCount ≤ {NODES_MAX}"
        # Fewer than minCount are allowed: this is how the minimum is raised, https://github.com/Azure/AKS/issues/1758.
        elif count is not None and count > high:
            yield f"{path}count", f"is {count}, more than maxCount {high}"
    elif low is not None or high is not None:
        yield f"{path}minCount", "and maxCount are for pools with enableAutoScaling only"
    elif count is not None and not least <= count <= NODES_MAX:
        yield f"{path}count", f"is {count}, not between {least} and {NODES_MAX}"


def check_pool(call: Call, pool: Mapping[str, Any], location: str) -> None:
    """Refuse a pool with missing zones or subnet, or with a feature that the subscription does not have.

    Raises:
        ArmError: the error of AKS.
    """
    if "sshAccess" in (pool.get("securityProfile") or {}):
        # In the specification from 2025-08-01 on, and unknown to the service; unknown properties are refused since API
        # 2024-01-01: https://github.com/Azure/azure-rest-api-specs/issues/40740 (open on 27 November 2026),
        # https://github.com/Azure/terraform-azurerm-avm-res-containerservice-managedcluster/issues/152.
        raise ArmError(
            400,
            "UnmarshalError",
            'UnmarshalEntity encountered error: json: unknown field "sshAccess".',
        )
    refuse_zones(f"agentPool/{pool.get('name')}", location, pool.get("availabilityZones") or [])
    features = call.world.facts.get("features", {})
    if pool.get("enableEncryptionAtHost") and not features.get(ENCRYPTION_FEATURE):
        raise ArmError(
            400,
            "SubscriptionNotEnabledEncryptionAtHost",
            f"Subscription does not enable EncryptionAtHost. Register the feature {ENCRYPTION_FEATURE} first.",
        )
    version = pool.get("orchestratorVersion")
    if version is not None:
        refuse_version(str(version), location)
    subnet = call.world.get(SUBNET, str(pool.get("vnetSubnetID")))
    if subnet is None:
        return
    network = call.world.get(NETWORK, parent_id(subnet.id))
    if network is not None and place_of(network) != location:
        raise ArmError(
            400,
            "VnetSubnetRegionMismatch",
            f"Virtual network {network.id} is in {place_of(network)}, the cluster in {location}.",
        )
    others = [each.get("serviceName") for each in subnet.inputs.get("delegations") or []]
    if others:
        raise ArmError(
            400,
            "SubnetIsDelegated",
            f"Subnet {subnet.id} cannot be used as it's a delegated subnet: {','.join(map(str, others))}.",
        )
    wanted = int(pool.get("maxCount") or pool.get("count") or 1)
    room = sum(max(each.num_addresses - 5, 0) for each in networks_of(subnet))
    if wanted > room:
        raise ArmError(
            400,
            "InsufficientSubnetSize",
            f"Pre-allocated IPs {wanted} exceeds IPs available {room} in Subnet Cidr "
            f"{networks_of(subnet)[0]}, Subnet Name {name_of(subnet.id)}.",
        )


def refuse_version(version: str, location: str) -> None:
    """Refuse a Kubernetes version that AKS does not support.

    Raises:
        ArmError: K8sVersionNotSupported.
    """
    minor = ".".join(version.split(".")[:2])
    if minor not in KUBERNETES_VERSIONS or (version.count(".") == 2 and version > KUBERNETES_VERSIONS[minor]):
        raise ArmError(
            400,
            "K8sVersionNotSupported",
            f"Managed cluster is on version {version}, which is not supported in {location}. Supported are "
            f"{', '.join(KUBERNETES_VERSIONS.values())}.",
        )


def refuse_system(pool: Mapping[str, Any], version: str) -> None:
    """Refuse an operating system that the Kubernetes version no longer supports.

    https://learn.microsoft.com/azure/aks/upgrade-os-version: AzureLinux3 is for 1.28 to 1.36.

    Raises:
        ArmError: OperationNotAllowed.
    """
    if pool.get("osSKU") == "AzureLinux3" and tuple(map(int, version.split(".")[:2])) > (1, 36):
        raise ArmError(
            400,
            "OperationNotAllowed",
            f"The OS SKU AzureLinux3 is not supported for Kubernetes {version}; update the pool to AzureLinux first.",
        )


def newest_patch(version: str | None) -> str:
    """The version of a cluster, from its requested version or the default."""
    wanted = version or DEFAULT_KUBERNETES
    return wanted if wanted.count(".") == 2 else KUBERNETES_VERSIONS[wanted]


def refuse_fixed(old: Mapping[str, Any], new: Mapping[str, Any], fixed: tuple[str, ...]) -> None:
    """Refuse the change of an immutable property.

    Raises:
        ArmError: PropertyChangeNotAllowed.
    """
    for key in fixed:
        if old.get(key) != new.get(key):
            raise ArmError(400, "PropertyChangeNotAllowed", f"Changing property 'properties.{key}' is not allowed.")


def pool_outputs(pool: Mapping[str, Any], version: str) -> dict[str, Any]:
    """AKS's additions to a pool."""
    sku = pool.get("osSKU", "Ubuntu")
    return {
        "count": pool.get("count", pool.get("minCount", 1)),
        "currentOrchestratorVersion": version,
        "enableFIPS": pool.get("enableFIPS", False),
        "kubeletDiskType": "OS",
        "maxPods": pool.get("maxPods", 110),
        "mode": pool.get("mode", "User"),
        "nodeImageVersion": f"AKS{sku}-V3gen2-202511.01.0",
        "orchestratorVersion": pool.get("orchestratorVersion", version),
        "osDiskSizeGB": pool.get("osDiskSizeGB") or DEFAULT_DISK_GIB,
        "osDiskType": pool.get("osDiskType", "Managed"),
        "osSKU": sku,
        "osType": pool.get("osType", "Linux"),
        "provisioningState": "Succeeded",
        "scaleDownMode": pool.get("scaleDownMode", "Delete"),
    }


def network_of(subnet: Any) -> str:
    """The id of a subnet's network, "" if there is none."""
    return parent_id(subnet) if isinstance(subnet, str) and _SUBNET_ID.fullmatch(subnet) else ""


def overlapping(ranges: Mapping[str, str], subnets: list[Item]) -> tuple[str, str, Item] | None:
    """The first of the ranges that overlaps with a subnet: its name, the range and the subnet."""
    for name, text in ranges.items():
        for subnet in subnets:
            if any(IPv4Network(text).overlaps(each) for each in networks_of(subnet)):
                return name, text, subnet
    return None
