"""Attaches disks to the node, which in a cluster is done by the CSI attacher with the cloud's API."""

from __future__ import annotations

import datetime
import time
from dataclasses import dataclass
from typing import Any, Final

from lab.clouds.inventory import Inventory
from lab.node.api import Api, ApiError, Manifest
from lab.progress import say
from lab.services.csi.messages import RefusedError
from lab.services.csi.volumes import DRIVERS, Keys, Request, found

_ATTACHMENTS: Final = "/apis/storage.k8s.io/v1/volumeattachments"
_ZONE: Final = "topology.kubernetes.io/zone"
_WATCH_SECONDS: Final = 3
"""Interval between retries of refused attachments."""
_RETRY_SECONDS: Final = 0.5
_NAMES: Final = frozenset(driver.name for driver in DRIVERS)


@dataclass(frozen=True)
class Attacher:
    """Answers VolumeAttachments of the cluster; without an answer pods would wait without an event."""

    api: Api
    inventory: Inventory
    node: str
    keys: Keys

    def run(self) -> None:
        """Serve until the process ends."""
        while True:
            try:
                for kind, attachment in self.api.watch(_ATTACHMENTS, seconds=_WATCH_SECONDS):
                    if kind in ("ADDED", "MODIFIED") and attachment["spec"]["attacher"] in _NAMES:
                        self.changed(attachment)
            except (ApiError, OSError) as error:
                # The next watch begins with all objects, so a failed one is processed again.
                say(f"attachments: {error}")
                time.sleep(_RETRY_SECONDS)

    def changed(self, attachment: Manifest) -> None:
        """Attach a disk, or report the reason of a refusal."""
        if (attachment.get("status") or {}).get("attached") or "deletionTimestamp" in attachment["metadata"]:
            return
        volume = attachment["spec"]["source"].get("persistentVolumeName")
        source = self.api.get(f"/api/v1/persistentvolumes/{volume}")["spec"]["csi"]
        request = Request(
            driver=source["driver"],
            handle=source["volumeHandle"],
            attributes=source.get("volumeAttributes") or {},
            zone=self.zone(),
        )
        status: dict[str, Any]
        try:
            found(self.inventory.read(), request, self.keys)
            status = {"attached": True, "attachError": None}
        except RefusedError as refused:
            now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            status = {"attached": False, "attachError": {"message": f"rpc error: {refused}", "time": now}}
        if status["attachError"] is not None:
            known = ((attachment.get("status") or {}).get("attachError") or {}).get("message")
            if known == status["attachError"]["message"]:
                return
        say(f"{volume}: {'attached' if status['attached'] else status['attachError']['message']}")
        self.api.merge(f"{_ATTACHMENTS}/{attachment['metadata']['name']}/status", {"status": status})

    def zone(self) -> str:
        """The zone in the node's label; "" without a label."""
        labels = self.api.get(f"/api/v1/nodes/{self.node}")["metadata"].get("labels") or {}
        return str(labels.get(_ZONE, ""))
