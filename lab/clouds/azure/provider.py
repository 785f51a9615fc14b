"""The plugin `azure-native` of the simulated Azure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import grpc
from pulumi.runtime.proto import provider_pb2

from lab.clouds.azure import latency
from lab.clouds.azure.arm import GROUP, ArmKind, api_version, name_of
from lab.clouds.azure.authorization import ManagementLockByScope, RoleAssignment
from lab.clouds.azure.cluster import MaintenanceConfiguration, ManagedCluster
from lab.clouds.azure.database import Server
from lab.clouds.azure.database_parts import Configuration, Database, FirewallRule
from lab.clouds.azure.deployment import Deployment
from lab.clouds.azure.disk import Disk
from lab.clouds.azure.dns import PrivateZone, VirtualNetworkLink
from lab.clouds.azure.egress import NatGateway, PublicIPAddress
from lab.clouds.azure.endpoint import PrivateDnsZoneGroup, PrivateEndpoint
from lab.clouds.azure.functions import AdminCredentials, ClientConfig, StorageAccountKeys, UserCredentials
from lab.clouds.azure.group import ResourceGroup
from lab.clouds.azure.identity import FederatedIdentityCredential, UserAssignedIdentity
from lab.clouds.azure.key_vault import Vault
from lab.clouds.azure.monitoring import DiagnosticSetting, Workspace
from lab.clouds.azure.network import NetworkSecurityGroup, Subnet, VirtualNetwork
from lab.clouds.azure.policy import added_tags
from lab.clouds.azure.pools import AgentPool
from lab.clouds.azure.registry import Registry
from lab.clouds.azure.storage import BlobServiceProperties, FileServiceProperties, ManagementPolicy, StorageAccount
from lab.clouds.azure.storage_parts import BlobContainer, FileShare
from lab.clouds.kind import ApiError, Call, Function, Kind
from lab.clouds.latency import Table
from lab.clouds.provider import CloudProvider
from lab.clouds.schema import Type, resource
from lab.engine.provider_values import UNKNOWN, is_secret, is_unknown, opened

ANY: Final = Type(shape="any")
STABLE: Final = ("name", "location")
"""Outputs that the plugin treats as unchanged in the preview of an update; all others are unknown."""
KINDS: Final[Mapping[str, ArmKind]] = {
    kind.token: kind
    for kind in (
        AgentPool(),
        BlobContainer(),
        BlobServiceProperties(),
        Configuration(),
        Database(),
        Deployment(),
        DiagnosticSetting(),
        Disk(),
        FederatedIdentityCredential(),
        FileServiceProperties(),
        FileShare(),
        FirewallRule(),
        MaintenanceConfiguration(),
        ManagedCluster(),
        ManagementLockByScope(),
        ManagementPolicy(),
        NatGateway(),
        NetworkSecurityGroup(),
        PrivateDnsZoneGroup(),
        PrivateEndpoint(),
        PrivateZone(),
        PublicIPAddress(),
        Registry(),
        Vault(),
        ResourceGroup(),
        RoleAssignment(),
        Server(),
        StorageAccount(),
        Subnet(),
        UserAssignedIdentity(),
        VirtualNetwork(),
        VirtualNetworkLink(),
        Workspace(),
    )
}
FUNCTIONS: Final[Mapping[str, Function]] = {
    function.token: function
    for function in (AdminCredentials(), ClientConfig(), StorageAccountKeys(), UserCredentials())
}


class AzureProvider(CloudProvider):
    """Azure: one tenant, any subscription, all locations."""

    kinds: ClassVar[Mapping[str, Kind]] = KINDS
    functions: ClassVar[Mapping[str, Function]] = FUNCTIONS
    seconds: ClassVar[Table] = latency.SECONDS
    patches: ClassVar[bool] = False
    optional_unknown: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__("azure-native")

    def described(self, op: str, call: Call, error: ApiError) -> str:
        """The official plugin's message: status, code and message of the API, or its own message."""
        return f'Status={error.code} Code="{error.reason}" Message="{error}"' if error.reason else str(error)

    def completed(self, kind: Kind, inputs: dict[str, Any]) -> dict[str, Any]:
        """Marked inputs with a location: the provider's, else that of the resource group."""
        if not isinstance(kind, ArmKind) or inputs.get("location") is not None or not kind.located():
            return inputs
        place = self.config.get("location")
        group = opened(inputs.get("resourceGroupName"))
        if place is None and kind.token != GROUP and group is not None:
            place = UNKNOWN if is_unknown(group) else self._place_of_group(str(group))
        return inputs if place is None else {**inputs, "location": place}

    def _place_of_group(self, name: str) -> Any:
        found = self.inventory.read().of(GROUP)
        return next((item.inputs["location"] for item in found if name_of(item.id) == name), None)

    def standard_outputs(self, kind: Kind, call: Call) -> dict[str, Any]:
        """Name, type and version, and the provisioning state if the type has one."""
        if not isinstance(kind, ArmKind):
            return {}
        known = resource(kind.token).outputs
        settled = {"provisioningState": "Succeeded"} if kind.settles else {}
        tags = {"tags": kind.kept(call, call.inputs).get("tags")} if added_tags(call.world) else {}
        own = {"name": name_of(call.id), "type": kind.arm_type, "azureApiVersion": api_version(kind.token)}
        found = {**own, **settled, **tags}
        return {key: value for key, value in found.items() if key in known}

    def _previewed(
        self, kind: Kind, given: dict[str, Any], added: Mapping[str, Any], held: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The rules of every cloud; in objects, all fields that the cloud may fill in are unknown as well."""
        known, stable = resource(kind.token).outputs, {key: added[key] for key in STABLE if key in added}
        shown = super()._previewed(kind, given, stable, {})
        return {key: foreseen(value, known[key].type) for key, value in shown.items()}

    def Diff(  # noqa: N802 - the protocol's name
        self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext
    ) -> provider_pb2.DiffResponse:
        """The rules of every cloud; a name that equals the logical name cannot exist twice."""
        response = super().Diff(request, context)
        if KINDS[request.type].naming == "copy":
            response.deleteBeforeReplace = bool(response.replaces)
        return response


def foreseen(value: Any, kind: Type) -> Any:
    """An input as an output in a preview: additional or converted fields of the answer are unknown."""
    if is_unknown(value) or is_secret(value):
        return value
    match kind.shape, value:
        case "object", Mapping():
            rest = {name: UNKNOWN for name in kind.properties() if name not in value}
            return {**{key: _foreseen(kind, key, each) for key, each in value.items()}, **rest}
        case "map", Mapping():
            return {key: foreseen(each, kind.of or ANY) for key, each in value.items()}
        case "list", list():
            return [foreseen(each, kind.of or ANY) for each in value]
        case (("object" | "map" | "list"), _):
            return UNKNOWN
        case _:
            return value


def _foreseen(kind: Type, name: str, value: Any) -> Any:
    declared = kind.properties().get(name)
    return foreseen(value, declared.type) if declared else UNKNOWN
