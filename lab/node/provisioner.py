"""The provisioner of the default storage class: a folder of the node for every claim, run as `python -m`.

ReadWriteOnce and ReadWriteMany are the same here, because there is one node. A folder is writable for everybody and
files inherit its group (root), because pods run as users that the machine does not have, and hostPath volumes ignore
fsGroup. Deleting a claim deletes its folder unless its volume has the reclaim policy Retain.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.certificates import Pair
from lab.node.api import Api, ApiError, Manifest
from lab.node.objects import PROVISIONER, STORAGE_CLASS
from lab.progress import say

_CLAIMS: Final = "/api/v1/persistentvolumeclaims"
_VOLUMES: Final = "/api/v1/persistentvolumes"
_WATCH_SECONDS: Final = 60
_RETRY_SECONDS: Final = 0.5
_PROVISIONED_BY: Final = "pv.kubernetes.io/provisioned-by"


@dataclass(frozen=True)
class Provisioner:
    """Serves the claims of one cluster from one folder."""

    api: Api
    folder: Path

    def run(self) -> None:
        """Serve until the process ends."""
        threading.excepthook = _die
        pairs = ((_CLAIMS, self._claim_changed), (_VOLUMES, self._volume_changed))
        for path, changed in pairs:
            threading.Thread(target=self._follow, args=(path, changed), daemon=True).start()
        signal.pause()

    def _follow(self, path: str, changed: Callable[[Manifest], None]) -> None:
        while True:
            try:
                for kind, item in self.api.watch(path, seconds=_WATCH_SECONDS):
                    if kind in ("ADDED", "MODIFIED"):
                        changed(item)
            except (ApiError, OSError) as error:
                # The next watch begins with all objects, so a failed one is processed again.
                say(f"{path}: {error}")
                time.sleep(_RETRY_SECONDS)

    def _claim_changed(self, claim: Manifest) -> None:
        spec, status = claim["spec"], claim.get("status", {})
        if spec.get("storageClassName") != STORAGE_CLASS or "deletionTimestamp" in claim["metadata"]:
            return
        size = spec["resources"]["requests"]["storage"]
        if not spec.get("volumeName"):
            self._provide(claim, size)
        elif status.get("phase") == "Bound" and status.get("capacity", {}).get("storage") != size:
            self._grow(claim, size)

    def _provide(self, claim: Manifest, capacity: str) -> None:
        metadata = claim["metadata"]
        name = f"pvc-{metadata['uid']}"
        folder = self.folder / f"{metadata['namespace']}_{metadata['name']}_{name}"
        folder.mkdir(parents=True, exist_ok=True)
        os.chown(folder, 0, 0)
        folder.chmod(0o2777)
        volume = {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": name, "annotations": {_PROVISIONED_BY: PROVISIONER}},
            "spec": {
                "capacity": {"storage": capacity},
                "accessModes": claim["spec"]["accessModes"],
                "persistentVolumeReclaimPolicy": "Delete",
                "storageClassName": STORAGE_CLASS,
                "hostPath": {"path": str(folder), "type": "Directory"},
                "claimRef": {
                    "apiVersion": "v1",
                    "kind": "PersistentVolumeClaim",
                    "namespace": metadata["namespace"],
                    "name": metadata["name"],
                    "uid": metadata["uid"],
                },
            },
        }
        self.api.create(_VOLUMES, volume)
        say(f"{metadata['namespace']}/{metadata['name']}: {folder}")

    def _grow(self, claim: Manifest, capacity: str) -> None:
        """Report the new size; a folder has no size limit."""
        metadata = claim["metadata"]
        self.api.merge(f"{_VOLUMES}/{claim['spec']['volumeName']}", {"spec": {"capacity": {"storage": capacity}}})
        self.api.merge(
            f"/api/v1/namespaces/{metadata['namespace']}/persistentvolumeclaims/{metadata['name']}/status",
            {"status": {"capacity": {"storage": capacity}}},
        )

    def _volume_changed(self, volume: Manifest) -> None:
        spec, metadata = volume["spec"], volume["metadata"]
        ours = metadata.get("annotations", {}).get(_PROVISIONED_BY) == PROVISIONER
        released = volume.get("status", {}).get("phase") == "Released"
        if not ours or not released or spec["persistentVolumeReclaimPolicy"] != "Delete":
            return
        folder = Path(spec["hostPath"]["path"])
        if folder.parent == self.folder and folder.exists():
            shutil.rmtree(folder)
        self.api.delete(f"{_VOLUMES}/{metadata['name']}")
        say(f"{metadata['name']}: removed {folder}")


def _die(failure: threading.ExceptHookArgs) -> None:
    """End the process when a thread fails: a provisioner with one thread missing would look healthy."""
    traceback.print_exception(failure.exc_value)
    os._exit(1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the daemon with the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True)
    for option in ("--authority", "--certificate", "--key", "--folder"):
        parser.add_argument(option, type=Path, required=True)
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    Provisioner(Api(options.server, options.authority, Pair(options.certificate, options.key)), options.folder).run()


if __name__ == "__main__":
    main()
