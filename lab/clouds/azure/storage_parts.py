"""Child resources of storage accounts: blob containers and file shares."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from lab.clouds.azure.arm import ArmError, ArmKind, name_of, uid
from lab.clouds.azure.storage import ACCOUNT, StorageAccount
from lab.clouds.backing import StoreRequest
from lab.clouds.inventory import Item
from lab.clouds.kind import Call, Grammar, at
from lab.clouds.schema_check import Fault

NAME: Final = Grammar(
    pattern=r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*",
    words="3 to 63 lower-case letters, digits and single hyphens, letters or digits at both ends",
)
PREMIUM_SHARE_GIB: Final = 100
"""The smallest share of a premium account, https://learn.microsoft.com/azure/storage/files/understanding-billing."""
SHARE_GIB: Final = 5120
LARGE_SHARE_GIB: Final = 102_400


class _Held(ArmKind):
    """Base class of child resources; the service in the path is not a parent here."""

    parent = ACCOUNT
    settles = False

    def owner(self, resource_id: str) -> str:
        """The id of the account."""
        return account_id(resource_id)


class BlobContainer(_Held):
    """A blob container."""

    token = "azure-native:storage:BlobContainer"  # noqa: S105 - the token of a type
    name = "containerName"
    path = f"{StorageAccount.path}/blobServices/default/containers/{{containerName}}"
    grammar = NAME

    def check(self, call: Call) -> None:
        """Refuse anonymous access if the account forbids it, and accounts without a blob service."""
        account = account_of(call)
        if account is None:
            return
        if account.inputs["kind"] == "FileStorage":
            raise ArmError(
                400, "FeatureNotSupportedForAccount", f"Blob is not supported for the account {name_of(account.id)}."
            )
        if call.get("publicAccess", "None") != "None" and not account.inputs.get("allowBlobPublicAccess"):
            raise ArmError(
                409,
                "PublicAccessNotPermitted",
                f"Public access is not permitted on this storage account: {name_of(account.id)}.",
            )

    def back(self, call: Call) -> Any:
        """Create the real container, if the backing has one."""
        account = name_of(account_id(call.id))
        call.backing.store(StoreRequest(cloud="azure", id=call.id, account=account, name=name_of(call.id)))

    def outputs(self, call: Call) -> dict[str, Any]:
        """The outputs of a new container."""
        return {
            "etag": f'"{uid(call.id)}"',
            "publicAccess": call.get("publicAccess", "None"),
            "defaultEncryptionScope": call.get("defaultEncryptionScope", "$account-encryption-key"),
            "denyEncryptionScopeOverride": call.get("denyEncryptionScopeOverride", False),
            "hasImmutabilityPolicy": False,
            "hasLegalHold": False,
            "leaseState": "Available",
            "leaseStatus": "Unlocked",
            "deleted": False,
            "remainingRetentionDays": 0,
            "lastModifiedTime": "2026-01-01T00:00:00.0000000Z",
        }


class FileShare(_Held):
    """A file share."""

    token = "azure-native:storage:FileShare"  # noqa: S105 - the token of a type
    name = "shareName"
    path = f"{StorageAccount.path}/fileServices/default/shares/{{shareName}}"
    grammar = NAME
    immutable = ("enabledProtocols",)

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Errors of the size, and of squashing without NFS."""
        yield from super().faults(inputs, config)
        quota = inputs.get("shareQuota")
        if isinstance(quota, int) and not 1 <= quota <= LARGE_SHARE_GIB:
            yield "shareQuota", f"is {quota}, not between 1 and {LARGE_SHARE_GIB}"
        if inputs.get("rootSquash") is not None and inputs.get("enabledProtocols", "SMB") != "NFS":
            yield "rootSquash", "goes with enabledProtocols NFS"

    def check(self, call: Call) -> None:
        """Refuse protocols and sizes that the account's kind does not support."""
        account = account_of(call)
        if account is None:
            return
        premium = account.inputs["kind"] == "FileStorage"
        nfs = call.get("enabledProtocols", "SMB") == "NFS"
        quota = int(call.get("shareQuota", PREMIUM_SHARE_GIB if premium else SHARE_GIB))
        if account.inputs["kind"] == "BlockBlobStorage":
            raise ArmError(400, "FeatureNotSupportedForAccount", "File is not supported for the account.")
        if premium and quota < PREMIUM_SHARE_GIB:
            raise ArmError(
                400,
                "InvalidHeaderValue",
                f"The value for one of the HTTP headers is not in the correct format: a share of {quota} GiB is below "
                f"{PREMIUM_SHARE_GIB} GiB, the least of a premium account.",
            )
        if not premium and quota > SHARE_GIB and account.inputs.get("largeFileSharesState") != "Enabled":
            raise ArmError(
                400, "InvalidHeaderValue", f"A share of {quota} GiB needs largeFileSharesState Enabled on its account."
            )
        if nfs and not premium:
            raise ArmError(
                400, "NfsNotSupportedForAccount", "NFS shares need a storage account of the kind FileStorage."
            )
        if nfs and account.outputs.get("enableHttpsTrafficOnly") and at(account.inputs, "enableHttpsTrafficOnly", True):
            raise ArmError(
                400,
                "NfsShareRequiresHttpsTrafficOnlyDisabled",
                "NFS shares need a storage account with enableHttpsTrafficOnly false.",
            )
        if nfs and not _private(account):
            raise ArmError(
                400,
                "NfsShareRequiresPrivateNetwork",
                "NFS shares are reached from networks that the account names or by private endpoints only: set "
                "networkRuleSet.defaultAction Deny.",
            )
        tier = call.get("accessTier")
        if tier is not None and (tier == "Premium") != premium:
            raise ArmError(400, "InvalidHeaderValue", f"The access tier {tier} is not one of the account's kind.")

    def outputs(self, call: Call) -> dict[str, Any]:
        """The outputs of a new share."""
        account = account_of(call)
        premium = account is not None and account.inputs["kind"] == "FileStorage"
        return {
            "etag": f'"{uid(call.id)}"',
            "accessTier": call.get("accessTier", "Premium" if premium else "TransactionOptimized"),
            "enabledProtocols": call.get("enabledProtocols", "SMB"),
            "shareQuota": call.get("shareQuota", PREMIUM_SHARE_GIB if premium else SHARE_GIB),
            "leaseState": "available",
            "leaseStatus": "unlocked",
            "lastModifiedTime": "2026-01-01T00:00:00.0000000Z",
        }


def account_of(call: Call) -> Item | None:
    """The account of a child resource."""
    return call.world.get(ACCOUNT, account_id(call.id))


def account_id(resource_id: str) -> str:
    """The id of the account in an id."""
    return re.split("/(?:blob|file)Services/", resource_id)[0]


def _private(account: Item) -> bool:
    rules = account.inputs.get("networkRuleSet") or {}
    return rules.get("defaultAction") == "Deny" or account.inputs.get("publicNetworkAccess") == "Disabled"
