"""Tiers (sizes) of Cloud SQL for PostgreSQL."""

from __future__ import annotations

import re
from typing import Final, Literal

Edition = Literal["enterprise", "enterprise_plus"]

SHARED_CORE_MIB: Final = {"db-f1-micro": 614, "db-g1-small": 1740}
"""Memory of the tiers that share a core, https://cloud.google.com/sql/docs/postgres/instance-settings."""
CUSTOM: Final = re.compile(r"db-custom-([1-9]\d*)-([1-9]\d*)")
PREDEFINED: Final = re.compile(r"db-perf-optimized-N-([1-9]\d*)")
PREDEFINED_CPUS: Final = (2, 4, 8, 16, 32, 48, 64, 80, 96, 128)
MIB_PER_PREDEFINED_CPU: Final = 8 * 1024
CUSTOM_STEP_MIB: Final = 256
CUSTOM_LEAST_MIB: Final = 3840
CUSTOM_CPUS_MAX: Final = 96
MIB_PER_CUSTOM_CPU: Final = (922, 6656)
"""0.9 to 6.5 GiB for each virtual processor, https://cloud.google.com/sql/docs/postgres/create-instance."""
CONNECTIONS_BY_MEMORY: Final = (
    (120 * 1024, 1000),
    (60 * 1024, 800),
    (30 * 1024, 600),
    (15 * 1024, 500),
    (7680, 400),
    (6 * 1024, 200),
    (3840, 100),
    (1740, 50),
    (0, 25),
)
"""Minimum memory in MiB and the default of max_connections from there on,
https://cloud.google.com/sql/docs/postgres/flags."""
OWN_CONNECTIONS: Final = 10
"""Reserved connections: 3 for superusers, Cloud SQL's agents, one operator."""


def tier_rule(tier: str, edition: Edition) -> str | None:
    """The rule that a tier breaks and the remedy, "rule; remedy", or None."""
    if edition == "enterprise_plus":
        if (found := PREDEFINED.fullmatch(tier)) and int(found[1]) in PREDEFINED_CPUS:
            return None
        return "is not a tier of edition enterprise_plus; use db-perf-optimized-N-2 or another of its kind"
    if tier in SHARED_CORE_MIB:
        return None
    if not (custom := CUSTOM.fullmatch(tier)):
        return (
            "is not a tier of edition enterprise; "
            "use db-f1-micro, db-g1-small or db-custom-<processors>-<memory in MiB>"
        )
    cpus, mib = int(custom[1]), int(custom[2])
    if cpus > CUSTOM_CPUS_MAX or (cpus > 1 and cpus % 2):
        return f"has {cpus} processors; use 1 or an even number up to {CUSTOM_CPUS_MAX}"
    least, most = (cpus * bound for bound in MIB_PER_CUSTOM_CPU)
    least = -(-max(least, CUSTOM_LEAST_MIB) // CUSTOM_STEP_MIB) * CUSTOM_STEP_MIB
    if mib % CUSTOM_STEP_MIB or not least <= mib <= most:
        return (
            f"has {mib} MiB of memory for {cpus} processors; use {least} to {most}, in steps of {CUSTOM_STEP_MIB}: "
            f"db-custom-{cpus}-{least}"
        )
    return None


def memory_mib(tier: str) -> int:
    """Memory of a tier that `tier_rule` accepts, in MiB."""
    if tier in SHARED_CORE_MIB:
        return SHARED_CORE_MIB[tier]
    if custom := CUSTOM.fullmatch(tier):
        return int(custom[2])
    return int(tier.rpartition("-")[2]) * MIB_PER_PREDEFINED_CPU


def connections(tier: str) -> int:
    """Maximum number of connections of a server of this tier, its own reserve included."""
    memory = memory_mib(tier)
    return next(count for least, count in CONNECTIONS_BY_MEMORY if memory >= least)
