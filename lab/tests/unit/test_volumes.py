"""A volume resolves to a disk or share in the simulated clouds, or is refused with its driver's message."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import grpc
import pytest

from lab.clouds.inventory import Item, World
from lab.services import cluster, entra, google
from lab.services.csi import volumes
from lab.services.csi.messages import RefusedError
from lab.services.storage_keys import storage_keys

ZONE = "europe-west1-b"
DISK_ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/broker"
PD = volumes.Request(driver=volumes.PD, handle=f"projects/p/zones/{ZONE}/disks/broker", zone=ZONE)
SHARE = volumes.Request(
    driver=volumes.FILESTORE,
    handle=f"modeInstance/{ZONE}/files/dags",
    attributes={"ip": "10.61.0.2", "volume": "dags"},
)
DISK = volumes.Request(driver=volumes.AZURE_DISK, handle=DISK_ID, zone="westeurope-1")
SMB = volumes.Request(
    driver=volumes.AZURE_FILE,
    handle="g#files#smb",
    attributes={"storageAccount": "files", "shareName": "smb", "protocol": "smb"},
    secrets={"azurestorageaccountname": "files", "azurestorageaccountkey": "key2"},
    options=["uid=50000", "gid=0", "dir_mode=0775", "mfsymlinks", "nobrl"],
)
NFS = replace(
    SMB,
    attributes={"storageAccount": "files", "shareName": "nfs", "protocol": "nfs", "mountPermissions": "0775"},
    secrets={},
    options=["nconnect=4"],
)


def world() -> World:
    made = World(facts={"storage keys": {"/subscriptions/s/storageAccounts/files": ["key1", "key2"]}})

    def hold(kind: str, item_id: str, outputs: dict[str, Any] | None = None, **inputs: Any) -> None:
        made.add(Item(kind, item_id, "", inputs, outputs or {}))

    hold(volumes.GOOGLE_DISK_ITEM, "disk", name="broker", zone=ZONE)
    address = {"networks": [{"ipAddresses": ["10.61.0.2"]}]}
    hold(volumes.FILESTORE_ITEM, "files", address, name="files", location=ZONE, fileShares={"name": "dags"})
    hold(volumes.AZURE_DISK_ITEM, DISK_ID, location="westeurope", zones=["1"])
    for protocol in ("SMB", "NFS"):
        share = {"accountName": "files", "shareName": protocol.lower(), "enabledProtocols": protocol}
        hold(volumes.AZURE_SHARE_ITEM, protocol, **share)
    return made


@pytest.mark.parametrize(
    ("request_", "owner"),
    [
        (PD, (0, 0, None)),
        (SHARE, (0, 0, None)),
        (DISK, (0, 0, None)),
        (replace(DISK, handle=DISK_ID.lower()), (0, 0, None)),
        (SMB, (50000, 0, 0o775)),
        (replace(SMB, options=[], group="1234"), (0, 1234, 0o777)),
        (NFS, (0, 0, 0o775)),
        (replace(NFS, attributes={**NFS.attributes, "mountPermissions": "0"}), (0, 0, None)),
    ],
)
def test_a_volume_is_mounted_with_the_owner_that_its_driver_gives_it(
    request_: volumes.Request, owner: tuple[int, int, int | None]
) -> None:
    found = volumes.found(world(), request_, storage_keys)
    assert (found.uid, found.gid, found.mode) == owner


@pytest.mark.parametrize(
    ("request_", "code", "why"),
    [
        (replace(PD, handle="broker"), grpc.StatusCode.INVALID_ARGUMENT, "failed to parse"),
        (replace(PD, handle=PD.handle.replace("-b", "-c")), grpc.StatusCode.NOT_FOUND, "not found"),
        (replace(PD, zone="europe-west1-c"), grpc.StatusCode.FAILED_PRECONDITION, "the node in europe-west1-c"),
        (replace(PD, options=["uid=50000"]), grpc.StatusCode.INTERNAL, "Invalid argument: uid=50000"),
        (replace(SHARE, handle=f"{ZONE}/files/dags"), grpc.StatusCode.INVALID_ARGUMENT, "is not modeInstance"),
        (replace(SHARE, attributes={**SHARE.attributes, "ip": "10.0.0.1"}), grpc.StatusCode.INTERNAL, "timed out"),
        (replace(SHARE, attributes={**SHARE.attributes, "volume": "logs"}), grpc.StatusCode.INTERNAL, "access denied"),
        (replace(SHARE, options=["mfsymlinks"]), grpc.StatusCode.INTERNAL, "Invalid argument: mfsymlinks"),
        (replace(DISK, handle=f"{DISK_ID}2"), grpc.StatusCode.NOT_FOUND, "not found"),
        (replace(DISK, zone="westeurope-2"), grpc.StatusCode.FAILED_PRECONDITION, "westeurope-1"),
        (replace(SMB, secrets={}), grpc.StatusCode.INVALID_ARGUMENT, "names no Secret"),
        (
            replace(SMB, secrets={**SMB.secrets, "azurestorageaccountkey": "key3"}),
            grpc.StatusCode.INTERNAL,
            "Permission denied",
        ),
        (
            replace(SMB, secrets={**SMB.secrets, "azurestorageaccountname": "other"}),
            grpc.StatusCode.INTERNAL,
            "Permission denied",
        ),
        (
            replace(SMB, attributes={**SMB.attributes, "shareName": "dags"}),
            grpc.StatusCode.INTERNAL,
            "No such file or directory",
        ),
        (replace(SMB, attributes={**SMB.attributes, "shareName": "nfs"}), grpc.StatusCode.INTERNAL, "for nfs, not smb"),
        (replace(NFS, options=["uid=50000"]), grpc.StatusCode.INTERNAL, "Invalid argument: uid=50000"),
    ],
)
def test_a_volume_with_one_part_wrong_is_refused(request_: volumes.Request, code: grpc.StatusCode, why: str) -> None:
    with pytest.raises(RefusedError, match=why) as refused:
        volumes.found(world(), request_, storage_keys)
    assert refused.value.code == code


def test_a_disk_made_anew_under_its_old_name_has_other_content() -> None:
    item = world().items[f"{volumes.GOOGLE_DISK_ITEM}|disk"]
    assert volumes.content_folder(item) != volumes.content_folder(replace(item, created=item.created + 1))


def test_the_node_carries_the_labels_of_all_pools_and_the_zone_of_the_disk() -> None:
    made = world()
    made.items.pop(f"{volumes.AZURE_DISK_ITEM}|{DISK_ID}")
    made.add(Item(google.CLUSTER, "cluster", "", {}, {"nodeLocations": ["europe-west1-c"]}))
    for name, taints in (("tasks", [{"key": "airflow-tasks"}]), ("system", [])):
        pool = {"name": name, "nodeConfig": {"labels": {"airflow-pool": name}, "taints": taints}}
        made.add(Item(google.NODE_POOL, name, "", pool, {}))
    assert cluster.labels(made) == {
        "airflow-pool": "tasks",
        "cloud.google.com/gke-nodepool": "tasks",
        "topology.gke.io/zone": ZONE,
        "topology.kubernetes.io/region": "europe-west1",
        "topology.kubernetes.io/zone": ZONE,
    }
    agents = {"name": "system", "mode": "System", "nodeLabels": {"a": "b"}, "availabilityZones": ["2"]}
    azure = World()
    kept = {
        "agentPoolName": "kept",
        "nodeLabels": {"a": "c", "d": "e"},
        "nodeTaints": ["airflow-tasks=true:NoSchedule"],
    }
    azure.add(Item(cluster.AGENT_POOL, "kept", "", kept, {}))
    agents["nodeTaints"] = ["CriticalAddonsOnly=true:NoSchedule"]
    azure.add(Item(entra.CLUSTER, "cluster", "", {"location": "westeurope", "agentPoolProfiles": [agents]}, {}))
    assert cluster.labels(azure) == {
        "a": "c",
        "d": "e",
        "kubernetes.azure.com/agentpool": "kept",
        "kubernetes.azure.com/mode": "user",
        "topology.disk.csi.azure.com/zone": "westeurope-2",
        "topology.kubernetes.io/region": "westeurope",
        "topology.kubernetes.io/zone": "westeurope-2",
    }
    assert cluster.labels(World()) == {}
