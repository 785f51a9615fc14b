"""Storage accounts and their services."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

from lab.clouds.azure.arm import ArmError, ArmKind, changed, name_of, normal, parent_id
from lab.clouds.azure.catalogue import STORAGE_ZRS
from lab.clouds.azure.network import SUBNET
from lab.clouds.inventory import World
from lab.clouds.kind import Call, Grammar, Reference, at
from lab.clouds.schema_check import Fault
from lab.engine.provider_values import is_unknown

ACCOUNT: Final = "azure-native:storage:StorageAccount"
DOMAIN: Final = "core.windows.net"
PREMIUM_KINDS: Final = ("FileStorage", "BlockBlobStorage")
ZONE_REDUNDANT: Final = ("ZRS", "GZRS", "RAGZRS")
RETENTION_DAYS_MAX: Final = 365


class StorageAccount(ArmKind):
    """A storage account."""

    token = ACCOUNT
    name = "accountName"
    path = "resourceGroups/{resourceGroupName}/providers/Microsoft.Storage/storageAccounts/{accountName}"
    grammar = Grammar(pattern=r"[a-z0-9]{3,24}", words="3 to 24 lower-case letters and digits")
    immutable = ("isHnsEnabled",)
    tag_name_max = 128
    references = (Reference(path="networkRuleSet.virtualNetworkRules[*].virtualNetworkResourceId", to=(SUBNET,)),)

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Errors of kind and redundancy that do not match."""
        yield from super().faults(inputs, config)
        kind, sku = inputs.get("kind"), at(inputs, "sku.name")
        if is_unknown(kind) or is_unknown(sku):
            return
        premium = str(sku).startswith("Premium")
        if kind in PREMIUM_KINDS and not (premium or (kind == "FileStorage" and str(sku).startswith("StandardV2"))):
            yield "sku.name", f"is {sku}, but {kind} is premium: Premium_LRS or Premium_ZRS"
        if kind == "FileStorage" and inputs.get("accessTier"):
            yield "accessTier", "does not go with FileStorage"
        if kind not in PREMIUM_KINDS and str(sku) == "Premium_ZRS":
            yield "sku.name", f"is {sku}, which needs kind FileStorage or BlockBlobStorage, not {kind}"

    def accept(self, call: Call) -> None:
        """Refuse a name in use: names are global."""
        super().accept(call)
        if any(name_of(item.id) == name_of(call.id) for item in call.world.of(ACCOUNT)):
            raise ArmError(
                409, "StorageAccountAlreadyTaken", f"The storage account named {name_of(call.id)} is already taken."
            )

    def check(self, call: Call) -> None:
        """Refuse unavailable redundancy, and subnets without the service endpoint."""
        place, sku = normal(str(call.get("location"))), str(call.get("sku.name"))
        if sku.partition("_")[2] in ZONE_REDUNDANT and place not in STORAGE_ZRS:
            raise ArmError(400, "InvalidSku", f"The sku {sku} is not available in {place}.")
        for index, rule in enumerate(call.get("networkRuleSet.virtualNetworkRules", [])):
            subnet = call.world.get(SUBNET, str(rule.get("virtualNetworkResourceId")))
            endpoints = (
                [each.get("service") for each in (subnet.inputs.get("serviceEndpoints") or [])] if subnet else []
            )
            if subnet is not None and not {"Microsoft.Storage", "Microsoft.Storage.Global"} & set(endpoints):
                raise ArmError(
                    400,
                    "SubnetsHaveNoServiceEndpointsConfigured",
                    f"Subnets {name_of(subnet.id)} of virtual network {name_of(parent_id(subnet.id))} do not have "
                    f"ServiceEndpoints for Microsoft.Storage resources configured (rule {index}).",
                )

    def change(self, call: Call) -> None:
        """Refuse another kind, and another type of disks."""
        super().change(call)
        if call.item is None:
            return
        old, new = str(at(call.item.inputs, "sku.name")), str(call.get("sku.name"))
        families = {old.partition("_")[0], new.partition("_")[0]}
        zones = (old.partition("_")[2] in ZONE_REDUNDANT) != (new.partition("_")[2] in ZONE_REDUNDANT)
        if changed(call, "kind"):
            raise ArmError(400, "AccountPropertyCannotBeUpdated", "The kind of a storage account cannot be changed.")
        if len(families) > 1 or zones:
            raise ArmError(400, "InvalidSkuChange", f"The sku of a storage account cannot change from {old} to {new}.")

    def outputs(self, call: Call) -> dict[str, Any]:
        """Its endpoints."""
        name, place, kind = name_of(call.id), normal(str(call.get("location"))), call.get("kind")
        served = {"FileStorage": ("file",), "BlockBlobStorage": ("blob", "dfs", "web")}.get(
            str(kind), ("blob", "dfs", "file", "queue", "table", "web")
        )
        keys_of(call.world, call.id)
        return {
            "primaryEndpoints": {
                each: f"https://{name}.{'z6.web' if each == 'web' else each}.{DOMAIN}/" for each in served
            },
            "primaryLocation": place,
            "statusOfPrimary": "available",
            "creationTime": "2026-01-01T00:00:00.0000000Z",
            "keyCreationTime": {"key1": "2026-01-01T00:00:00.0000000Z", "key2": "2026-01-01T00:00:00.0000000Z"},
            "accessTier": call.get("accessTier", "Premium" if kind in PREMIUM_KINDS else "Hot"),
            "enableHttpsTrafficOnly": call.get("enableHttpsTrafficOnly", True),
            "minimumTlsVersion": call.get("minimumTlsVersion", "TLS1_0"),
            "allowBlobPublicAccess": call.get("allowBlobPublicAccess", False),
            "allowCrossTenantReplication": call.get("allowCrossTenantReplication", False),
            "networkRuleSet": {
                "bypass": "AzureServices",
                "defaultAction": "Allow",
                "ipRules": [],
                "virtualNetworkRules": [],
                **call.get("networkRuleSet", {}),
            },
            "privateEndpointConnections": [],
            "sku": {**call.get("sku", {}), "tier": "Premium" if kind in PREMIUM_KINDS else "Standard"},
        }

    def gone(self, call: Call) -> None:
        """Its keys are deleted."""
        call.world.facts.get("storage keys", {}).pop(call.id, None)


class _Service(ArmKind):
    """The settings of one service of an account, which always exist and are never deleted."""

    parent = ACCOUNT
    settles = False
    singleton = True
    retention: ClassVar[tuple[str, ...]] = ()

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Errors of the retention of deleted data."""
        yield from super().faults(inputs, config)
        for path in self.retention:
            policy = inputs.get(path) or {}
            days = policy.get("days")
            if policy.get("enabled") and days is None:
                yield f"{path}.days", "is required while enabled is true"
            if isinstance(days, int) and not 1 <= days <= RETENTION_DAYS_MAX:
                yield f"{path}.days", f"is {days}, not between 1 and {RETENTION_DAYS_MAX}"


class BlobServiceProperties(_Service):
    """The settings of blobs in an account."""

    token = "azure-native:storage:BlobServiceProperties"  # noqa: S105 - the token of a type
    name = "blobServicesName"
    path = f"{StorageAccount.path}/blobServices/{{blobServicesName}}"
    grammar = Grammar(pattern="default", words="default")
    retention = ("deleteRetentionPolicy", "containerDeleteRetentionPolicy")


class FileServiceProperties(_Service):
    """The settings of shares in an account."""

    token = "azure-native:storage:FileServiceProperties"  # noqa: S105 - the token of a type
    name = "fileServicesName"
    path = f"{StorageAccount.path}/fileServices/{{fileServicesName}}"
    grammar = Grammar(pattern="default", words="default")
    retention = ("shareDeleteRetentionPolicy",)


class ManagementPolicy(ArmKind):
    """The lifecycle rules of blobs."""

    token = "azure-native:storage:ManagementPolicy"  # noqa: S105 - the token of a type
    name = "managementPolicyName"
    path = f"{StorageAccount.path}/managementPolicies/{{managementPolicyName}}"
    parent = ACCOUNT
    grammar = Grammar(pattern="default", words="default")
    settles = False
    required = ("policy.rules",)

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Errors of rules: duplicate names, wrong kinds of blobs, missing actions."""
        yield from super().faults(inputs, config)
        rules = at(inputs, "policy.rules") or []
        names = [rule.get("name") for rule in rules]
        if len(set(names)) < len(names):
            yield "policy.rules", "have two of one name"
        for index, rule in enumerate(rules):
            path = f"policy.rules[{index}].definition"
            kinds = at(rule, "definition.filters.blobTypes") or []
            if not kinds or not set(kinds) <= {"blockBlob", "appendBlob"}:
                yield f"{path}.filters.blobTypes", f"is {kinds}, not some of blockBlob and appendBlob"
            actions = {key: value for key, value in (at(rule, "definition.actions") or {}).items() if value}
            if not actions:
                yield f"{path}.actions", "are none"
            base = actions.get("baseBlob") or {}
            if "appendBlob" in kinds and set(base) - {"delete"}:
                yield f"{path}.actions.baseBlob", "of append blobs can only be delete"

    def check(self, call: Call) -> None:
        """Refuse if the account's firewall blocks lifecycle management.

        Stricter than Azure, which accepts the policy but never deletes anything: "If you enable firewall rules for your
        storage account, lifecycle management requests may be blocked", "Azure Blob Storage lifecycle management".
        """
        account = call.world.get(ACCOUNT, parent_id(call.id))
        rules = (account.inputs.get("networkRuleSet") or {}) if account is not None else {}
        bypass = {each.strip() for each in str(rules.get("bypass", "AzureServices")).split(",")}
        if rules.get("defaultAction") == "Deny" and "AzureServices" not in bypass:
            raise ArmError(
                409,
                "LifecycleManagementBlocked",
                f"The firewall of {name_of(parent_id(call.id))} blocks trusted services, and with them this policy.",
            )

    def outputs(self, call: Call) -> dict[str, Any]:
        """The time of its last change."""
        return {"lastModifiedTime": "2026-01-01T00:00:00.0000000Z"}


def keys_of(world: World, account: str) -> list[str]:
    """The two keys of an account, created at the first call."""
    known = world.facts.setdefault("storage keys", {})
    if account not in known:
        known[account] = [base64.b64encode(secrets.token_bytes(64)).decode() for _ in range(2)]
    return list(known[account])
