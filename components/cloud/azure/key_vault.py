"""The vault for connections and variables that users keep in Azure."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import keyvault

from components.cloud.azure.names import VAULT_MAX
from components.cloud.azure.scope import AzureScope
from components.contract.cloud import SecretStore


@dataclass(frozen=True, kw_only=True)
class KeyVaultArgs:
    """Arguments of the vault."""

    scope: AzureScope
    tenant: pulumi.Input[str]
    """The Entra tenant whose identities may read it."""


class KeyVault(pulumi.ComponentResource):
    """A vault with access by roles alone. It is empty: users write its secrets."""

    id: pulumi.Output[str]
    store: SecretStore

    def __init__(self, name: str, args: KeyVaultArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:azure:KeyVault", name, None, opts)
        scope = args.scope
        # In state as "<name>-vault": renaming loses all secrets.
        vault = keyvault.Vault(
            f"{name}-vault",
            vault_name=scope.names.alphanumeric_name("vault", limit=VAULT_MAX),
            resource_group_name=scope.group,
            location=scope.settings.region,
            properties=keyvault.VaultPropertiesArgs(
                tenant_id=args.tenant,
                sku=keyvault.SkuArgs(family=keyvault.SkuFamily.A, name=keyvault.SkuName.STANDARD),
                enable_rbac_authorization=True,
                # Azure keeps deleted vaults in any case, and requires the switch.
                enable_soft_delete=True,
                enabled_for_deployment=False,
                enabled_for_disk_encryption=False,
                enabled_for_template_deployment=False,
            ),
            tags=scope.names.tags(),
            opts=pulumi.ResourceOptions(parent=self, protect=scope.protect),
        )
        self.id = vault.id
        self.store = SecretStore(kind="key_vault", location=vault.properties.apply(lambda found: found.vault_uri or ""))
        self.register_outputs({})
