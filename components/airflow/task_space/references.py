"""The objects that the template of task pods refers to, for the policy that holds the pods to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import pulumi
from pulumi_kubernetes.core.v1 import VolumeArgs

from components.airflow.context import InstanceContext
from components.airflow.feature import Features, PodOverlay
from components.airflow.task_space.admission import References
from components.contract.requirements import project_accounts


def task_references(context: InstanceContext, features: Features) -> References:
    """The objects of all volumes and credentials of task pods."""
    overlays = features.overlays("task")
    volumes = [(overlay, volume) for overlay in overlays for volume in overlay.volumes]
    secrets: list[pulumi.Input[str]] = [each.secret.name for each in features.credentials("task")]
    secrets += [name for overlay in overlays for patch in overlay.patches for name in _secrets_of(patch)]
    claims: list[pulumi.Input[str]] = []
    read_only: list[pulumi.Input[str]] = []
    folders: list[str] = []
    for overlay, volume in volumes:
        # The arguments of the SDK are typed as inputs, and features give plain objects.
        fields = cast(Any, volume)
        if fields.secret is not None:
            secrets.append(fields.secret.secret_name)
        if fields.persistent_volume_claim is not None:
            found = read_only if _only_read(overlay, volume) else claims
            found.append(fields.persistent_volume_claim.claim_name)
        if fields.host_path is not None:
            folders.append(fields.host_path.path)
    return References(
        accounts=[context.accounts["task"], *project_accounts(context.settings)],
        secrets=[*_families(secrets)],
        pull_secret=context.pull_secret,
        claims=[*_families(claims)],
        read_only_claims=[*_families(read_only)],
        node_folders=folders,
        image_volumes=any(cast("Any", volume).image is not None for _, volume in volumes),
    )


def _secrets_of(patch: Mapping[str, Any]) -> Iterator[str]:
    """The Secrets that variables of a patch refer to."""
    for group in ("containers", "initContainers"):
        for container in patch.get(group) or ():
            for variable in container.get("env") or ():
                source: Mapping[str, Any] = variable.get("valueFrom") or {}
                if "secretKeyRef" in source:
                    yield source["secretKeyRef"]["name"]


def _only_read(overlay: PodOverlay, volume: VolumeArgs) -> bool:
    """Whether all mounts of the volume are read-only, those of the overlay's own containers included."""
    # The arguments of the SDK are typed as inputs, and features give plain objects.
    containers = cast("list[Any]", [*overlay.setup, *overlay.sidecars])
    further = [cast("list[Any]", container.volume_mounts or []) for container in containers]
    mounts: list[Any] = [mount for listed in (list(overlay.mounts), *further) for mount in listed]
    return all(mount.read_only is True for mount in mounts if mount.name == volume.name)


def _families(names: list[pulumi.Input[str]]) -> Iterator[pulumi.Input[str]]:
    """The names, without the suffix that changes with an object.

    While a change rolls out, the old scheduler creates pods with the old name, and the new scheduler with the new one.
    """
    for name in names:
        yield name if isinstance(name, str) else pulumi.Output.from_input(name).apply(_family)


def _family(name: str) -> str:
    """The beginning of a name that ends with a suffix of Pulumi or a hash."""
    return f"{name.rpartition('-')[0]}-"
