"""ResourceNames and labels: what the things that a stack makes are called."""

from __future__ import annotations

import hashlib
from typing import Final

KUBERNETES_NAME_MAX: Final = 63
"""Characters in a DNS label, https://kubernetes.io/docs/concepts/overview/working-with-objects/names/."""
INSTANCE_MAX: Final = 30
"""Characters in an instance's name: leaves room for the longest suffix, `-metadata-database-<hash>`."""
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
    """The labels that select one component's pods; a Deployment can never change them."""
    full = labels(instance, component)
    return {key: full[key] for key in ("app.kubernetes.io/instance", "app.kubernetes.io/component")}


def object_name(instance: str, *parts: str) -> str:
    """The name of a Kubernetes object.

    Raises:
        ValueError: longer than a DNS label.
    """
    name = "-".join([instance, *parts])
    if len(name) > KUBERNETES_NAME_MAX:
        raise ValueError(f"{name!r} has {len(name)} characters, a Kubernetes name has at most {KUBERNETES_NAME_MAX}")
    return name


def fitted(limit: int, *parts: str) -> str:
    """The parts joined by dashes in at most `limit` characters; what is too long loses its middle to a short hash.

    The last part stays whole: it is what makes a name unique. Different parts give different names.

    Raises:
        ValueError: the limit leaves no room for the last part.
    """
    name = "-".join(parts)
    if len(name) <= limit:
        return name
    *first, last = parts
    mark = digest(*parts)[:6]
    room = limit - len(f"-{mark}-{last}")
    if room < 1:
        raise ValueError(f"{limit} characters leave no room for {last!r}")
    return f"{'-'.join(first)[:room].rstrip('-')}-{mark}-{last}"


def digest(*parts: str) -> str:
    """A short hash of what something depends on: 10 hexadecimal characters, the same on every machine."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:10]


def sha256(text: str) -> str:
    """The whole hash in hexadecimal, for checksums that stand where a secret may not."""
    return hashlib.sha256(text.encode()).hexdigest()
