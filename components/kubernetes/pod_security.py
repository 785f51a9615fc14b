"""Pod Security labels of a namespace."""

from __future__ import annotations

from typing import Literal

Level = Literal["restricted", "baseline", "privileged"]


def pod_security_labels(enforce: Level) -> dict[str, str]:
    """Labels for Pod Security admission; warnings and audit always use the level `restricted`.

    https://kubernetes.io/docs/concepts/security/pod-security-admission/
    """
    prefix = "pod-security.kubernetes.io"
    return {
        f"{prefix}/enforce": enforce,
        f"{prefix}/enforce-version": "latest",
        f"{prefix}/audit": "restricted",
        f"{prefix}/warn": "restricted",
    }
