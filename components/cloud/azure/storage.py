"""Storage of a stack: a container for logs, file shares for logs and DAG files, a disk for the broker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_azure_native import compute, resources, storage

from components.cloud.azure import role_assignments
from components.cloud.azure.accounts import AccountArgs, create_account, create_blob_account, delete_retention
from components.cloud.azure.scope import AzureScope
from components.cloud.ordering import after
from components.contract.cloud import LogStore, StaticVolume, Volume, VolumeUse

BLOB_ZONE: Final = "privatelink.blob.core.windows.net"
FILE_ZONE: Final = "privatelink.file.core.windows.net"
DISK_KINDS: Final = {"standard": "StandardSSD", "premium": "Premium"}
DISK_GIB_MIN: Final = 4
"""The smallest managed disk, https://learn.microsoft.com/azure/virtual-machines/disks-types."""
SMB_OPTIONS: Final = (
    "dir_mode=0775",
    "file_mode=0775",
    "mfsymlinks",
    "cache=strict",
    "nosharesock",
    "actimeo=30",
    "nobrl",
)
"""https://learn.microsoft.com/azure/aks/azure-csi-files-storage-provision."""
NFS_OPTIONS: Final = ("nconnect=4", "noresvport", "actimeo=30")
NFS_MODE: Final = "0775"
"""The driver makes root the owner of the share's folder; root's group is also Airflow's group."""


@dataclass(frozen=True, kw_only=True)
class LogStorageArgs:
    """Arguments of the log store."""

    account: AccountArgs
    retention_days: int


class LogStorage(pulumi.ComponentResource):
    """A storage account without keys, with a container that deletes old logs."""

    account_id: pulumi.Output[str]
    container: pulumi.Output[str]
    """Id of the container."""
    url: pulumi.Output[str]
    blob_zone: pulumi.Output[str] | None
    """Id of the private DNS zone of blob endpoints, of which a network has one; None without private endpoints."""
    log_store: LogStore

    def __init__(self, name: str, args: LogStorageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:azure:LogStorage", name, None, opts)
        settings, group = args.account.scope.settings.storage, args.account.scope.group
        # In state as "<name>-account": renaming loses all task logs.
        storage_account, service = create_blob_account(name, args.account, use="logs", lifecycle=True, parent=self)
        # In state as "<name>-container": renaming loses all task logs.
        container = storage.BlobContainer(
            f"{name}-container",
            container_name="logs",
            account_name=storage_account.name,
            resource_group_name=group,
            public_access=storage.PublicAccess.NONE,
            opts=pulumi.ResourceOptions(parent=self, protect=args.account.scope.protect),
        )
        storage.ManagementPolicy(
            f"{name}-expiry",
            management_policy_name="default",
            account_name=storage_account.name,
            resource_group_name=group,
            policy=_expiry(args.retention_days, versions=settings.versions),
            # Azure refuses rules about versions before versioning is enabled.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[service]),
        )
        self.account_id, self.container = storage_account.id, container.id
        self.url = pulumi.Output.concat("https://", storage_account.name, ".blob.core.windows.net/")
        network = args.account.network
        endpoints: list[pulumi.Output[str]] = []
        self.blob_zone = network.zone(f"{name}-blob", BLOB_ZONE) if network.endpoints is not None else None
        if self.blob_zone is not None:
            endpoint = network.endpoint(f"{name}-blob", of=storage_account.id, service="blob", zone=self.blob_zone)
            endpoints.append(endpoint.urn)
        self.log_store = LogStore(kind="azure_blob", url=after(self.url, endpoints), container=container.name)
        self.register_outputs({"url": self.url})


def _expiry(days: int, *, versions: bool) -> storage.ManagementPolicySchemaArgs:
    return storage.ManagementPolicySchemaArgs(
        rules=[
            storage.ManagementPolicyRuleArgs(
                name="expiry",
                enabled=True,
                type="Lifecycle",
                definition=storage.ManagementPolicyDefinitionArgs(
                    filters=storage.ManagementPolicyFilterArgs(blob_types=["blockBlob"]),
                    actions=storage.ManagementPolicyActionArgs(
                        base_blob=storage.ManagementPolicyBaseBlobArgs(
                            delete=storage.DateAfterModificationArgs(days_after_modification_greater_than=days)
                        ),
                        version=storage.ManagementPolicyVersionArgs(
                            delete=storage.DateAfterCreationArgs(days_after_creation_greater_than=days)
                        )
                        if versions
                        else None,
                    ),
                ),
            )
        ]
    )


@dataclass(frozen=True, kw_only=True)
class FileStorageArgs:
    """Arguments of the file shares."""

    account: AccountArgs
    shares: Mapping[VolumeUse, int]
    """Size in GiB by use."""
    owner_uid: int
    owner_gid: int
    """User and group that own the files."""


class FileStorage(pulumi.ComponentResource):
    """A storage account with a share for each use, separate from the logs' account, because SMB mounts need a key."""

    account_id: pulumi.Output[str]
    volumes: Mapping[VolumeUse, Volume]

    def __init__(self, name: str, args: FileStorageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:azure:FileStorage", name, None, opts)
        self._scope, self._settings = args.account.scope, args.account.scope.settings
        self._owner = (f"uid={args.owner_uid}", f"gid={args.owner_gid}")
        settings = self._settings.shares
        premium, nfs = settings.tier == "premium", settings.protocol == "nfs"
        # In state as "<name>-account": renaming loses all files on the shares.
        storage_account = create_account(
            f"{name}-account",
            args.account,
            use="files",
            sku=f"{settings.tier.capitalize()}_{self._settings.storage.redundancy.upper()}",
            kind="FileStorage" if premium else "StorageV2",
            shared_keys=not nfs,
            lifecycle=False,
            parent=self,
            # NFS does not encrypt traffic; it stays in the stack's own network.
            enable_https_traffic_only=not nfs,
        )
        service = storage.FileServiceProperties(
            f"{name}-service",
            file_services_name="default",
            account_name=storage_account.name,
            resource_group_name=args.account.scope.group,
            share_delete_retention_policy=delete_retention(args.account),
            opts=pulumi.ResourceOptions(parent=self, deleted_with=storage_account),
        )
        self._account, self.account_id = storage_account, storage_account.id
        network = args.account.network
        endpoints: list[pulumi.Output[str]] = []
        if network.endpoints is not None:
            zone = network.zone(f"{name}-file", FILE_ZONE)
            endpoints.append(network.endpoint(f"{name}-file", of=storage_account.id, service="file", zone=zone).urn)
        self._server = after(pulumi.Output.concat(storage_account.name, ".file.core.windows.net"), endpoints)
        self.volumes = {
            use: self._share(f"{name}-{use}", use, size_gib, after=service) for use, size_gib in args.shares.items()
        }
        self.register_outputs({})

    def _share(self, name: str, use: VolumeUse, size_gib: int, *, after: pulumi.Resource) -> Volume:
        nfs = self._settings.shares.protocol == "nfs"
        # In state as "<name>-share": renaming loses all files on it.
        share = storage.FileShare(
            f"{name}-share",
            share_name=use,
            account_name=self._account.name,
            resource_group_name=self._scope.group,
            enabled_protocols=self._settings.shares.protocol.upper(),
            # The driver sets the folder's permissions for Airflow, as the node's root. Pods are never root.
            root_squash="NoRootSquash" if nfs else None,
            share_quota=size_gib,
            opts=pulumi.ResourceOptions(parent=self, protect=self._scope.protect, depends_on=[after]),
        )
        attributes: dict[str, pulumi.Input[str]] = {
            "resourceGroup": self._scope.group,
            "storageAccount": self._account.name,
            "shareName": share.name,
            "server": self._server,
            "protocol": self._settings.shares.protocol,
        }
        if nfs:
            attributes["mountPermissions"] = NFS_MODE
        return Volume(
            storage_class=None,
            access_mode="ReadWriteMany",
            size_gib=size_gib,
            static=StaticVolume(
                driver="file.csi.azure.com",
                handle=pulumi.Output.concat(self._scope.group, "#", self._account.name, "#", share.name),
                attributes=attributes,
                mount_options=NFS_OPTIONS if nfs else (*self._owner, *SMB_OPTIONS),
                credentials=None if nfs else self._credentials(),
            ),
        )

    def _credentials(self) -> dict[str, pulumi.Output[str]]:
        """Account name and key for SMB mounts, under the keys that the driver reads."""
        keys = storage.list_storage_account_keys_output(
            account_name=self._account.name,
            resource_group_name=self._scope.group,
            opts=pulumi.InvokeOutputOptions(parent=self, depends_on=[self._account]),
        )
        return {
            "azurestorageaccountname": self._account.name,
            "azurestorageaccountkey": pulumi.Output.secret(keys.apply(lambda answer: answer.keys[0].value)),
        }


@dataclass(frozen=True, kw_only=True)
class BrokerDiskArgs:
    """Arguments of the disk."""

    scope: AzureScope
    size_gib: int
    principal: pulumi.Input[str]
    """The cluster's identity, which attaches the disk."""


class BrokerDisk(pulumi.ComponentResource):
    """A managed disk for the broker, which the cluster's identity may attach."""

    volume: Volume
    resources: tuple[pulumi.Resource, ...]
    """Resources that must exist before a cluster that attaches the disk."""

    def __init__(self, name: str, args: BrokerDiskArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:azure:BrokerDisk", name, None, opts)
        scope, cloud, settings = args.scope, args.scope.settings, args.scope.settings.broker_disk
        zones = cloud.node_zones
        zone = zones[0] if len(zones) == 1 else None
        size_gib = max(args.size_gib, DISK_GIB_MIN)
        # In state as "<name>-disk": renaming loses the messages on it.
        disk = compute.Disk(
            f"{name}-disk",
            disk_name=scope.names.physical_name("broker"),
            resource_group_name=self._create_group(name, scope) if settings.kept else scope.group,
            location=cloud.region,
            creation_data=compute.CreationDataArgs(create_option="Empty"),
            disk_size_gb=size_gib,
            # A disk of one zone would bind the broker to this zone, where the autoscaler may have no node.
            sku=compute.DiskSkuArgs(name=f"{DISK_KINDS[settings.tier]}_{'ZRS' if len(zones) > 1 else 'LRS'}"),
            zones=[zone] if zone is not None else None,
            network_access_policy="DenyAll",
            public_network_access="Disabled",
            tags=scope.names.tags(),
            opts=pulumi.ResourceOptions(parent=self, protect=scope.protect, retain_on_delete=settings.kept),
        )
        role = role_assignments.assigned(
            f"{name}-role",
            subscription_id=cloud.subscription_id,
            role=role_assignments.DISK_USER,
            scope=disk.id,
            principal=args.principal,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.resources = (disk, role)
        self.volume = Volume(
            storage_class=None,
            access_mode="ReadWriteOnce",
            size_gib=size_gib,
            static=StaticVolume(
                driver="disk.csi.azure.com",
                handle=disk.id,
                attributes={"fsType": "ext4"},
                filesystem="ext4",
                zone=f"{cloud.region}-{zone}" if zone is not None else None,
            ),
        )
        self.register_outputs({})

    def _create_group(self, name: str, scope: AzureScope) -> pulumi.Output[str]:
        """A separate resource group for the disk: the stack's group is deleted with everything in it."""
        return resources.ResourceGroup(
            f"{name}-kept-group",
            resource_group_name=scope.names.physical_name("kept"),
            location=scope.settings.region,
            tags=scope.names.tags(),
            opts=pulumi.ResourceOptions(parent=self, protect=scope.protect, retain_on_delete=True),
        ).name
