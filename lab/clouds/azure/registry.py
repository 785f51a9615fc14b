"""Container registries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from lab.clouds.azure.arm import ArmError, ArmKind, name_of
from lab.clouds.kind import Call, Grammar, at
from lab.clouds.schema_check import Fault

REGISTRY: Final = "azure-native:containerregistry:Registry"


class Registry(ArmKind):
    """A container registry."""

    token = REGISTRY
    name = "registryName"
    path = "resourceGroups/{resourceGroupName}/providers/Microsoft.ContainerRegistry/registries/{registryName}"
    grammar = Grammar(pattern=r"[A-Za-z0-9]{5,50}", words="5 to 50 letters and digits")
    immutable = ("zoneRedundancy",)

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Errors of features that need a higher tier."""
        yield from super().faults(inputs, config)
        tier = at(inputs, "sku.name")
        if tier == "Premium":
            return
        premium = {
            "zoneRedundancy": inputs.get("zoneRedundancy") == "Enabled",
            "networkRuleSet": bool(inputs.get("networkRuleSet")),
            "publicNetworkAccess": inputs.get("publicNetworkAccess") == "Disabled",
            "dataEndpointEnabled": bool(inputs.get("dataEndpointEnabled")),
            "encryption": at(inputs, "encryption.status") == "enabled",
            "policies.retentionPolicy": at(inputs, "policies.retentionPolicy.status") == "enabled",
            "policies.trustPolicy": at(inputs, "policies.trustPolicy.status") == "enabled",
        }
        for path, wanted in premium.items():
            if wanted:
                yield path, f"needs sku.name Premium, not {tier}"
        if inputs.get("anonymousPullEnabled") and tier == "Basic":
            yield "anonymousPullEnabled", "needs sku.name Standard or Premium"

    def accept(self, call: Call) -> None:
        """Refuse a name in use: names are global."""
        super().accept(call)
        name = name_of(call.id).lower()
        if any(name_of(item.id).lower() == name for item in call.world.of(REGISTRY)):
            raise ArmError(409, "AlreadyInUse", f"The registry DNS name {name}.azurecr.io is already in use.")

    def outputs(self, call: Call) -> dict[str, Any]:
        """Its login server."""
        return {
            "loginServer": f"{name_of(call.id).lower()}.azurecr.io",
            "creationDate": "2026-01-01T00:00:00.0000000Z",
            "adminUserEnabled": call.get("adminUserEnabled", False),
            "anonymousPullEnabled": call.get("anonymousPullEnabled", False),
            "dataEndpointEnabled": call.get("dataEndpointEnabled", False),
            "dataEndpointHostNames": [],
            "networkRuleBypassOptions": call.get("networkRuleBypassOptions", "AzureServices"),
            "publicNetworkAccess": call.get("publicNetworkAccess", "Enabled"),
            "zoneRedundancy": call.get("zoneRedundancy", "Disabled"),
            "privateEndpointConnections": [],
            "sku": {**call.get("sku", {}), "tier": call.get("sku.name")},
        }
