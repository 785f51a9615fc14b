"""Machine types of Compute Engine for nodes of a cluster."""

from __future__ import annotations

import re
from typing import Final

EXAMPLE: Final = "e2-standard-4"
FORM: Final = re.compile(r"(?P<family>[a-z]\d[a-z]?x?)-[a-z]+(-[a-z0-9]+)*")
SHARED_SUFFIXES: Final = ("-micro", "-small")
BARE_METAL: Final = "-metal"
FAMILIES: Final = ("c2", "c2d", "c3", "c3d", "e2", "m1", "m2", "m3", "n1", "n2", "n2d", "t2d")
"""Families with x86 processors that support both kinds of disk of a stack's nodes: pd-balanced, the boot disk, and
pd-ssd, the disk of the broker. https://cloud.google.com/compute/docs/disks/persistent-disks, table
"Machine series support". Other families are refused: newer ones support only Hyperdisk."""
ARM: Final = ("a4x", "c4a", "n4a", "t2a")
"""GKE taints nodes of these with kubernetes.io/arch=arm64:NoSchedule, which no pod of a stack tolerates,
https://cloud.google.com/kubernetes-engine/docs/concepts/arm-on-gke."""
ACCELERATED: Final = ("a2", "a3", "a4", "g2", "g4")
"""https://cloud.google.com/compute/docs/accelerator-optimized-machines: GKE requires their names as well."""


def rule(machine_type: str) -> str | None:
    """The rule that a machine type breaks and the remedy, "rule; remedy", or None."""
    found = FORM.fullmatch(machine_type)
    if found is None or machine_type.endswith(SHARED_SUFFIXES):
        return f"is not a machine type for nodes; use one like {EXAMPLE}"
    family = found["family"]
    remedy = f"use a type of another family, such as {EXAMPLE}"
    if family in ARM:
        return f"has ARM processors, on which no pod of Airflow is scheduled; {remedy}"
    if family in ACCELERATED:
        return f"has accelerators, which this program does not support; {remedy}"
    if family not in FAMILIES or machine_type.endswith(BARE_METAL):
        families = ", ".join(FAMILIES)
        return (
            "does not support the disks of nodes and broker, pd-balanced and pd-ssd; "
            f"use a type of the families {families}, such as {EXAMPLE}"
        )
    return None
