"""Usage of a project's quotas in the simulated Google Cloud."""

from __future__ import annotations

from typing import Any, Final

from lab.clouds.gcp import machines
from lab.clouds.gcp.tokens import DISK, NODE_POOL
from lab.clouds.inventory import Item, World
from lab.clouds.kind import at

BOOT_DISK: Final = "pd-balanced"
BOOT_DISK_GB: Final = 100
"""Default boot disk of a node,
https://cloud.google.com/kubernetes-engine/docs/concepts/configure-boot-disks."""
MACHINE: Final = "e2-medium"
_FAST: Final = ("pd-balanced", "pd-ssd")
"""Types that count as SSD_TOTAL_GB, https://cloud.google.com/compute/resource-usage."""


def cpus(world: World) -> float:
    """Processors of all nodes."""
    return sum(
        _nodes(pool) * (machines.cpus(at(pool.inputs, "nodeConfig.machineType", MACHINE)) or 0)
        for pool in world.of(NODE_POOL)
    )


def fast_disks_gb(world: World) -> float:
    """SSD disks, including boot disks of nodes."""
    own = sum(disk.outputs.get("size", 0) for disk in world.of(DISK) if at(disk.inputs, "type", "") in _FAST)
    return own + sum(_nodes(pool) * boot_disk_gb(at(pool.inputs, "nodeConfig", {})) for pool in world.of(NODE_POOL))


def boot_disk_gb(config: dict[str, Any]) -> float:
    """SSD quota of one node."""
    return config.get("diskSizeGb", BOOT_DISK_GB) if config.get("diskType", BOOT_DISK) in _FAST else 0


def _nodes(pool: Item) -> int:
    count = pool.outputs.get("nodeCount") or pool.inputs.get("initialNodeCount") or 0
    return int(count) * max(1, len(pool.outputs.get("nodeLocations", [])))
