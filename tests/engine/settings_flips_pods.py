"""Effects of each single addition to pods, on Google Cloud: see settings_flips_gcp.py for the stack."""

from __future__ import annotations

from typing import Any, Final

from tests.engine.settings_effects import Changes, Flip, Flips, Refused

WORKER: Final = Changes(updates={"worker"})
"""The base adds to the pods of workers only."""
CONTAINER: Final[dict[str, Any]] = {
    "image": "registry.example.org/own:1",
    "mounts": [{"volume": "cache", "path": "/cache"}],
}
BASE: Final[dict[str, Any]] = {
    "worker": {
        "tolerations": [{"key": "gpu", "value": "a100", "effect": "NoExecute"}],
        "volumes": [{"kind": "empty_dir", "name": "cache", "size_mib": 64}],
        "mounts": [{"volume": "cache", "path": "/cache"}],
        "init_containers": [{"name": "fetch", **CONTAINER}],
        "sidecars": [{"name": "agent", **CONTAINER}],
        "strategy": {"kind": "rolling"},
    }
}
OF_NO_EMPTY_FOLDER: Final = Refused("belongs to a key that is not known here")
OF_NO_VOLUME: Final = Refused("is not the name of a volume of this workload or of `all`")


def containers(field: str) -> Flips:
    """The keys of a list of containers."""
    return {
        f"pods.*.{field}[].{key}": Flip(value, effect)
        for key, value, effect in (
            ("name", "other", WORKER),
            ("image", "registry.example.org/own:2", WORKER),
            ("command", ["run"], WORKER),
            ("args", ["--verbose"], WORKER),
            ("environment", {"LEVEL": "debug"}, WORKER),
            ("cpu_milli", 100, WORKER),
            ("memory_mib", 128, WORKER),
            ("uid", 1000, WORKER),
            ("mounts[].volume", "other", OF_NO_VOLUME),
            ("mounts[].path", "/other", WORKER),
            ("mounts[].sub_path", "part", WORKER),
            ("mounts[].read_only", True, WORKER),
        )
    }


FLIPS: Final[Flips] = {
    "pods.*.environment": Flip({"STAGE": "test"}, WORKER),
    "pods.*.secret_environment": Flip(
        ["API_TOKEN"], Refused("secret_environment.API_TOKEN is missing, and airflow:pods lists it")
    ),
    "pods.*.labels": Flip({"team": "data"}, WORKER),
    "pods.*.annotations": Flip({"example.org/owner": "data"}, WORKER),
    "pods.*.node_selector": Flip({"disk": "fast"}, WORKER),
    "pods.*.tolerations[].key": Flip("tpu", WORKER),
    "pods.*.tolerations[].value": Flip("v5", WORKER),
    "pods.*.tolerations[].effect": Flip("NoSchedule", WORKER),
    "pods.*.tolerations[].seconds": Flip(60, WORKER),
    "pods.*.affinity": Flip(
        {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "zone"}]}}, WORKER
    ),
    "pods.*.priority_class": Flip("workers", WORKER),
    "pods.*.volumes[].kind": Flip({"kind": "claim", "name": "cache", "claim_name": "cache"}, WORKER),
    "pods.*.volumes[].name": Flip("other", OF_NO_VOLUME),
    "pods.*.volumes[].size_mib": Flip(128, WORKER),
    "pods.*.volumes[].memory": Flip(True, WORKER),
    "pods.*.volumes[].secret_name": Flip("certificates", OF_NO_EMPTY_FOLDER),
    "pods.*.volumes[].config_map_name": Flip("files", OF_NO_EMPTY_FOLDER),
    "pods.*.volumes[].claim_name": Flip("models", OF_NO_EMPTY_FOLDER),
    "pods.*.mounts[].volume": Flip("other", OF_NO_VOLUME),
    "pods.*.mounts[].path": Flip("/other", WORKER),
    "pods.*.mounts[].sub_path": Flip("part", WORKER),
    "pods.*.mounts[].read_only": Flip(True, WORKER),
    **containers("init_containers"),
    **containers("sidecars"),
    "pods.*.sidecars[].port": Flip(8126, WORKER),
    "pods.*.min_ready_seconds": Flip(5, WORKER),
    "pods.*.patch": Flip({"dnsConfig": {"options": [{"name": "ndots", "value": "2"}]}}, WORKER),
    "pods.*.strategy.kind": Flip({"kind": "recreate"}, WORKER),
    "pods.*.strategy.max_surge_percent": Flip(50, WORKER),
    "pods.*.strategy.max_unavailable_percent": Flip(10, WORKER),
}
