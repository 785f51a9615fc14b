"""The CSI plugin of the node, run as `python -m`: mounts for the kubelet, attachments for the cluster.

One process serves all drivers. Each driver has two sockets: one in the kubelet's plugin registry, and one for calls.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc

from lab.certificates import Pair
from lab.clouds.inventory import Inventory
from lab.node.api import Api
from lab.node.namespaces import mounts_below
from lab.progress import say
from lab.services.csi.attacher import Attacher
from lab.services.csi.caretaker import Caretaker
from lab.services.csi.messages import REGISTRATION, Messages, RefusedError
from lab.services.csi.volumes import DRIVERS, Driver, Found, Keys, Request, content_folder, found

SOCKETS: Final = Path("/run/csi")
"""Folder of sockets in the node: a short path, removed with the node."""
VERSION: Final = "1.0.0-lab"


@dataclass(frozen=True, kw_only=True)
class Site:
    """Context shared by all drivers of a node."""

    node: str
    folder: Path
    """Folder of the content of disks and shares."""
    inventory: Inventory
    messages: Messages
    keys: Keys
    zone: Callable[[], str]
    """The zone of the node; "" while it has none."""

    def content(self, volume: Found) -> Path:
        """The folder of a disk or share. A new folder belongs to root, who alone can write, as in a new file system."""
        path = self.folder / content_folder(volume.item)
        if not path.exists():
            path.mkdir(parents=True)
            path.chmod(0o755)
        return path


@dataclass(frozen=True)
class Plugin:
    """One driver."""

    driver: Driver
    site: Site

    def handlers(self, endpoint: Path) -> list[grpc.GenericRpcHandler]:
        """Its services; clients call them at `endpoint`."""
        messages = self.site.messages

        def empty(name: str) -> Callable[[Any], Any]:
            return lambda _request: messages.make(name)

        registration = {
            "GetInfo": lambda _request: messages.make(
                "pluginregistration.PluginInfo",
                type="CSIPlugin",
                name=self.driver.name,
                endpoint=str(endpoint),
                supported_versions=["1.0.0"],
            ),
            "NotifyRegistrationStatus": self._registered,
        }
        identity = {
            "GetPluginInfo": lambda _request: messages.make(
                "csi.v1.GetPluginInfoResponse", name=self.driver.name, vendor_version=VERSION
            ),
            "GetPluginCapabilities": empty("csi.v1.GetPluginCapabilitiesResponse"),
            "Probe": empty("csi.v1.ProbeResponse"),
        }
        node = {
            "NodeGetInfo": self._node_info,
            "NodeGetCapabilities": self._capabilities,
            "NodeStageVolume": self.stage,
            "NodeUnstageVolume": self.unstage,
            "NodePublishVolume": self.publish,
            "NodeUnpublishVolume": self.unpublish,
        }
        services = {REGISTRATION: registration, "csi.v1.Identity": identity, "csi.v1.Node": node}
        return [messages.handler(service, methods) for service, methods in services.items()]

    def stage(self, request: Any) -> Any:
        """Mount a disk or share at the staging path."""
        mount = request.volume_capability.mount
        volume = found(
            self.site.inventory.read(),
            Request(
                driver=self.driver.name,
                handle=request.volume_id,
                attributes=dict(request.volume_context),
                secrets=dict(request.secrets),
                options=list(mount.mount_flags),
                group=mount.volume_mount_group,
                zone=self.site.zone() if self.driver.zonal else "",
            ),
            self.site.keys,
        )
        content = self.site.content(volume)
        if volume.mode is not None:
            os.chown(content, volume.uid, volume.gid)
            content.chmod(volume.mode)
        self._bind(content, Path(request.staging_target_path), read_only=False)
        return self.site.messages.make("csi.v1.NodeStageVolumeResponse")

    def unstage(self, request: Any) -> Any:
        """Unmount it; can be repeated."""
        self._unbind(Path(request.staging_target_path))
        return self.site.messages.make("csi.v1.NodeUnstageVolumeResponse")

    def publish(self, request: Any) -> Any:
        """Mount the staged volume for one pod."""
        staged = Path(request.staging_target_path)
        if staged not in mounts_below(staged):
            raise RefusedError(grpc.StatusCode.FAILED_PRECONDITION, f"{request.volume_id} is not staged")
        self._bind(staged, Path(request.target_path), read_only=request.readonly)
        return self.site.messages.make("csi.v1.NodePublishVolumeResponse")

    def unpublish(self, request: Any) -> Any:
        """Unmount it; can be repeated."""
        target = Path(request.target_path)
        self._unbind(target)
        if target.is_dir():
            target.rmdir()
        return self.site.messages.make("csi.v1.NodeUnpublishVolumeResponse")

    def _bind(self, source: Path, target: Path, *, read_only: bool) -> None:
        target.mkdir(parents=True, exist_ok=True)
        if target in mounts_below(target):
            return
        _run(["mount", "--bind", str(source), str(target)])
        if read_only:
            _run(["mount", "-o", "remount,bind,ro", str(target)])
        say(f"{self.driver.name}: {source} at {target}")

    def _unbind(self, target: Path) -> None:
        while target in mounts_below(target):
            _run(["umount", str(target)])
            say(f"{self.driver.name}: {target} unmounted")

    def _registered(self, request: Any) -> Any:
        if not request.plugin_registered:
            say(f"{self.driver.name}: the kubelet refused it: {request.error}")
        return self.site.messages.make("pluginregistration.RegistrationStatusResponse")

    def _node_info(self, _request: Any) -> Any:
        # No topology: the kubelet would not allow changes, but this node changes its zone with its stacks.
        return self.site.messages.make("csi.v1.NodeGetInfoResponse", node_id=self.site.node)

    def _capabilities(self, _request: Any) -> Any:
        names = ["STAGE_UNSTAGE_VOLUME", *(["VOLUME_MOUNT_GROUP"] if self.driver.mounts_group else [])]
        response = self.site.messages.make("csi.v1.NodeGetCapabilitiesResponse")
        kinds = self.site.messages.enumeration("csi.v1.NodeServiceCapability.RPC.Type")
        for name in names:
            response.capabilities.add().rpc.type = kinds[name]
        return response


def serve(plugin: Plugin, registry: Path, sockets: Path = SOCKETS) -> grpc.Server:
    """Serve a driver, and register it in the kubelet's folder `registry`."""
    endpoint = sockets / f"{plugin.driver.short}.sock"
    server = grpc.server(ThreadPoolExecutor(8))
    for handler in plugin.handlers(endpoint):
        server.add_generic_rpc_handlers([handler])
    # Sockets of processes that were killed.
    for old in (endpoint, *registry.glob(f"{plugin.driver.short}-*.sock")):
        old.unlink(missing_ok=True)
    # A new name each time: after a failure the kubelet retries the same name only after a pause that grows to minutes.
    for socket in (endpoint, registry / f"{plugin.driver.short}-{os.getpid()}.sock"):
        socket.parent.mkdir(parents=True, exist_ok=True)
        server.add_insecure_port(f"unix:{socket}")
    server.start()
    return server


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise RefusedError(grpc.StatusCode.INTERNAL, f"{' '.join(command)}: {done.stderr.strip()}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the daemon with the arguments of the command line."""
    from lab.services.storage_keys import storage_keys

    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--server", "--node"):
        parser.add_argument(option, required=True)
    for option in ("--authority", "--certificate", "--key", "--folder", "--inventory", "--registry", "--descriptor"):
        parser.add_argument(option, type=Path, required=True)
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    api = Api(given.server, given.authority, Pair(given.certificate, given.key))
    inventory = Inventory(given.inventory)
    attacher = Attacher(api, inventory, given.node, storage_keys)
    site = Site(
        node=given.node,
        folder=given.folder,
        inventory=inventory,
        messages=Messages.of(given.descriptor),
        keys=storage_keys,
        zone=attacher.zone,
    )
    servers = [serve(Plugin(driver, site), given.registry) for driver in DRIVERS]
    say(f"serving {len(servers)} drivers")
    caretaker = Caretaker(api, inventory, given.node, given.folder)
    for run in (attacher.run, caretaker.run):
        threading.Thread(target=run, daemon=True).start()
    signal.pause()


if __name__ == "__main__":
    main()
