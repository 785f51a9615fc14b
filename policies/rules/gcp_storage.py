"""Rules for buckets, datasets, file shares, roles and keys on Google Cloud."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from policies.conditions import (
    Every,
    Must,
    Where,
    all_of,
    listed,
    must_be,
    must_not_be_everywhere,
)
from policies.resource import Resource, at, is_unknown
from policies.rule import NO_SETTING, Rule

BUCKET: Final = "gcp:storage/bucket:Bucket"
BUCKET_MEMBER: Final = "gcp:storage/bucketIAMMember:BucketIAMMember"
BUCKET_BINDING: Final = "gcp:storage/bucketIAMBinding:BucketIAMBinding"
DATASET: Final = "gcp:bigquery/dataset:Dataset"
DATASET_MEMBER: Final = "gcp:bigquery/datasetIamMember:DatasetIamMember"
DATASET_BINDING: Final = "gcp:bigquery/datasetIamBinding:DatasetIamBinding"
PROJECT_MEMBER: Final = "gcp:projects/iAMMember:IAMMember"
PROJECT_BINDING: Final = "gcp:projects/iAMBinding:IAMBinding"
SHARE: Final = "gcp:filestore/instance:Instance"
KEYS: Final = ("gcp:serviceaccount/key:Key", "gcp:storage/hmacKey:HmacKey")
STORAGE: Final = NO_SETTING.format("components/cloud/gcp/storage.py")
DATASETS: Final = NO_SETTING.format("components/cloud/gcp/bigquery.py")
IDENTITY: Final = NO_SETTING.format("components/cloud/gcp/identity.py")
EVERYBODY: Final = frozenset({"allUsers", "allAuthenticatedUsers"})
BROAD_ROLES: Final = frozenset({"roles/owner", "roles/editor", "roles/viewer"})
"""Roles on everything in a project, https://cloud.google.com/iam/docs/roles-overview#basic."""
OBJECT_ROLES: Final = (
    "roles/storage.objectUser",
    "roles/storage.objectViewer",
    "roles/storage.objectCreator",
    "roles/storage.objectAdmin",
    "roles/storage.legacyBucketReader",
)
"""Roles on one bucket, none of which changes rights; the last one reads the bucket's own properties and lists it."""
TABLE_ROLES: Final = ("roles/bigquery.dataEditor", "roles/bigquery.dataViewer")
UNDELETE_SECONDS: Final = 604_800
"""Seven days."""


def _recoverable(resource: Resource) -> Iterator[str]:
    versions = at(resource.props, "versioning.enabled")
    kept = at(resource.props, "softDeletePolicy.retentionDurationSeconds")
    if versions is True or is_unknown(versions) or is_unknown(kept):
        return
    if not isinstance(kept, (int, float)) or kept < UNDELETE_SECONDS:
        yield f"softDeletePolicy.retentionDurationSeconds is {kept!r} and must be at least {UNDELETE_SECONDS}"


def _deletes_old(value: Any) -> bool:
    return any(at(rule, "action.type") == "Delete" and at(rule, "condition.age") for rule in listed(value))


def _is_everybody(members: Any) -> bool:
    return bool(EVERYBODY.intersection(str(member) for member in listed(members)))


def _exists(resource: Resource) -> Iterator[str]:
    yield f"{resource.kind} is a key without expiry and must be workload identity"


def _has_tier_with_protection(resource: Resource) -> bool:
    """The basic tiers refuse the property, https://cloud.google.com/filestore/docs/deletion-protection."""
    return not str(at(resource.props, "tier")).startswith("BASIC")


RULES: Final = (
    Rule(
        id="gcs-public-access",
        title="Nothing in a bucket can be made public.",
        prod="mandatory",
        dev="mandatory",
        remedy=STORAGE,
        source="https://cloud.google.com/storage/docs/public-access-prevention",
        rows=("B1",),
        checks={
            BUCKET: must_be("publicAccessPrevention", "enforced"),
            BUCKET_MEMBER: Must("member", lambda value: value not in EVERYBODY, "an account, group or domain"),
            BUCKET_BINDING: Must("members", lambda value: not _is_everybody(value), "accounts, groups or domains"),
        },
    ),
    Rule(
        id="gcs-uniform-access",
        title="Roles decide the access to a bucket, not lists at single objects.",
        prod="mandatory",
        dev="mandatory",
        remedy=STORAGE,
        source="https://cloud.google.com/storage/docs/uniform-bucket-level-access",
        rows=("B1",),
        checks={BUCKET: must_be("uniformBucketLevelAccess", True)},
    ),
    Rule(
        id="gcs-recovery",
        title="Deleted logs can be restored for a week.",
        prod="mandatory",
        dev="off",
        remedy="Set airflow:protect to true.",
        source="https://cloud.google.com/storage/docs/soft-delete",
        rows=("B2",),
        checks={BUCKET: _recoverable},
    ),
    Rule(
        id="gcs-expiry",
        title="Old logs are deleted.",
        prod="mandatory",
        dev="mandatory",
        remedy="Set airflow:logs.retention_days.",
        source="https://cloud.google.com/storage/docs/lifecycle",
        rows=("B2",),
        checks={BUCKET: Must("lifecycleRules", _deletes_old, "a list with a rule that deletes by age")},
    ),
    Rule(
        id="gcs-force-destroy",
        title="A bucket with logs in it cannot be deleted.",
        prod="mandatory",
        dev="off",
        remedy="Set airflow:protect to true.",
        source="https://www.pulumi.com/registry/packages/gcp/api-docs/storage/bucket/",
        rows=("B3",),
        checks={BUCKET: must_be("forceDestroy", False, None)},
    ),
    Rule(
        id="bigquery-public-access",
        title="No dataset is public.",
        prod="mandatory",
        dev="mandatory",
        remedy=DATASETS,
        source="https://cloud.google.com/bigquery/docs/control-access-to-resources-iam",
        rows=("B1",),
        checks={
            DATASET: Every(
                "accesses",
                all_of(
                    Must("specialGroup", lambda value: value not in EVERYBODY, "a group of the project"),
                    Must("iamMember", lambda value: value not in EVERYBODY, "an account, group or domain"),
                ),
            ),
            DATASET_MEMBER: Must("member", lambda value: value not in EVERYBODY, "an account, group or domain"),
            DATASET_BINDING: Must("members", lambda value: not _is_everybody(value), "accounts, groups or domains"),
        },
    ),
    Rule(
        id="bigquery-delete-contents",
        title="A dataset with tables in it cannot be deleted.",
        prod="mandatory",
        dev="off",
        remedy="Set airflow:protect to true.",
        source="https://cloud.google.com/bigquery/docs/reference/rest/v2/datasets/delete",
        rows=("B3",),
        checks={DATASET: must_be("deleteContentsOnDestroy", False, None)},
    ),
    Rule(
        id="gcp-least-roles",
        title="Accounts have roles on one bucket or dataset, and no basic role on the project.",
        prod="mandatory",
        dev="mandatory",
        remedy=IDENTITY,
        source="https://cloud.google.com/iam/docs/using-iam-securely#least_privilege",
        rows=("B4", "G5"),
        checks={
            BUCKET_MEMBER: must_be("role", *OBJECT_ROLES),
            BUCKET_BINDING: must_be("role", *OBJECT_ROLES),
            DATASET_MEMBER: must_be("role", *TABLE_ROLES),
            DATASET_BINDING: must_be("role", *TABLE_ROLES),
            PROJECT_MEMBER: Must("role", lambda value: value not in BROAD_ROLES, "a role for one purpose"),
            PROJECT_BINDING: Must("role", lambda value: value not in BROAD_ROLES, "a role for one purpose"),
        },
    ),
    Rule(
        id="gcp-no-keys",
        title="There are no keys of service accounts.",
        prod="mandatory",
        dev="mandatory",
        remedy="Remove the key, and use workload identity as in components/cloud/gcp/identity.py.",
        source="https://cloud.google.com/iam/docs/best-practices-for-managing-service-account-keys",
        rows=("B4",),
        checks=dict.fromkeys(KEYS, _exists),
    ),
    Rule(
        id="filestore-deletion-protection",
        title="Filestore itself refuses to delete a file share.",
        prod="mandatory",
        dev="off",
        remedy="Set airflow:protect to true. Shares of tier basic_hdd and basic_ssd do not have this protection.",
        source="https://cloud.google.com/filestore/docs/deletion-protection",
        rows=("B5",),
        checks={SHARE: Where(_has_tier_with_protection, must_be("deletionProtectionEnabled", True))},
    ),
    Rule(
        id="filestore-clients",
        title="Only the nodes can mount a file share.",
        prod="mandatory",
        dev="mandatory",
        remedy=STORAGE,
        source="https://cloud.google.com/filestore/docs/access-control",
        rows=("B5",),
        checks={
            SHARE: all_of(
                Must("fileShares.nfsExportOptions", lambda value: bool(listed(value)), "a list of the nodes' ranges"),
                Every(
                    "fileShares.nfsExportOptions",
                    all_of(
                        Must("ipRanges", lambda value: bool(listed(value)), "a list of the nodes' ranges"),
                        must_not_be_everywhere("ipRanges"),
                    ),
                ),
            )
        },
    ),
)
