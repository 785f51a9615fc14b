"""AKS clusters and their maintenance configurations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from typing import Any, ClassVar, Final

from lab.clouds.azure.arm import (
    GROUP,
    TENANT,
    ArmError,
    ArmKind,
    group_of,
    name_of,
    normal,
    parent_id,
    subscription,
    token_of,
    uid,
)
from lab.clouds.azure.authorization import refuse_unspread
from lab.clouds.azure.cluster_pools import completed, profiles
from lab.clouds.azure.cluster_rules import cluster_faults
from lab.clouds.azure.cluster_work import CLUSTER, refuse_work_on_cluster, work
from lab.clouds.azure.egress import ADDRESS
from lab.clouds.azure.group import managed_group
from lab.clouds.azure.identity import IDENTITY
from lab.clouds.azure.network import SUBNET
from lab.clouds.azure.pools import (
    FIXED,
    check_pool,
    network_of,
    newest_patch,
    overlapping,
    refuse_fixed,
    refuse_system,
    refuse_version,
)
from lab.clouds.backing import ClusterRequest
from lab.clouds.inventory import Item
from lab.clouds.kind import Call, Grammar, Known, Reference
from lab.clouds.schema_check import Fault

NODE_GROUP_MAX: Final = 80
"""Characters in the name of the resource group of a cluster's nodes."""
SERVICES: Final = "10.0.0.0/16"
PODS: Final = "10.244.0.0/16"


class ManagedCluster(ArmKind):
    """An AKS cluster, with the resource group that AKS creates for its nodes."""

    token = CLUSTER
    name = "resourceName"
    path = "resourceGroups/{resourceGroupName}/providers/Microsoft.ContainerService/managedClusters/{resourceName}"
    grammar = Grammar(
        pattern=r"[A-Za-z0-9]([\w-]{0,61}[A-Za-z0-9])?",
        words="1 to 63 letters, digits, underscores and hyphens, letters or digits at both ends",
    )
    required = ("agentPoolProfiles", "agentPoolProfiles[*].name", "agentPoolProfiles[*].vmSize")
    references = (
        Reference(path="agentPoolProfiles[*].vnetSubnetID", to=(SUBNET,)),
        Reference(path="agentPoolProfiles[*].podSubnetID", to=(SUBNET,)),
        Reference(path="identity.userAssignedIdentities[*]", to=(IDENTITY,), way="ignores"),
        Reference(path="networkProfile.loadBalancerProfile.outboundIPs.publicIPs[*].id", to=(ADDRESS,)),
    )
    immutable = (
        "diskEncryptionSetID",
        "dnsPrefix",
        "fqdnSubdomain",
        "linuxProfile",
        "nodeResourceGroup",
        "windowsProfile",
        *(
            f"networkProfile.{name}"
            for name in (
                "serviceCidr",
                "serviceCidrs",
                "dnsServiceIP",
                "networkMode",
                "networkPlugin",
                "networkPluginMode",
                "podCidr",
                "networkDataplane",
                "networkPolicy",
                "outboundType",
            )
        ),
    )
    """The plugin's own list, https://github.com/pulumi/pulumi-azure-native/pull/4771."""
    computed: ClassVar[tuple[str, ...]] = (
        "oidcIssuerProfile.issuerURL",
        "identity.principalId",
        "identity.tenantId",
        "networkProfile.loadBalancerProfile",
    )

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Errors that are independent of other resources."""
        yield from super().faults(inputs, config)
        yield from cluster_faults(inputs)

    def accept(self, call: Call) -> None:
        """Refuse an existing resource group of the nodes, and an identity whose roles are not effective."""
        super().accept(call)
        group = node_group(call)
        if len(group) > NODE_GROUP_MAX:
            raise ArmError(
                400,
                "InvalidParameter",
                f"The length of the node resource group name is too long. The maximum length is {NODE_GROUP_MAX} and "
                f"the length of the value provided is {len(group)}: {group}.",
            )
        if call.world.get(GROUP, f"{subscription(call)}/resourceGroups/{group}") is not None:
            raise ArmError(
                400, "NodeResourceGroupExists", f"Node resource group {group} already exists, choose another name."
            )
        identities = [uid(f"principal {each}") for each in call.get("identity.userAssignedIdentities", [])]
        for pool in call.inputs["agentPoolProfiles"]:
            refuse_unspread(call, identities, str(pool.get("vnetSubnetID")))

    def check(self, call: Call) -> None:
        """Refuse impossible pools, and ranges in use."""
        place = normal(str(call.get("location")))
        if call.get("kubernetesVersion"):
            refuse_version(str(call.get("kubernetesVersion")), place)
        version = newest_patch(call.get("kubernetesVersion") or self._version(call))
        for pool in profiles(call, call.inputs["agentPoolProfiles"]):
            check_pool(call, pool, place)
            refuse_system(pool, version)
        subnets = {str(pool.get("vnetSubnetID")) for pool in call.inputs["agentPoolProfiles"]} - {"None"}
        self._check_ranges(call, subnets)
        if call.get("networkProfile.outboundType") == "userAssignedNATGateway":
            for subnet in subnets:
                item = call.world.get(SUBNET, subnet)
                if item is not None and not (item.inputs.get("natGateway") or {}).get("id"):
                    raise ArmError(
                        400,
                        "NatGatewayNotAssociatedWithSubnet",
                        f"The subnet {subnet} has no NAT gateway, as outbound type userAssignedNATGateway needs.",
                    )

    @staticmethod
    def _version(call: Call) -> str | None:
        """The current Kubernetes version."""
        return str(call.item.outputs["currentKubernetesVersion"]) if call.item and call.item.outputs else None

    def _check_ranges(self, call: Call, subnets: set[str]) -> None:
        used = {network_of(subnet) for subnet in subnets}
        neighbours = [item for item in call.world.of(SUBNET) if parent_id(item.id) in used]
        profile = call.get("networkProfile", {})
        services = str(profile.get("serviceCidr", SERVICES))
        found = overlapping({"serviceCidr": services}, neighbours)
        if found is not None:
            raise ArmError(
                400,
                "ServiceCidrOverlapExistingSubnetsCidr",
                f"The specified service CIDR {services} is conflicted with an existing subnet CIDR "
                f"{found[2].inputs.get('addressPrefix')} of {found[2].id}.",
            )
        pods = str(profile.get("podCidr", PODS))
        found = overlapping({"podCidr": pods}, neighbours) if profile.get("networkPluginMode") == "overlay" else None
        if found is not None:
            raise ArmError(
                400,
                "NetworkProfileCIDROverlapVNET",
                f"NetworkProfile CIDR {pods} overlaps with reserved VNET CIDR "
                f"{found[2].inputs.get('addressPrefix')} of {found[2].id}.",
            )

    def change(self, call: Call) -> None:
        """Refuse changes of immutable fields, and switching off permanent features. Omitted pools are not changed."""
        refuse_work_on_cluster(call, call.id)
        super().change(call)
        if call.item is None:
            return
        old = {pool["name"]: pool for pool in profiles(call, call.item.inputs["agentPoolProfiles"])}
        new = {pool["name"]: pool for pool in call.inputs["agentPoolProfiles"]}
        for name in old.keys() & new.keys():
            refuse_fixed(old[name], new[name], (*FIXED, "vmSize"))
        if not any(pool.get("mode") == "System" for pool in {**old, **new}.values()):
            raise ArmError(400, "InvalidParameter", "Must define at least one system pool.")
        before = Call(inputs=call.item.inputs, config={}, world=call.world, backing=call.backing)
        if before.get("oidcIssuerProfile.enabled") and not call.get("oidcIssuerProfile.enabled"):
            raise ArmError(400, "OIDCIssuerFeatureCannotBeDisabled", "OIDC issuer feature cannot be disabled.")
        if before.get("aadProfile.managed") and not call.get("aadProfile.managed"):
            raise ArmError(400, "ManagedAADCannotBeDisabled", "Managed AAD cannot be disabled once it is enabled.")
        if before.get("apiServerAccessProfile.enablePrivateCluster", False) != call.get(
            "apiServerAccessProfile.enablePrivateCluster", False
        ):
            raise ArmError(
                400,
                "PropertyChangeNotAllowed",
                "Changing property 'apiServerAccessProfile.enablePrivateCluster' is not allowed.",
            )
        was, now = newest_patch(before.get("kubernetesVersion")), newest_patch(call.get("kubernetesVersion"))
        if call.get("kubernetesVersion") and _minor(now) < _minor(was):
            raise ArmError(400, "OperationNotAllowed", f"Downgrading Kubernetes from {was} to {now} is not allowed.")
        if _minor(now) > _minor(was) + 1:
            raise ArmError(400, "OperationNotAllowed", f"Upgrading from {was} to {now} skips a minor version.")
        work(call, self.token, "update")

    def back(self, call: Call) -> Any:
        """Get the cluster of the backing."""
        return call.backing.cluster(request_of(call.id, call.inputs))

    def outputs(self, call: Call) -> dict[str, Any]:
        """AKS's additions; the nodes' resource group and identity are created."""
        work(call, "", "")
        place = normal(str(call.get("location")))
        kept = call.item.outputs if call.item is not None else {}
        version = str(kept.get("currentKubernetesVersion") or newest_patch(call.get("kubernetesVersion")))
        if call.get("kubernetesVersion"):
            version = newest_patch(call.get("kubernetesVersion"))
        group, kubelet = self._node_group(call, place)
        prefix = call.get("dnsPrefix", call.get("fqdnSubdomain"))
        host = f"{prefix}-{token_of(call.id, 8)}"
        private = bool(call.get("apiServerAccessProfile.enablePrivateCluster"))
        names: dict[str, Any] = {"azurePortalFQDN": f"{host}.portal.hcp.{place}.azmk8s.io"}
        if private:
            names["privateFQDN"] = f"{host}.{uid(call.id)}.privatelink.{place}.azmk8s.io"
        if not private or call.get("apiServerAccessProfile.enablePrivateClusterPublicFQDN", True):
            names["fqdn"] = f"{host}.hcp.{place}.azmk8s.io"
        return {
            **names,
            **self._identities(call, kubelet),
            **self._network(call, group),
            "agentPoolProfiles": completed(call, call.inputs["agentPoolProfiles"], version),
            "currentKubernetesVersion": version,
            "kubernetesVersion": call.get("kubernetesVersion", version),
            "eTag": uid(f"etag {call.id}"),
            "enableRBAC": call.get("enableRBAC", True),
            "maxAgentPools": 100,
            "nodeResourceGroup": group,
            "oidcIssuerProfile": self._issuer(call, place),
            "powerState": {"code": "Running"},
            "resourceUID": uid(call.id).replace("-", "")[:24],
            "sku": call.get("sku", {"name": "Base", "tier": "Free"}),
            "supportPlan": call.get("supportPlan", "KubernetesOfficial"),
        }

    def observe(self, call: Call) -> dict[str, Any]:
        """Outputs with the pools that were created since."""
        if call.item is None:
            return {}
        version = str(call.item.outputs["currentKubernetesVersion"])
        return {"agentPoolProfiles": completed(call, call.item.inputs["agentPoolProfiles"], version)}

    def refreshed(self, call: Call, found: dict[str, Any], known: Known) -> dict[str, Any]:
        """All pools, if one of them differs from the state.

        The plugin compares Azure's answer with the outputs in state, and applies the differences to the inputs; entries
        of a list beyond those of the inputs are copied completely (provider/pkg/provider/diff.go, applyDiff).
        """
        result, key = super().refreshed(call, found, known), "agentPoolProfiles"
        if call.item is None or len(known.now[key]) == len(call.item.inputs[key]):
            return result
        if known.before.get(key) == known.now[key]:
            return {**result, key: known.inputs[key]}
        return {**result, key: profiles(call, call.item.inputs[key])}

    def release(self, call: Call) -> None:
        """Refuse while it is busy."""
        refuse_work_on_cluster(call, call.id)
        work(call, self.token, "delete")

    def gone(self, call: Call) -> None:
        """It is not busy any more."""
        work(call, "", "")

    def _node_group(self, call: Call, place: str) -> tuple[str, Item]:
        group = node_group(call)
        if call.item is None:
            raise TypeError("outputs are asked for when the cluster is there")
        managed = managed_group(call, group, place, call.item)
        name = f"{name_of(call.id)}-agentpool"
        resource_id = f"{managed.id}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}"
        kubelet = Item(
            type=IDENTITY,
            id=resource_id,
            urn="",
            inputs={"resourceName": name, "resourceGroupName": group, "location": place},
            outputs={
                "name": name,
                "clientId": uid(f"client {resource_id}"),
                "principalId": uid(f"principal {resource_id}"),
                "tenantId": TENANT,
            },
            uses={managed.key: "goes_with"},
            created=call.item.created,
            ready=call.item.created,
        )
        call.world.add(kubelet)
        return group, kubelet

    def _identities(self, call: Call, kubelet: Item) -> dict[str, Any]:
        own = {
            "kubeletidentity": {
                "resourceId": kubelet.id,
                "clientId": kubelet.outputs["clientId"],
                "objectId": kubelet.outputs["principalId"],
            }
        }
        given = call.get("identity", {})
        found: dict[str, Any] = {"type": given.get("type", "SystemAssigned")}
        if found["type"] == "SystemAssigned":
            found |= {"principalId": uid(f"principal {call.id}"), "tenantId": TENANT}
        else:
            found["userAssignedIdentities"] = {
                each: {key: item.outputs[key] for key in ("clientId", "principalId")}
                for each in given.get("userAssignedIdentities", [])
                if (item := call.world.get(IDENTITY, each)) is not None
            }
        return {"identity": found, "identityProfile": {**own, **call.get("identityProfile", {})}}

    def _network(self, call: Call, group: str) -> dict[str, Any]:
        given = call.get("networkProfile", {})
        services = str(given.get("serviceCidr", SERVICES))
        profile = {
            "networkPlugin": "azure",
            "loadBalancerSku": "standard",
            "outboundType": "loadBalancer",
            "serviceCidr": services,
            "dnsServiceIP": str(IPv4Network(services).network_address + 10),
            "ipFamilies": ["IPv4"],
            **given,
        }
        profile["serviceCidrs"] = [profile["serviceCidr"]]
        if profile.get("networkPluginMode") == "overlay":
            profile.setdefault("podCidr", PODS)
            profile["podCidrs"] = [profile["podCidr"]]
        if profile["outboundType"] == "loadBalancer":
            network = f"{subscription(call)}/resourceGroups/{group}/providers/Microsoft.Network"
            address = f"{network}/publicIPAddresses/{uid(group)}"
            profile["loadBalancerProfile"] = {
                "effectiveOutboundIPs": [{"id": address}],
                "managedOutboundIPs": {"count": 1},
                **given.get("loadBalancerProfile", {}),
            }
        return {"networkProfile": profile}

    def _issuer(self, call: Call, place: str) -> dict[str, Any]:
        if not call.get("oidcIssuerProfile.enabled"):
            return {"enabled": False}
        return {"enabled": True, "issuerURL": f"https://{place}.oic.prod-aks.azure.com/{TENANT}/{uid(call.id)}/"}


class MaintenanceConfiguration(ArmKind):
    """A maintenance configuration of a cluster; there are three names."""

    token = "azure-native:containerservice:MaintenanceConfiguration"  # noqa: S105 - the token of a type
    name = "configName"
    path = f"{ManagedCluster.path}/maintenanceConfigurations/{{configName}}"
    parent = CLUSTER
    grammar = Grammar(
        pattern="default|aksManagedAutoUpgradeSchedule|aksManagedNodeOSUpgradeSchedule",
        words="default, aksManagedAutoUpgradeSchedule or aksManagedNodeOSUpgradeSchedule",
    )
    settles = False

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Errors of the schedule: the kind for the name, and at least four hours."""
        yield from super().faults(inputs, config)
        window = inputs.get("maintenanceWindow")
        if inputs.get("configName") == "default":
            if window is not None:
                yield "maintenanceWindow", "goes with the other names; default takes timeInWeek"
            return
        if window is None:
            yield "maintenanceWindow", "is required"
            return
        hours = window.get("durationHours")
        if isinstance(hours, int) and not 4 <= hours <= 24:
            yield "maintenanceWindow.durationHours", f"is {hours}, not between 4 and 24"
        schedules = [key for key, value in (window.get("schedule") or {}).items() if value is not None]
        if len(schedules) != 1:
            yield "maintenanceWindow.schedule", f"has {len(schedules)} kinds, not 1"


def node_group(call: Call) -> str:
    """The name of the resource group of a cluster's nodes."""
    place = normal(str(call.get("location")))
    return str(call.get("nodeResourceGroup", f"MC_{group_of(call.id)}_{name_of(call.id)}_{place}"))


def request_of(resource_id: str, inputs: Mapping[str, Any]) -> ClusterRequest:
    """The arguments of the backing."""
    return ClusterRequest(cloud="azure", id=resource_id, name=name_of(resource_id), properties=inputs)


def _minor(version: str) -> int:
    return int(version.split(".")[1])
