"""Rules for storage accounts and locks on Azure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from policies.conditions import Every, Must, Where, all_of, is_everywhere, listed, must_be, must_be_at_least
from policies.resource import Resource, at, may_be
from policies.rule import NO_SETTING, Rule

ACCOUNT: Final = "azure-native:storage:StorageAccount"
CONTAINER: Final = "azure-native:storage:BlobContainer"
BLOBS: Final = "azure-native:storage:BlobServiceProperties"
FILES: Final = "azure-native:storage:FileServiceProperties"
EXPIRY: Final = "azure-native:storage:ManagementPolicy"
SERVER: Final = "azure-native:dbforpostgresql:Server"
LOCKS: Final = (
    "azure-native:authorization:ManagementLockByScope",
    "azure-native:authorization:ManagementLockAtResourceLevel",
)
MODULE: Final = NO_SETTING.format("components/cloud/azure/accounts.py")
DOCS: Final = "https://learn.microsoft.com/azure/storage"
SHARES_ACCOUNT: Final = "-files-account"
"""End of the logical name of the account for file shares: clients of SMB log in with its key, and those of NFS cannot
use HTTPS. Logical names are keys in state and never change."""
DELETED_DAYS_MIN: Final = 7


def _is_for_shares(resource: Resource) -> bool:
    return resource.name.endswith(SHARES_ACCOUNT)


def _is_for_blobs(resource: Resource) -> bool:
    return not _is_for_shares(resource)


def _expires(value: Any) -> bool:
    return any(
        may_be(at(rule, "enabled"), True) and at(rule, "definition.actions.baseBlob.delete") for rule in listed(value)
    )


def _is_locked(stack: Sequence[Resource]) -> Iterator[tuple[Resource, str]]:
    """A preview does not know the locks' scopes, so they are counted."""
    locks = sum(
        resource.kind in LOCKS and may_be(at(resource.props, "level"), "CanNotDelete", "ReadOnly") for resource in stack
    )
    held = [resource for resource in stack if resource.kind in (ACCOUNT, SERVER)]
    for resource in held:
        if locks < len(held):
            yield resource, f"the stack has {locks} locks for {len(held)} database servers and storage accounts"


RULES: Final = (
    Rule(
        id="storage-public-blobs",
        title="Nothing in a storage account can be made public.",
        prod="mandatory",
        dev="mandatory",
        remedy=MODULE,
        source=f"{DOCS}/blobs/anonymous-read-access-prevent",
        rows=("T1", "T5"),
        checks={ACCOUNT: must_be("allowBlobPublicAccess", False), CONTAINER: must_be("publicAccess", "None", None)},
    ),
    Rule(
        id="storage-tls",
        title="A storage account refuses connections without TLS 1.2 or later; mounts by NFS are the exception.",
        prod="mandatory",
        dev="mandatory",
        remedy=MODULE,
        source=f"{DOCS}/common/transport-layer-security-configure-minimum-version",
        rows=("T1",),
        checks={
            ACCOUNT: all_of(
                must_be("minimumTlsVersion", "TLS1_2", "TLS1_3"),
                Where(_is_for_blobs, must_be("enableHttpsTrafficOnly", True)),
            )
        },
    ),
    Rule(
        id="storage-keys",
        title="A storage account has no keys; mounts by SMB are the exception.",
        prod="mandatory",
        dev="mandatory",
        remedy=MODULE,
        source=f"{DOCS}/common/shared-key-authorization-prevent",
        rows=("T1",),
        checks={ACCOUNT: Where(_is_for_blobs, must_be("allowSharedKeyAccess", False))},
    ),
    Rule(
        id="storage-foreign-access",
        title="A storage account has no users of its own and no copies in other tenants.",
        prod="mandatory",
        dev="mandatory",
        remedy=MODULE,
        source=f"{DOCS}/common/storage-require-secure-transfer",
        rows=("T1",),
        checks={
            ACCOUNT: all_of(must_be("allowCrossTenantReplication", False), must_be("isLocalUserEnabled", False, None))
        },
    ),
    Rule(
        id="storage-firewall",
        title="A storage account answers the nodes and listed ranges, and nobody else.",
        prod="mandatory",
        dev="mandatory",
        remedy="Limit airflow:cloud.storage.allowed_ranges.",
        source=f"{DOCS}/common/storage-network-security",
        rows=("T2",),
        checks={
            ACCOUNT: all_of(
                must_be("networkRuleSet.defaultAction", "Deny"),
                Every(
                    "networkRuleSet.ipRules",
                    Must(
                        "iPAddressOrRange", lambda value: not is_everywhere(value), "a range smaller than the internet"
                    ),
                ),
            )
        },
    ),
    Rule(
        id="storage-private-endpoints",
        title="A storage account has private addresses only.",
        prod="mandatory",
        dev="off",
        remedy="Set airflow:cloud.network.private_endpoints to true.",
        source=f"{DOCS}/common/storage-private-endpoints",
        rows=("T2",),
        checks={ACCOUNT: must_be("publicNetworkAccess", "Disabled")},
    ),
    Rule(
        id="storage-redundancy",
        title="Data outlives the failure of a zone.",
        prod="mandatory",
        dev="off",
        remedy="Set airflow:cloud.storage.redundancy to zrs or gzrs.",
        source=f"{DOCS}/common/storage-redundancy",
        rows=("T3",),
        checks={
            ACCOUNT: must_be("sku.name", "Standard_ZRS", "Premium_ZRS", "Standard_GZRS", "Standard_RAGZRS"),
        },
    ),
    Rule(
        id="storage-recovery",
        title="Deleted data can be restored for a week.",
        prod="mandatory",
        dev="off",
        remedy="Set airflow:cloud.storage.deleted_kept_days to at least 7.",
        source=f"{DOCS}/blobs/soft-delete-blob-overview",
        rows=("T4",),
        checks={
            BLOBS: all_of(
                must_be("deleteRetentionPolicy.enabled", True),
                must_be_at_least("deleteRetentionPolicy.days", DELETED_DAYS_MIN),
                must_be("containerDeleteRetentionPolicy.enabled", True),
            ),
            FILES: all_of(
                must_be("shareDeleteRetentionPolicy.enabled", True),
                must_be_at_least("shareDeleteRetentionPolicy.days", DELETED_DAYS_MIN),
            ),
        },
    ),
    Rule(
        id="storage-versions",
        title="Overwritten logs can be restored.",
        prod="mandatory",
        dev="off",
        remedy="Set airflow:cloud.storage.versions to true.",
        source=f"{DOCS}/blobs/versioning-overview",
        rows=("T4",),
        checks={BLOBS: must_be("isVersioningEnabled", True)},
    ),
    Rule(
        id="storage-expiry",
        title="Old logs are deleted.",
        prod="mandatory",
        dev="mandatory",
        remedy="Set airflow:logs.retention_days.",
        source=f"{DOCS}/blobs/lifecycle-management-overview",
        rows=("T4",),
        checks={EXPIRY: Must("policy.rules", _expires, "a list with an enabled rule that deletes by age")},
    ),
    Rule(
        id="azure-locks",
        title="Azure itself refuses to delete database servers and storage accounts.",
        prod="mandatory",
        dev="off",
        remedy="Set airflow:protect to true.",
        source="https://learn.microsoft.com/azure/azure-resource-manager/management/lock-resources",
        rows=("P8",),
        stack_check=_is_locked,
    ),
)
