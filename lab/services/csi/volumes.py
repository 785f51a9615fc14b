"""Resolves a volume to a disk or share of the simulated clouds, with the refusals of its driver."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import grpc

from lab.clouds.gcp.tokens import CLUSTER
from lab.clouds.inventory import Item, World
from lab.clouds.kind import at
from lab.services.csi.messages import RefusedError

PD: Final = "pd.csi.storage.gke.io"
FILESTORE: Final = "filestore.csi.storage.gke.io"
AZURE_FILE: Final = "file.csi.azure.com"
AZURE_DISK: Final = "disk.csi.azure.com"

GOOGLE_DISK_ITEM: Final = "gcp:compute/disk:Disk"
GOOGLE_REGION_DISK_ITEM: Final = "gcp:compute/regionDisk:RegionDisk"
FILESTORE_ITEM: Final = "gcp:filestore/instance:Instance"
AZURE_SHARE_ITEM: Final = "azure-native:storage:FileShare"
AZURE_DISK_ITEM: Final = "azure-native:compute:Disk"
CONTENT_ITEMS: Final = (GOOGLE_DISK_ITEM, GOOGLE_REGION_DISK_ITEM, FILESTORE_ITEM, AZURE_SHARE_ITEM, AZURE_DISK_ITEM)
"""Resource types of disks and shares."""

_FILESTORE_ADDON: Final = "addonsConfig.gcpFilestoreCsiDriverConfig.enabled"
_GENERAL: Final = r"(no)?(atime|diratime|exec|suid|dev)|relatime|ro|rw|sync|async|defaults"
_EXT4: Final = rf"{_GENERAL}|discard|nodiscard|barrier=[01]|data=\w+|commit=\d+|lazytime"
_NFS: Final = (
    rf"{_GENERAL}|hard|soft|(no)?lock|(no)?resvport|nconnect=\d+|(vers|nfsvers)=[\d.]+|(r|w)size=\d+|(ac\w+|timeo|retrans)=\d+"
    r"|proto=\w+|(no)?ac|(no)?sharecache|sec=\w+|tcp"
)
_SMB: Final = (
    rf"{_GENERAL}|(uid|gid|forceuid|forcegid|actimeo|acdirmax|acregmax|max_channels)=\d+|(dir|file)_mode=0?[0-7]{{3,4}}"
    r"|mfsymlinks|nosharesock|nobrl|(no)?serverino|(no)?perm|noperm|cache=(none|strict|loose)|vers=[\d.]+|seal|nostrictsync"
    r"|(r|w)size=\d+|sec=\w+|nohandlecache|closetimeo=\d+|multichannel|resilienthandles|persistenthandles"
)


@dataclass(frozen=True, kw_only=True)
class Driver:
    """Properties of one driver as installed in its cloud."""

    name: str
    short: str
    """Short name for its sockets, whose full path is limited to 107 bytes."""
    spec: Mapping[str, Any]
    """Fields of the CSIDriver object in the cloud's clusters."""
    zonal: bool = False
    """Whether its disks can be attached only in their own zone."""
    mounts_group: bool = False
    """Whether it mounts with fsGroup as the group."""


DRIVERS: Final = (
    Driver(
        name=PD,
        short="pd",
        spec={"attachRequired": True, "podInfoOnMount": False, "fsGroupPolicy": "ReadWriteOnceWithFSType"},
        zonal=True,
    ),
    Driver(
        name=FILESTORE,
        short="fs",
        # The base manifest does not set fsGroupPolicy, so it is ReadWriteOnceWithFSType. Only an overlay sets
        # File, https://github.com/kubernetes-sigs/gcp-filestore-csi-driver/pull/103, and a user of GKE reports that
        # groups are not applied there, issue 786 of the same.
        spec={"attachRequired": False, "podInfoOnMount": True, "fsGroupPolicy": "ReadWriteOnceWithFSType"},
    ),
    Driver(
        name=AZURE_FILE,
        short="af",
        spec={
            "attachRequired": False,
            "podInfoOnMount": True,
            "fsGroupPolicy": "File",
            "volumeLifecycleModes": ["Persistent", "Ephemeral"],
        },
        mounts_group=True,
    ),
    Driver(
        name=AZURE_DISK,
        short="ad",
        spec={"attachRequired": True, "podInfoOnMount": False, "fsGroupPolicy": "File"},
        zonal=True,
    ),
)
"""From the drivers' own manifests: deploy/ of kubernetes-sigs/azurefile-csi-driver and azuredisk-csi-driver,
deploy/kubernetes/base of gcp-filestore-csi-driver, and what a GKE cluster shows for disks."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request of the kubelet or the attacher for a volume."""

    driver: str
    handle: str
    attributes: Mapping[str, str] = field(default_factory=dict[str, str])
    secrets: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    options: Sequence[str] = ()
    """Mount options."""
    group: str = ""
    """The group to mount with, if the driver supports it."""
    zone: str = ""
    """Zone of the node; "" means unknown."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """The disk or share of a volume."""

    item: Item
    uid: int = 0
    gid: int = 0
    mode: int | None = None
    """Owner and mode of its root folder, set at each mount; None leaves it unchanged, initially root and 0755."""


def content_folder(item: Item) -> str:
    """Name of the content's folder, which differs if a disk or share was created again with the same name."""
    return hashlib.sha256(f"{item.key} {item.created}".encode()).hexdigest()[:24]


Keys = Callable[[World, str], Sequence[str]]
"""Returns the keys of a storage account by name."""


def found(world: World, request: Request, keys: Keys) -> Found:
    """The disk or share of a volume.

    Raises:
        RefusedError: the cloud has no such disk or share, or its driver would refuse this mount.
    """
    rules = {PD: _google_disk, FILESTORE: _filestore, AZURE_DISK: _azure_disk}
    if request.driver == AZURE_FILE:
        return _azure_file(world, request, keys)
    return rules[request.driver](world, request)


def _google_disk(world: World, request: Request) -> Found:
    matched = re.fullmatch(r"projects/([^/]+)/(zones|regions)/([^/]+)/disks/([^/]+)", request.handle)
    if matched is None:
        raise _invalid(f"failed to parse volume id {request.handle}: projects/PROJECT/zones/ZONE/disks/NAME expected")
    _, kind, place, name = matched.groups()
    wanted = GOOGLE_DISK_ITEM if kind == "zones" else GOOGLE_REGION_DISK_ITEM
    for item in _ready(world, wanted):
        where = item.inputs.get("zone") or item.outputs.get("zone") or item.inputs.get("region")
        if item.inputs.get("name", item.outputs.get("name")) == name and str(where).rpartition("/")[2] == place:
            _require_zone(request, place if kind == "zones" else "")
            _require_options(request, _EXT4)
            return Found(item=item)
    raise _missing(f"disk {request.handle} not found")


def _filestore(world: World, request: Request) -> Found:
    clusters = [*world.of(CLUSTER)]
    if clusters and not any(at(each.inputs, _FILESTORE_ADDON, False) for each in clusters):
        # The kubelet's message if no driver of that name is registered. It is off unless a cluster enables it,
        # https://cloud.google.com/filestore/docs/csi-driver.
        raise _failed(f"driver name {FILESTORE} not found in the list of registered CSI drivers")
    steps = request.handle.split("/")
    if len(steps) != 4 or steps[0] != "modeInstance":
        raise _invalid(f"volume id {request.handle} is not modeInstance/LOCATION/INSTANCE/SHARE")
    _, location, name, share = steps
    for item in _ready(world, FILESTORE_ITEM):
        place = item.inputs.get("location") or item.inputs.get("zone") or item.outputs.get("location")
        if (item.inputs.get("name", item.outputs.get("name")), place) != (name, location):
            continue
        address = str((item.outputs.get("networks") or [{}])[0].get("ipAddresses", [""])[0])
        if request.attributes.get("ip") != address:
            raise _failed(f"mount.nfs: Connection to {request.attributes.get('ip')} timed out ({name} is at {address})")
        if (item.inputs.get("fileShares") or {}).get("name") != share or request.attributes.get("volume") != share:
            raise _failed(f"mount.nfs: access denied by server while mounting {address}:/{share}")
        _require_options(request, _NFS)
        return Found(item=item)
    raise _failed(f"mount.nfs: there is no Filestore instance {name} in {location}")


def _azure_disk(world: World, request: Request) -> Found:
    for item in _ready(world, AZURE_DISK_ITEM):
        if item.id.lower() == request.handle.lower():
            zones = item.inputs.get("zones") or []
            place = f"{item.inputs.get('location')}-{zones[0]}" if zones else ""
            _require_zone(request, place)
            _require_options(request, _EXT4)
            return Found(item=item)
    raise _missing(f"disk {request.handle} not found")


def _azure_file(world: World, request: Request, keys: Keys) -> Found:
    given = {key.lower(): value for key, value in request.attributes.items()}
    account = given.get("storageaccount") or request.secrets.get("azurestorageaccountname", "")
    share = given.get("sharename", "")
    protocol = given.get("protocol", "smb").lower()
    item = next((each for each in _ready(world, AZURE_SHARE_ITEM) if _names(each) == (account, share)), None)
    where = f"//{given.get('server') or f'{account}.file.core.windows.net'}/{share}"
    if item is None:
        raise _failed(f"mount error(2): No such file or directory: {where}")
    if protocol not in ("smb", "nfs"):
        raise _invalid(f"protocol({protocol}) is not supported")
    offered = str(item.inputs.get("enabledProtocols") or "SMB").lower()
    if protocol != offered:
        raise _failed(f"mount error: {where} is a share for {offered}, not {protocol}")
    if protocol == "nfs":
        _require_options(request, _NFS)
        mode = int(given.get("mountpermissions", "0777"), 8)
        return Found(item=item, mode=mode or None)
    _require_options(request, _SMB)
    if "azurestorageaccountkey" not in request.secrets:
        raise _invalid("GetStorageAccountKey failed: the volume names no Secret with azurestorageaccountkey")
    named = request.secrets.get("azurestorageaccountname", account)
    if named != account or request.secrets["azurestorageaccountkey"] not in keys(world, account):
        raise _failed(f"mount error(13): Permission denied: {where}")
    options = dict(option.split("=", 1) for option in request.options if "=" in option)
    return Found(
        item=item,
        uid=int(options.get("uid", 0)),
        gid=int(options.get("gid", request.group or 0)),
        mode=int(options.get("dir_mode", "0777"), 8),
    )


def _names(share: Item) -> tuple[str, str]:
    return str(share.inputs.get("accountName")), str(share.inputs.get("shareName"))


def _require_zone(request: Request, zone: str) -> None:
    if zone and request.zone and zone != request.zone:
        raise RefusedError(
            grpc.StatusCode.FAILED_PRECONDITION, f"the disk is in {zone}, and the node in {request.zone}"
        )


def _require_options(request: Request, known: str) -> None:
    unknown = [option for option in request.options if not re.fullmatch(known, option)]
    if unknown:
        raise _failed(f"mount error(22): Invalid argument: {','.join(unknown)}")


def _ready(world: World, kind: str) -> Iterator[Item]:
    now = time.time()
    return (item for item in world.of(kind) if item.ready <= now)


def _invalid(message: str) -> RefusedError:
    return RefusedError(grpc.StatusCode.INVALID_ARGUMENT, message)


def _missing(message: str) -> RefusedError:
    return RefusedError(grpc.StatusCode.NOT_FOUND, message)


def _failed(message: str) -> RefusedError:
    return RefusedError(grpc.StatusCode.INTERNAL, message)
