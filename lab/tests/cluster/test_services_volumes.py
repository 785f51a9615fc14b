"""Static volumes of GKE's and AKS's CSI drivers work and fail on the node as in the clouds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.clouds.inventory import Inventory
from lab.node.node import Node
from lab.services.csi import volumes
from lab.services.standins import StandIns
from lab.testing.space import Space, eventually
from lab.testing.worlds import Worlds

pytestmark = pytest.mark.lab_node("simulated clouds stand beside the lab's node")

ZONE = "europe-west1-b"
DISK = f"projects/p/zones/{ZONE}/disks/broker"
SMB = ["uid=50000", "gid=0", "dir_mode=0770", "file_mode=0770", "mfsymlinks", "nobrl"]
WRITE = 'echo "written by $(id -u)" > /data/note && cat /data/note'


@pytest.fixture(scope="module")
def worlds(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Worlds:
    made = Worlds(StandIns(node, Inventory(tmp_path_factory.mktemp("clouds"))))
    made.services.up()
    for cloud in ("gcp", "azure"):
        made.services.furnish(cloud)
    made.hold(volumes.GOOGLE_DISK_ITEM, DISK, name="broker", zone=ZONE)
    for protocol in ("SMB", "NFS"):
        share = {"accountName": "files", "shareName": protocol.lower(), "enabledProtocols": protocol}
        made.hold(volumes.AZURE_SHARE_ITEM, f"share-{protocol}", **share)
    made.hold(volumes.AZURE_DISK_ITEM, "/subscriptions/s/disks/broker", location="westeurope", zones=["1"])
    made.remember("storage keys", {"/subscriptions/s/storageAccounts/files": ["right", "other"]})
    return made


@pytest.fixture(scope="module")
def namespace(node: Node, worlds: Worlds, probe_archives: list[Path]) -> Iterator[Space]:
    node.import_images(probe_archives)
    space = Space(node.api, "volumes-test")
    space.create()
    yield space
    space.remove()


@pytest.fixture
def space(namespace: Space) -> Iterator[Space]:
    """An empty namespace; a new one for each test would take 10 s longer."""
    yield namespace
    for kind in ("pods", "persistentvolumeclaims", "secrets", "events"):
        namespace.api.delete(f"{namespace.path}/{kind}")
    for kind in ("pods", "persistentvolumeclaims"):
        eventually(f"all {kind} are gone", lambda: not namespace.api.get(f"{namespace.path}/{kind}")["items"])  # noqa: B023
    namespace.api.delete(f"/api/v1/persistentvolumes/{namespace.name}-one")
    gone = f"/api/v1/persistentvolumes/{namespace.name}-one"
    eventually("the volume is gone", lambda: not namespace.exists(gone))


def bind(
    space: Space,
    volume: str,
    mode: str,
    *,
    options: list[str] | None = None,
    further: tuple[str, ...] = (),
    **csi: Any,
) -> None:
    """A claim and its volume, which may support further access modes."""
    name = f"{space.name}-{volume}"
    spec = {
        "capacity": {"storage": "1Gi"},
        "accessModes": [mode, *further],
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": "",
        "mountOptions": options or [],
        "claimRef": {"namespace": space.name, "name": volume},
        "csi": csi,
    }
    path = "/api/v1/persistentvolumes"
    space.api.create(path, {"metadata": {"name": name}, "spec": spec})
    # A claim that is processed before its volume waits for the next resync, every 15 s.
    eventually(f"{name} is seen", lambda: space.api.get(f"{path}/{name}").get("status", {}).get("phase") == "Available")
    claim = {
        "accessModes": [mode],
        "storageClassName": "",
        "volumeName": name,
        "resources": {"requests": {"storage": "1Gi"}},
    }
    space.api.create(f"{space.path}/persistentvolumeclaims", {"metadata": {"name": volume}, "spec": claim})


def run(space: Space, name: str, script: str, claim: str, *, group: int | None = None) -> None:
    """A pod with a claim at /data, as user 50000 and group 0."""
    context = {
        "runAsUser": 50000,
        "runAsGroup": 0,
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
        **({} if group is None else {"fsGroup": group}),
    }
    container = {
        "name": "probe",
        "image": "lab.test/probe:1",
        "command": ["bash", "-c", script],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    spec = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 0,
        "securityContext": context,
        "containers": [container],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}],
    }
    space.api.create(f"{space.path}/pods", {"metadata": {"name": name}, "spec": spec})


def said(space: Space, name: str) -> str:
    """The output of a pod, whatever its result."""
    ended = ("Succeeded", "Failed")
    eventually(f"pod {name} has ended", lambda: space.pod(name)["status"]["phase"] in ended)
    return str(space.api.get(f"{space.path}/pods/{name}/log").get("text", "")).strip()


def refused(space: Space, name: str, why: str) -> None:
    """Wait for an event that a pod does not start because of `why`.

    It may not be the first: other events come until the API server knows which Secrets the node may read.
    """

    def said_so() -> bool:
        events = space.api.get(f"{space.path}/events?fieldSelector=involvedObject.name={name}")["items"]
        wanted = ("FailedMount", "FailedAttachVolume")
        return any(why in event["message"] for event in events if event["reason"] in wanted)

    eventually(f"an event says of {name}: {why}", said_so)


def test_a_disk_is_attached_and_given_to_the_pods_group(space: Space, node: Node) -> None:
    bind(space, "one", "ReadWriteOnce", driver=volumes.PD, volumeHandle=DISK, fsType="ext4")
    run(space, "without", WRITE, "one")
    assert "Permission denied" in said(space, "without")
    run(space, "with", WRITE, "one", group=50000)
    assert said(space, "with") == "written by 50000"
    labels = node.api.get(f"/api/v1/nodes/{node.instance.name}")["metadata"]["labels"]
    assert (labels["topology.kubernetes.io/zone"], labels["topology.kubernetes.io/region"]) == (ZONE, "europe-west1")


def new_share(worlds: Worlds, name: str, address: str) -> dict[str, Any]:
    """An unused Filestore share, in the form of a volume."""
    outputs = {"networks": [{"ipAddresses": [address]}]}
    worlds.hold(volumes.FILESTORE_ITEM, name, name=name, location=ZONE, fileShares={"name": "logs"}, outputs=outputs)
    return {
        "driver": volumes.FILESTORE,
        "volumeHandle": f"modeInstance/{ZONE}/{name}/logs",
        "volumeAttributes": {"ip": address, "volume": "logs"},
    }


@pytest.mark.parametrize(
    ("policy", "address"), [("ReadWriteOnceWithFSType", "10.61.0.3"), ("File", "10.61.0.4")], ids=["default", "file"]
)
def test_a_filestore_share_is_written_by_two_pods_whatever_policy_its_driver_has(
    space: Space, worlds: Worlds, node: Node, policy: str, address: str
) -> None:
    """A volume as the program creates it: with a filesystem and a second access mode."""
    source = new_share(worlds, policy.lower(), address)
    path = f"/apis/storage.k8s.io/v1/csidrivers/{volumes.FILESTORE}"
    before = node.api.get(path)["spec"]["fsGroupPolicy"]
    node.api.merge(path, {"spec": {"fsGroupPolicy": policy}})
    try:
        bind(space, "one", "ReadWriteMany", further=("ReadWriteOnce",), fsType="nfs", **source)
        run(space, "reader", "until cat /data/note 2>/dev/null; do sleep 0.1; done", "one", group=0)
        run(space, "writer", WRITE, "one", group=0)
        assert (said(space, "writer"), said(space, "reader")) == ("written by 50000", "written by 50000")
    finally:
        node.api.merge(path, {"spec": {"fsGroupPolicy": before}})


def test_a_filestore_share_that_names_no_filesystem_stays_closed_to_the_group(space: Space, worlds: Worlds) -> None:
    bind(space, "one", "ReadWriteMany", **new_share(worlds, "closed", "10.61.0.5"))
    run(space, "writer", WRITE, "one", group=0)
    assert "Permission denied" in said(space, "writer")


@pytest.mark.parametrize("protocol", ["smb", "nfs"])
def test_an_azure_share_belongs_to_whom_its_mount_options_say(space: Space, protocol: str) -> None:
    attributes = {"storageAccount": "files", "shareName": protocol, "protocol": protocol}
    source: dict[str, Any] = {
        "driver": volumes.AZURE_FILE,
        "volumeHandle": f"g#files#{protocol}",
        "volumeAttributes": attributes,
    }
    if protocol == "smb":
        _secret(space, "right")
        source["nodeStageSecretRef"] = {"name": "key", "namespace": space.name}
    options = SMB if protocol == "smb" else ["nconnect=4", "noresvport"]
    bind(space, "one", "ReadWriteMany", options=options, **source)
    run(space, "writer", WRITE, "one")
    assert said(space, "writer") == "written by 50000"


@pytest.mark.parametrize(
    ("key", "share", "options", "why"),
    [
        ("wrong", "smb", SMB, "Permission denied"),
        (None, "smb", SMB, "names no Secret"),
        ("right", "gone", SMB, "No such file or directory"),
        ("right", "smb", [*SMB, "nconnect=4"], "Invalid argument"),
    ],
)
def test_a_share_with_a_wrong_key_name_or_option_is_not_mounted(
    space: Space, key: str | None, share: str, options: list[str], why: str
) -> None:
    source: dict[str, Any] = {
        "driver": volumes.AZURE_FILE,
        "volumeHandle": f"g#files#{share}",
        "volumeAttributes": {"storageAccount": "files", "shareName": share},
    }
    if key is not None:
        _secret(space, key)
        source["nodeStageSecretRef"] = {"name": "key", "namespace": space.name}
    bind(space, "one", "ReadWriteMany", options=options, **source)
    run(space, "writer", WRITE, "one")
    refused(space, "writer", why)


def test_a_disk_that_the_cloud_does_not_hold_is_not_attached_until_it_does(space: Space, worlds: Worlds) -> None:
    late = f"projects/p/zones/{ZONE}/disks/late"
    bind(space, "one", "ReadWriteOnce", driver=volumes.PD, volumeHandle=late, fsType="ext4")
    run(space, "writer", WRITE, "one", group=0)
    refused(space, "writer", f"disk {late} not found")
    worlds.hold(volumes.GOOGLE_DISK_ITEM, late, name="late", zone=ZONE)
    try:
        assert said(space, "writer") == "written by 50000"
    finally:
        worlds.drop(volumes.GOOGLE_DISK_ITEM, late)


def test_the_content_of_a_deleted_disk_goes_when_nothing_mounts_it_any_more(
    space: Space, worlds: Worlds, node: Node
) -> None:
    short = f"projects/p/zones/{ZONE}/disks/short"
    worlds.hold(volumes.GOOGLE_DISK_ITEM, short, name="short", zone=ZONE)
    bind(space, "one", "ReadWriteOnce", driver=volumes.PD, volumeHandle=short, fsType="ext4")
    run(space, "holder", f"{WRITE} && sleep 600", "one", group=0)
    folder = node.instance.folder / "cloud-volumes"
    item = worlds.inventory.read().get(volumes.GOOGLE_DISK_ITEM, short)
    assert item is not None
    content = folder / volumes.content_folder(item)
    eventually("the disk is written to", lambda: (content / "note").exists() and (content / "note").read_text())
    unheld = folder / "held-by-no-cloud"
    unheld.mkdir()
    worlds.drop(volumes.GOOGLE_DISK_ITEM, short)
    eventually("the clouds were looked at", lambda: not unheld.exists())
    assert (content / "note").read_text() == "written by 50000\n"
    space.api.delete(f"{space.path}/pods/holder")
    eventually("the content is gone", lambda: not content.exists())


def test_a_killed_plugin_comes_back_and_mounts_again(space: Space, worlds: Worlds, node: Node) -> None:
    bind(space, "one", "ReadWriteOnce", driver=volumes.PD, volumeHandle=DISK, fsType="ext4")
    process = node.daemon("cloud-csi").process()
    assert process is not None
    process.kill()
    process.wait(10)
    worlds.services.up()
    run(space, "writer", WRITE, "one", group=50000)
    assert said(space, "writer") == "written by 50000"


def _secret(space: Space, key: str) -> None:
    data = {"azurestorageaccountname": "files", "azurestorageaccountkey": key}
    space.api.create(f"{space.path}/secrets", {"metadata": {"name": "key"}, "stringData": data})
