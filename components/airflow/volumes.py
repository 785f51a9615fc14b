"""Volumes of pods: files from ConfigMaps, and claims for the cloud's volumes with their static volumes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.core.v1 import (
    ConfigMap,
    ConfigMapVolumeSourceArgs,
    CSIPersistentVolumeSourceArgs,
    NodeSelectorArgs,
    NodeSelectorRequirementArgs,
    NodeSelectorTermArgs,
    ObjectReferenceArgs,
    PersistentVolume,
    PersistentVolumeClaim,
    PersistentVolumeClaimSpecArgs,
    PersistentVolumeSpecArgs,
    Secret,
    SecretReferenceArgs,
    VolumeArgs,
    VolumeMountArgs,
    VolumeNodeAffinityArgs,
    VolumeResourceRequirementsArgs,
)
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.airflow.context import InstanceContext
from components.airflow.feature import PodOverlay
from components.contract.cloud import StaticVolume, Volume, VolumeUse
from components.contract.workloads import Workload
from components.kubernetes import naming, pods

NAMESPACE_MINUTES: Final = 30
"""Maximum time to delete a namespace: task pods that still run have their grace period, and endpoint groups of load
balancers their finalizers, https://github.com/kubernetes/ingress-gce/issues/1720."""
ZONE: Final = "topology.kubernetes.io/zone"


@dataclass(frozen=True, kw_only=True)
class ClaimArgs:
    """Arguments of a claim."""

    use: VolumeUse
    volume: Volume
    instance: str
    namespace: pulumi.Output[str]
    namespace_name: str
    """The namespace's name as plain text, for resources that must not be deleted before the namespace."""
    kubernetes: kubernetes.Provider
    protect: bool


def create_files(
    context: InstanceContext,
    name: str,
    *,
    volume: str,
    owner: str,
    files: Mapping[str, pulumi.Input[str]],
    workloads: Collection[Workload],
    mounts: Sequence[VolumeMountArgs],
    init_mounts: bool = False,
    checksums: Sequence[pulumi.Input[str]] = (),
) -> list[PodOverlay]:
    """Files from a ConfigMap in the pods of some workloads: one ConfigMap for each namespace in which they live.

    Other content is a new ConfigMap under a new name, so that exactly the pods that mount it restart.

    Args:
        context: the instance.
        name: the ConfigMap's logical name after the instance's.
        volume: the volume's name in the pod.
        owner: the component in the ConfigMap's labels.
        files: content by file name.
        workloads: the workloads that mount it.
        mounts: mounts of the volume.
        init_mounts: whether init containers mount it as well.
        checksums: hashes of content that does not show in the pod's spec.
    """
    overlays: list[PodOverlay] = []
    for space in context.spaces(workloads):
        config_map = ConfigMap(
            f"{context.name}-{name}{space.suffix}",
            metadata=context.metadata(owner, fixed=False, namespace=space.namespace),
            immutable=True,
            data=dict(files),
            opts=context.child,
        )
        source = ConfigMapVolumeSourceArgs(name=config_map.metadata.name)
        overlays.append(
            PodOverlay(
                workloads=space.workloads,
                volumes=[VolumeArgs(name=volume, config_map=source)],
                mounts=list(mounts),
                init_mounts=init_mounts,
                checksums=checksums,
            )
        )
    return overlays


def create_shared_claim(context: InstanceContext, use: VolumeUse) -> pulumi.Output[str] | None:
    """The name of the claim for a volume that many pods mount; None where the cloud has none for this use."""
    if use not in context.cloud.volumes:
        return None
    # In state as "<name>-logs" and "<name>-dags": renaming loses their data.
    claim = create_claim(
        f"{context.name}-{use}",
        ClaimArgs(
            use=use,
            volume=context.cloud.volumes[use],
            instance=context.name,
            namespace=context.namespace,
            namespace_name=context.settings.namespace,
            kubernetes=context.kubernetes,
            protect=context.settings.protect,
        ),
        parent=context.component,
        # Task pods are not in state, and a remaining one blocks the claim's deletion: the namespace deletes both.
        deleted_with=context.namespace_object,
    )
    return claim.metadata.name


def create_claim(
    name: str, args: ClaimArgs, *, parent: pulumi.Resource, deleted_with: pulumi.Resource | None = None
) -> PersistentVolumeClaim:
    """A claim of a storage class, or one that is bound to its static volume and to no other.

    Args:
        name: the logical name. In state: renaming it loses the data on a volume of a storage class.
        args: the volume, and the instance that uses it.
        parent: the component that it belongs to.
        deleted_with: the resource whose deletion also deletes the claim.
    """
    volume = args.volume
    bound = _create_static_volume(name, args, volume.static, parent) if volume.static is not None else None
    return PersistentVolumeClaim(
        name,
        metadata=ObjectMetaArgs(
            # A static volume refers to its claim by name; other claims may have any name.
            name=pair_name(args, volume.static) if volume.static is not None else None,
            namespace=args.namespace,
            labels=naming.labels(args.instance, "storage"),
            annotations=pods.SKIP_AWAIT,
        ),
        spec=PersistentVolumeClaimSpecArgs(
            access_modes=[volume.access_mode],
            # Empty, not absent: the cluster's default class would create another volume.
            storage_class_name="" if bound is not None else volume.storage_class,
            volume_name=bound.metadata.name if bound is not None else None,
            resources=VolumeResourceRequirementsArgs(requests={"storage": f"{volume.size_gib}Gi"}),
        ),
        opts=pulumi.ResourceOptions(
            parent=parent,
            provider=args.kubernetes,
            protect=args.protect,
            deleted_with=deleted_with,
            # The API server lets only claims of a storage class grow. Here the disk and the volume grow, and the node's
            # kubelet extends the filesystem to the size of the volume.
            ignore_changes=["spec.resources"] if bound is not None else None,
        ),
    )


def pair_name(args: ClaimArgs, static: StaticVolume) -> pulumi.Output[str]:
    """The name of a static volume and of the claim that it is bound to; unique in the cluster.

    The binding of both is immutable, and neither can be deleted while pods use it. So the name includes all immutable
    properties: another disk gets another pair, and the pods move to the new pair.
    """
    fixed = pulumi.Output.json_dumps(
        [args.namespace_name, static.driver, static.handle, dict(static.attributes), static.filesystem, static.zone],
        sort_keys=True,
    )
    return fixed.apply(lambda text: naming.object_name(args.instance, args.use, naming.digest(text)))


def _create_static_volume(
    name: str, args: ClaimArgs, static: StaticVolume, parent: pulumi.Resource
) -> PersistentVolume:
    """The PersistentVolume of a disk or share. Deleting it keeps the disk, which the stack deletes itself.

    It names the namespace and the Secret, but does not depend on them. Otherwise the claim, which is deleted with its
    namespace, would block the volume, the volume the namespace, and the namespace the claim.
    """
    labels = naming.labels(args.instance, "storage")
    credentials = None
    if static.credentials is not None:
        credentials = SecretReferenceArgs(
            name=naming.object_name(args.instance, args.use, "credentials"), namespace=args.namespace_name
        )
        Secret(
            f"{name}-credentials",
            # A fixed name and a change in place: a volume can never refer to another Secret.
            metadata=ObjectMetaArgs(name=credentials.name, namespace=args.namespace, labels=labels),
            string_data=dict(static.credentials),
            opts=pulumi.ResourceOptions(parent=parent, provider=args.kubernetes),
        )
    return PersistentVolume(
        f"{name}-volume",
        metadata=ObjectMetaArgs(name=pair_name(args, static), labels=labels),
        spec=PersistentVolumeSpecArgs(
            capacity={"storage": f"{args.volume.size_gib}Gi"},
            # The driver gets the first one.
            access_modes=[args.volume.access_mode, *static.further_access_modes],
            persistent_volume_reclaim_policy="Retain",
            # No storage class, not even an empty one: the API server drops it, and a refresh would find a change.
            mount_options=list(static.mount_options) or None,
            claim_ref=ObjectReferenceArgs(
                api_version="v1",
                kind="PersistentVolumeClaim",
                namespace=args.namespace_name,
                name=pair_name(args, static),
            ),
            csi=CSIPersistentVolumeSourceArgs(
                driver=static.driver,
                volume_handle=static.handle,
                volume_attributes=dict(static.attributes) or None,
                fs_type=static.filesystem,
                # A driver uses them when it stages a volume on the node or when it mounts it into a pod.
                node_stage_secret_ref=credentials,
                node_publish_secret_ref=credentials,
            ),
            node_affinity=_in_zone(static.zone) if static.zone is not None else None,
        ),
        opts=pulumi.ResourceOptions(
            parent=parent,
            provider=args.kubernetes,
            protect=args.protect,
            # Its deletion waits for the claim, and the claim's for the namespace.
            custom_timeouts=pulumi.CustomTimeouts(delete=f"{NAMESPACE_MINUTES + 5}m"),
        ),
    )


def _in_zone(zone: pulumi.Input[str]) -> VolumeNodeAffinityArgs:
    """Node affinity to the zone in which the volume's disk can be attached."""
    return VolumeNodeAffinityArgs(
        required=NodeSelectorArgs(
            node_selector_terms=[
                NodeSelectorTermArgs(
                    match_expressions=[NodeSelectorRequirementArgs(key=ZONE, operator="In", values=[zone])]
                )
            ]
        )
    )
