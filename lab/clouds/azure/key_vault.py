"""Key vaults."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from lab.clouds.azure.arm import ArmError, ArmKind, name_of
from lab.clouds.kind import Call, Grammar, at
from lab.clouds.schema_check import Fault
from lab.engine.provider_values import is_unknown

VAULT: Final = "azure-native:keyvault:Vault"


class Vault(ArmKind):
    """A key vault; https://learn.microsoft.com/azure/key-vault/general/soft-delete-overview."""

    token = VAULT
    name = "vaultName"
    path = "resourceGroups/{resourceGroupName}/providers/Microsoft.KeyVault/vaults/{vaultName}"
    grammar = Grammar(
        pattern=r"[A-Za-z](?!.*--)[A-Za-z0-9-]{1,22}[A-Za-z0-9]",
        words="3 to 24 letters, digits and single dashes, a letter first",
    )
    immutable = ("properties.softDeleteRetentionInDays",)

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Errors of values that vaults do not have any more."""
        yield from super().faults(inputs, config)
        if at(inputs, "properties.enableSoftDelete") is False:
            yield "properties.enableSoftDelete", "cannot be false: https://aka.ms/KeyVaultSoftDelete"
        tenant = at(inputs, "properties.tenantId")
        if not is_unknown(tenant) and not re.fullmatch(r"[0-9a-fA-F-]{36}", str(tenant)):
            yield "properties.tenantId", f"is {tenant!r}, no id of a tenant"

    def accept(self, call: Call) -> None:
        """Refuse a name in use: names are global."""
        super().accept(call)
        name = name_of(call.id).lower()
        if any(name_of(item.id).lower() == name for item in call.world.of(VAULT)):
            raise ArmError(409, "VaultAlreadyExists", f"The vault name '{name}' is already in use.")

    def outputs(self, call: Call) -> dict[str, Any]:
        """Its address."""
        return {
            "properties": {
                "softDeleteRetentionInDays": 90,
                "publicNetworkAccess": "Enabled",
                "provisioningState": "Succeeded",
                **call.get("properties", {}),
                "vaultUri": f"https://{name_of(call.id).lower()}.vault.azure.net/",
            }
        }
