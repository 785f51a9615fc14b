"""Storage of a stack: a bucket for logs, file shares for logs and DAG files, a disk for the broker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import pulumi
from pulumi_gcp import compute, filestore
from pulumi_gcp import storage as buckets

from components.cloud.gcp.scope import GcpScope
from components.contract.cloud import LogStore, StaticVolume, Volume

SECONDS_PER_DAY: Final = 86_400
UNDELETE_DAYS: Final = 7
"""Days in which a deleted log can be restored, on protected stacks."""
VERSION_DAYS: Final = 30
"""Minimum age of a replaced or deleted DAG file when it is removed for good."""
DISK_GIB_MIN: Final = 10
"""The smallest disk of type pd-ssd, https://cloud.google.com/compute/docs/disks/persistent-disks."""
REGIONAL_TIERS: Final = ("regional", "enterprise")


def create_bucket(
    name: str,
    scope: GcpScope,
    physical_name: pulumi.Input[str],
    *,
    parent: pulumi.Resource,
    deleted: buckets.BucketLifecycleRuleConditionArgs | None = None,
    versioning: buckets.BucketVersioningArgs | None = None,
    labels: Mapping[str, str] | None = None,
) -> buckets.Bucket:
    """A private bucket. On a protected stack deleted objects can be restored, and the bucket cannot be deleted.

    Args:
        name: the logical name. In state: renaming loses the content.
        scope: the stack.
        physical_name: the bucket's name.
        parent: the component that it belongs to.
        deleted: the objects that it deletes by itself; default: none.
        versioning: whether replaced objects are kept; default: no.
        labels: labels besides those of the stack.
    """
    delete = buckets.BucketLifecycleRuleActionArgs(type="Delete")
    return buckets.Bucket(
        name,
        name=physical_name,
        location=scope.settings.region.upper(),
        uniform_bucket_level_access=True,
        public_access_prevention="enforced",
        versioning=versioning,
        lifecycle_rules=[buckets.BucketLifecycleRuleArgs(action=delete, condition=deleted)]
        if deleted is not None
        else None,
        soft_delete_policy=buckets.BucketSoftDeletePolicyArgs(
            retention_duration_seconds=UNDELETE_DAYS * SECONDS_PER_DAY if scope.protect else 0
        ),
        force_destroy=not scope.protect,
        labels={**scope.names.labels(), **(labels or {})},
        opts=pulumi.ResourceOptions(
            parent=parent, hooks=scope.apis.hooks, protect=scope.protect, depends_on=scope.apis.of("storage")
        ),
    )


@dataclass(frozen=True, kw_only=True)
class LogBucketArgs:
    """Arguments of the bucket."""

    scope: GcpScope
    retention_days: int


class LogBucket(pulumi.ComponentResource):
    """A private bucket for task logs that deletes old ones."""

    name: pulumi.Output[str]
    log_store: LogStore

    def __init__(self, name: str, args: LogBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:gcp:LogBucket", name, None, opts)
        scope = args.scope
        # In state as "<name>-bucket": renaming loses all task logs.
        bucket = create_bucket(
            f"{name}-bucket",
            scope,
            scope.names.physical_name("logs"),
            parent=self,
            deleted=buckets.BucketLifecycleRuleConditionArgs(age=args.retention_days),
        )
        self.name = bucket.name
        self.log_store = LogStore(kind="gcs", url=pulumi.Output.concat("gs://", bucket.name, "/logs"))
        self.register_outputs({"name": self.name})


@dataclass(frozen=True, kw_only=True)
class DagBucketArgs:
    """Arguments of the bucket for DAG files."""

    scope: GcpScope


class DagBucket(pulumi.ComponentResource):
    """A private bucket for DAG files that keeps replaced and deleted files for some days."""

    name: pulumi.Output[str]

    def __init__(self, name: str, args: DagBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:gcp:DagBucket", name, None, opts)
        scope = args.scope
        # In state as "<name>-bucket": renaming loses the DAG files.
        bucket = create_bucket(
            f"{name}-bucket",
            scope,
            scope.names.physical_name("dags"),
            parent=self,
            deleted=buckets.BucketLifecycleRuleConditionArgs(age=VERSION_DAYS, with_state="ARCHIVED"),
            versioning=buckets.BucketVersioningArgs(enabled=True),
        )
        self.name = bucket.name
        self.register_outputs({"name": self.name})


@dataclass(frozen=True, kw_only=True)
class ShareArgs:
    """Arguments of a file share."""

    scope: GcpScope
    use: Literal["logs", "dags"]
    size_gib: int
    private_network: pulumi.Input[str]
    private_range: pulumi.Input[str]


class Share(pulumi.ComponentResource):
    """A Filestore file share that only the nodes can reach; creation takes about 5 minutes."""

    volume: Volume

    def __init__(self, name: str, args: ShareArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:gcp:Share", name, None, opts)
        scope, cloud = args.scope, args.scope.settings
        location = cloud.region if cloud.shares.tier in REGIONAL_TIERS else cloud.node_zones[0]
        # In state as "<name>-share": renaming loses all files on it.
        share = filestore.Instance(
            f"{name}-share",
            name=scope.names.physical_name(args.use),
            location=location,
            tier=cloud.shares.tier.upper(),
            file_shares=filestore.InstanceFileSharesArgs(
                name=args.use,
                capacity_gb=args.size_gib,
                nfs_export_options=[
                    filestore.InstanceFileSharesNfsExportOptionArgs(
                        ip_ranges=[cloud.network.nodes],
                        access_mode="READ_WRITE",
                        # The CSI driver sets the folder's group for the pods, as the node's root. Pods are never root.
                        squash_mode="NO_ROOT_SQUASH",
                    )
                ],
            ),
            networks=[
                filestore.InstanceNetworkArgs(
                    network=args.private_network,
                    modes=["MODE_IPV4"],
                    connect_mode="PRIVATE_SERVICE_ACCESS",
                    reserved_ip_range=args.private_range,
                )
            ],
            # The basic tiers do not support it and refuse the field.
            deletion_protection_enabled=None if cloud.shares.tier.startswith("basic") else scope.protect,
            labels=scope.names.labels(),
            opts=pulumi.ResourceOptions(
                parent=self,
                hooks=scope.apis.hooks,
                protect=scope.protect,
                depends_on=scope.apis.of("files"),
                custom_timeouts=pulumi.CustomTimeouts(create="30m", update="30m", delete="30m"),
            ),
        )
        self.volume = _volume(share, args, location)
        self.register_outputs({})


def _volume(share: filestore.Instance, args: ShareArgs, location: str) -> Volume:
    return Volume(
        storage_class=None,
        access_mode="ReadWriteMany",
        size_gib=args.size_gib,
        static=StaticVolume(
            driver="filestore.csi.storage.gke.io",
            handle=pulumi.Output.concat(f"modeInstance/{location}/", share.name, f"/{args.use}"),
            attributes={
                "ip": share.networks.apply(lambda networks: _address(networks[0].ip_addresses)),
                "volume": args.use,
            },
            # The root folder belongs to root. The kubelet sets its group to that of the pods if the CSIDriver has
            # `fsGroupPolicy: File`, or with the default policy if the volume has a filesystem and supports
            # ReadWriteOnce, among others (`supportsFSGroup` in k8s.io/kubernetes, pkg/volume/csi/csi_mounter.go).
            # It is not documented which policy GKE's driver has,
            # https://github.com/kubernetes-sigs/gcp-filestore-csi-driver/issues/786. The driver always mounts by
            # NFS, whatever filesystem the volume has (pkg/csi_driver/node.go).
            filesystem="nfs",
            further_access_modes=["ReadWriteOnce"],
        ),
    )


def _address(addresses: Sequence[str] | None) -> str:
    return (addresses or [""])[0]


@dataclass(frozen=True, kw_only=True)
class BrokerDiskArgs:
    """Arguments of the disk."""

    scope: GcpScope
    size_gib: int


class BrokerDisk(pulumi.ComponentResource):
    """An SSD disk for the broker, in the first of the nodes' zones."""

    volume: Volume

    def __init__(self, name: str, args: BrokerDiskArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:gcp:BrokerDisk", name, None, opts)
        scope, cloud = args.scope, args.scope.settings
        zone, size_gib = cloud.node_zones[0], max(args.size_gib, DISK_GIB_MIN)
        # In state as "<name>-disk": renaming loses the messages on it.
        disk = compute.Disk(
            f"{name}-disk",
            name=scope.names.physical_name("broker"),
            zone=zone,
            type="pd-ssd",
            size=size_gib,
            labels=scope.names.labels(),
            opts=pulumi.ResourceOptions(
                parent=self,
                hooks=scope.apis.hooks,
                protect=scope.protect,
                retain_on_delete=cloud.broker_disk.kept,
                depends_on=scope.apis.of("compute"),
            ),
        )
        self.volume = Volume(
            storage_class=None,
            access_mode="ReadWriteOnce",
            size_gib=size_gib,
            static=StaticVolume(
                driver="pd.csi.storage.gke.io",
                handle=pulumi.Output.concat(f"projects/{cloud.project}/zones/{zone}/disks/", disk.name),
                filesystem="ext4",
                zone=zone,
            ),
        )
        self.register_outputs({})
