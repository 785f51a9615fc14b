"""Node pools of GKE in the simulated Google Cloud."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from lab.clouds.gcp import machines, usage
from lab.clouds.gcp.regions import region_of, zones_of
from lab.clouds.gcp.resource import GcpKind, fingerprint, project_of, require_quota
from lab.clouds.gcp.tokens import ACCOUNT, CLUSTER, NODE_POOL
from lab.clouds.inventory import Item
from lab.clouds.kind import ApiError, Call, Choices, Grammar, Reference, at
from lab.clouds.schema_check import Fault
from lab.engine.provider_values import is_unknown

VERSION: Final = "1.34.2-gke.1000000"
"""The current version of a release channel."""
_EFFECTS: Final = ("NO_SCHEDULE", "PREFER_NO_SCHEDULE", "NO_EXECUTE")
NODES: Final[Choices] = {
    "nodeConfig.workloadMetadataConfig.mode": ("GKE_METADATA", "GCE_METADATA"),
    "nodeConfig.imageType": ("COS_CONTAINERD", "UBUNTU_CONTAINERD", "COS_ARM64_CONTAINERD"),
    "nodeConfig.diskType": ("pd-standard", "pd-balanced", "pd-ssd", "hyperdisk-balanced"),
    "nodeConfig.taints[*].effect": _EFFECTS,
}
"""Possible values in the config of nodes."""


class NodePool(GcpKind):
    """Nodes of one kind in a cluster."""

    token = NODE_POOL
    api = "container.googleapis.com"
    link = ""
    path = "projects/{project}/locations/{location}/clusters/{cluster}/nodePools/{name}"
    grammar = Grammar(
        pattern=r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?",
        words="1 to 40 of a-z, 0-9 and -, beginning with a letter and not ending with -",
        automatic=40,
    )
    immutable = (
        "name",
        "namePrefix",
        "project",
        "cluster",
        "location",
        "initialNodeCount",
        "maxPodsPerNode",
        "placementPolicy",
        "queuedProvisioning",
        "nodeConfig.ephemeralStorageConfig",
        "nodeConfig.localSsdCount",
        "nodeConfig.minCpuPlatform",
        "nodeConfig.oauthScopes",
        "nodeConfig.preemptible",
        "nodeConfig.serviceAccount",
        "nodeConfig.shieldedInstanceConfig",
        "nodeConfig.spot",
        "nodeConfig.metadata",
    )
    values: ClassVar[Choices] = {
        **NODES,
        "autoscaling.locationPolicy": ("BALANCED", "ANY"),
        "upgradeSettings.strategy": ("SURGE", "BLUE_GREEN"),
    }
    references = (
        Reference(path="cluster", to=(CLUSTER,), way="goes_with"),
        Reference(path="nodeConfig.serviceAccount", to=(ACCOUNT,), way="ignores"),
    )

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Require a location, unless the cluster is given by its full id, and ordered counts."""
        yield from super().faults(inputs, config)
        cluster = inputs.get("cluster")
        whole = isinstance(cluster, str) and (is_unknown(cluster) or "/" in cluster)
        if not inputs.get("location") and not whole and not config.get("zone") and not config.get("region"):
            yield "location", "is missing: it is in neither the resource nor the provider's config"
        least, most = (at(inputs, f"autoscaling.{name}") for name in ("minNodeCount", "maxNodeCount"))
        if isinstance(least, int) and isinstance(most, int) and least > most:
            yield "autoscaling.minNodeCount", f"is {least}, above maxNodeCount ({most})"

    def id(self, call: Call) -> str:
        """The id, below its cluster, which may be given by its full id."""
        return f"{self._cluster(call).id}/nodePools/{call.inputs['name']}"

    def accept(self, call: Call) -> None:
        """Refuse unknown machine types, nodes beyond the quota, and too few addresses."""
        self._require_metadata(call)
        count = call.get("initialNodeCount") or call.get("nodeCount") or call.get("autoscaling.minNodeCount", 0)
        require_machines(call, len(self._zones(call)), count)

    def change(self, call: Call) -> None:
        """The same rules as at creation."""
        self._require_metadata(call)
        require_machines(call, 0, 0)

    def _require_metadata(self, call: Call) -> None:
        cluster = self._cluster(call)
        with_identity = at(cluster.inputs, "workloadIdentityConfig.workloadPool") is not None
        if call.get("nodeConfig.workloadMetadataConfig.mode") == "GKE_METADATA" and not with_identity:
            raise ApiError(
                400,
                "Node pool workload metadata mode GKE_METADATA requires Workload Identity on the cluster.",
                reason="badRequest",
            )

    def _cluster(self, call: Call) -> Item:
        name = call.inputs["cluster"]
        location = call.get("location")
        found = [item for item in call.world.of(CLUSTER) if item.called(name)]
        found = [item for item in found if location in (None, item.inputs["location"])]
        if not found:
            raise ApiError(404, f"Not found: {name}", reason="notFound")
        return found[0]

    def _zones(self, call: Call) -> Sequence[str]:
        cluster = self._cluster(call)
        zones: Sequence[str] = call.get("nodeLocations") or cluster.inputs.get("nodeLocations") or ()
        return zones or zones_of(cluster.inputs["location"])[:3]

    def outputs(self, call: Call) -> dict[str, Any]:
        """Counts, groups and defaults."""
        cluster = self._cluster(call)
        zones = self._zones(call)
        groups = [
            f"https://www.googleapis.com/compute/v1/projects/{project_of(call)}/zones/{zone}/instanceGroupManagers/"
            f"gke-{call.inputs['name']}-{fingerprint(call.id + zone, 8)}-grp"
            for zone in zones
        ]
        known = dict(call.item.outputs) if call.item is not None else {}
        count = call.get("nodeCount", call.get("initialNodeCount", call.get("autoscaling.minNodeCount", 0)))
        return {
            "cluster": call.inputs["cluster"],
            "location": cluster.inputs["location"],
            "initialNodeCount": call.get("initialNodeCount", count),
            "nodeCount": known.get("nodeCount", count),
            "instanceGroupUrls": groups,
            "managedInstanceGroupUrls": [group.replace("Managers", "s") for group in groups],
            "maxPodsPerNode": call.get("maxPodsPerNode", 110),
            "nodeLocations": list(zones),
            "version": known.get("version") or call.get("version") or cluster.outputs.get("masterVersion", VERSION),
            "management": {"autoRepair": True, "autoUpgrade": True} | call.get("management", {}),
        }


def require_machines(call: Call, zones: int, each: int) -> None:
    """Check the quotas of processors and disks in a region for a number of nodes in each zone.

    Raises:
        ApiError: the machine type does not exist or does not support the disk, or a quota is exceeded.
    """
    machine_type = call.get("nodeConfig.machineType", usage.MACHINE)
    processors = machines.cpus(machine_type)
    if processors is None:
        raise ApiError(400, f"Machine type with name '{machine_type}' does not exist.", reason="badRequest")
    if problem := machines.disk_problem(machine_type, call.get("nodeConfig.diskType", usage.BOOT_DISK)):
        raise ApiError(400, problem, reason="badRequest")
    region, nodes = region_of(call.get("location", "")) or "the region", zones * each
    require_quota("CPUS", usage.cpus(call.world), processors * nodes, region)
    gigabytes = usage.boot_disk_gb(call.get("nodeConfig", {})) * nodes
    require_quota("SSD_TOTAL_GB", usage.fast_disks_gb(call.world), gigabytes, region)
