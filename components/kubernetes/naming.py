"""Names and labels of a stack's resources."""

from __future__ import annotations

import hashlib
from typing import Final

KUBERNETES_NAME_MAX: Final = 63
"""Characters in a DNS label, https://kubernetes.io/docs/concepts/overview/working-with-objects/names/."""
INSTANCE_MAX: Final = 30
"""Characters in an instance's name, which leaves room for the longest suffix, `-metadata-database-<hash>`."""
PART_OF: Final = "airflow"


def labels(instance: str, component: str) -> dict[str, str]:
    """The recommended labels, https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/."""
    return {
        "app.kubernetes.io/name": PART_OF,
        "app.kubernetes.io/instance": instance,
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/part-of": PART_OF,
        "app.kubernetes.io/managed-by": "pulumi",
    }


def selector(instance: str, component: str) -> dict[str, str]:
    """The labels that select one component's pods. They are immutable in a Deployment."""
    full = labels(instance, component)
    return {key: full[key] for key in ("app.kubernetes.io/instance", "app.kubernetes.io/component")}


def object_name(instance: str, *parts: str) -> str:
    """The name of a Kubernetes object.

    Raises:
        ValueError: the name is longer than a DNS label.
    """
    name = "-".join([instance, *parts])
    if len(name) > KUBERNETES_NAME_MAX:
        raise ValueError(f"{name!r} has {len(name)} characters, a Kubernetes name has at most {KUBERNETES_NAME_MAX}")
    return name


def truncated_name(limit: int, *parts: str) -> str:
    """The parts joined by dashes, with at most `limit` characters: a short hash replaces the middle of longer names.

    The last part is never shortened, because it makes the name unique. Different parts result in different names.

    Raises:
        ValueError: the limit leaves no room for the last part.
    """
    name = "-".join(parts)
    if len(name) <= limit:
        return name
    *first, last = parts
    short_hash = digest(*parts)[:6]
    room = limit - len(f"-{short_hash}-{last}")
    if room < 1:
        raise ValueError(f"{limit} characters leave no room for {last!r}")
    return f"{'-'.join(first)[:room].rstrip('-')}-{short_hash}-{last}"


def digest(*parts: str) -> str:
    """A short hash of several texts: 10 hexadecimal characters, the same on every machine."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:10]


def sha256(text: str) -> str:
    """The full SHA-256 hash in hexadecimal, for checksums in fields that must not hold a secret."""
    return hashlib.sha256(text.encode()).hexdigest()
