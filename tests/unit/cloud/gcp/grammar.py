"""The grammar of names on Google Cloud."""

from __future__ import annotations

from typing import Final

from tests.unit.recording.recorder import Registration

PATTERNS: Final = {
    "gcp:serviceaccount/account:Account": ("accountId", r"[a-z][a-z0-9-]{4,28}[a-z0-9]"),
    "gcp:container/cluster:Cluster": ("name", r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?"),
    "gcp:container/nodePool:NodePool": ("name", r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?"),
    "gcp:storage/bucket:Bucket": ("name", r"(?!goog)(?!.*google)[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]"),
    "gcp:sql/databaseInstance:DatabaseInstance": ("name", r"[a-z]([a-z0-9-]{0,66}[a-z0-9])?"),
    "gcp:artifactregistry/repository:Repository": ("repositoryId", r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?"),
}
"""The grammar of names, https://cloud.google.com/compute/docs/naming-resources and each service's own."""
OTHERS: Final = ("name", r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
UNCHECKED: Final = {"Database", "User"}
"""Their names are PostgreSQL's."""


def name_and_pattern(found: Registration) -> tuple[str, str] | None:
    """The name that a resource has at Google, and what such names look like; None is a resource without a name."""
    key, pattern = PATTERNS.get(found.type, OTHERS)
    if key not in found.plain or found.kind in UNCHECKED:
        return None
    return found.plain[key], pattern
