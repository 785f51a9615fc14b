"""The CSI plugin implements the protocol: registration, capabilities of drivers, codes of refusals."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from lab.clouds.inventory import Inventory
from lab.services.csi import volumes
from lab.services.csi.messages import REGISTRATION, Messages
from lab.services.csi.plugin import Plugin, Site, serve
from lab.services.programs import CSI

NODE = "csi.v1.Node"


@pytest.fixture(scope="module")
def messages() -> Messages:
    return Messages.of(CSI.build())


@pytest.fixture(params=volumes.DRIVERS, ids=lambda driver: driver.name)
def driver(request: pytest.FixtureRequest) -> volumes.Driver:
    return request.param


@pytest.fixture
def channel(driver: volumes.Driver, messages: Messages, tmp_path: Path) -> Iterator[grpc.Channel]:
    """A kubelet's connection to a driver, at the endpoint in its registration."""
    site = Site(
        node="node",
        folder=tmp_path / "contents",
        inventory=Inventory(tmp_path / "clouds"),
        messages=messages,
        keys=lambda _world, _account: (),
        zone=lambda: "",
    )
    (tmp_path / "registry").mkdir()
    (tmp_path / "registry" / f"{driver.short}-1.sock").touch()
    server = serve(Plugin(driver, site), tmp_path / "registry", tmp_path / "sockets")
    [socket] = (tmp_path / "registry").iterdir()
    with grpc.insecure_channel(f"unix:{socket}") as registration:
        info = messages.call(registration, REGISTRATION, "GetInfo", messages.make("pluginregistration.InfoRequest"))
    assert (info.type, info.name, list(info.supported_versions)) == ("CSIPlugin", driver.name, ["1.0.0"])
    with grpc.insecure_channel(f"unix:{info.endpoint}") as calls:
        yield calls
    server.stop(None).wait()


def test_a_driver_says_who_it_is_and_what_it_can(
    driver: volumes.Driver, channel: grpc.Channel, messages: Messages
) -> None:
    who = messages.call(channel, "csi.v1.Identity", "GetPluginInfo", messages.make("csi.v1.GetPluginInfoRequest"))
    assert who.name == driver.name
    answer = messages.call(channel, NODE, "NodeGetCapabilities", messages.make("csi.v1.NodeGetCapabilitiesRequest"))
    kinds = messages.enumeration("csi.v1.NodeServiceCapability.RPC.Type")
    found = {name for each in answer.capabilities for name, number in kinds.items() if number == each.rpc.type}
    mounts_group = {"VOLUME_MOUNT_GROUP"} if driver.name == volumes.AZURE_FILE else set()
    assert found == {"STAGE_UNSTAGE_VOLUME"} | mounts_group
    node = messages.call(channel, NODE, "NodeGetInfo", messages.make("csi.v1.NodeGetInfoRequest"))
    assert node.node_id == "node"


def test_a_volume_that_the_clouds_do_not_hold_is_not_staged(
    driver: volumes.Driver, channel: grpc.Channel, messages: Messages, tmp_path: Path
) -> None:
    request = messages.make("csi.v1.NodeStageVolumeRequest", volume_id="gone", staging_target_path=str(tmp_path / "at"))
    codes = {
        volumes.PD: grpc.StatusCode.INVALID_ARGUMENT,
        volumes.FILESTORE: grpc.StatusCode.INVALID_ARGUMENT,
        volumes.AZURE_DISK: grpc.StatusCode.NOT_FOUND,
        volumes.AZURE_FILE: grpc.StatusCode.INTERNAL,
    }
    assert _refused(messages, channel, "NodeStageVolume", request) == codes[driver.name]
    assert not (tmp_path / "at").exists()


def test_what_is_not_staged_is_not_published_and_what_is_not_mounted_is_unmounted_already(
    channel: grpc.Channel, messages: Messages, tmp_path: Path
) -> None:
    paths = {"staging_target_path": str(tmp_path / "staged"), "target_path": str(tmp_path / "target")}
    publish = messages.make("csi.v1.NodePublishVolumeRequest", volume_id="x", **paths)
    assert _refused(messages, channel, "NodePublishVolume", publish) == grpc.StatusCode.FAILED_PRECONDITION
    for method, path in (("NodeUnpublishVolume", "target_path"), ("NodeUnstageVolume", "staging_target_path")):
        undo = messages.make(f"csi.v1.{method}Request", volume_id="x", **{path: paths[path]})
        messages.call(channel, NODE, method, undo)


def test_a_method_that_no_driver_has_is_unimplemented(channel: grpc.Channel, messages: Messages) -> None:
    request = messages.make("csi.v1.NodeExpandVolumeRequest", volume_id="x", volume_path="/x")
    assert _refused(messages, channel, "NodeExpandVolume", request) == grpc.StatusCode.UNIMPLEMENTED


def _refused(messages: Messages, channel: grpc.Channel, method: str, request: Any) -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as refused:
        messages.call(channel, NODE, method, request)
    return refused.value.code()  # type: ignore[no-any-return, attr-defined]
