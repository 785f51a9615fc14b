"""Synchronises the node with the simulated clouds: labels of the node, and content of deleted disks and shares."""

from __future__ import annotations

import shutil
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.clouds.inventory import Inventory, World
from lab.node.api import Api, ApiError
from lab.node.namespaces import mounts_below
from lab.progress import say
from lab.services import cluster
from lab.services.csi.volumes import CONTENT_ITEMS, content_folder

LOOK_SECONDS: Final = 0.5


@dataclass(frozen=True)
class Caretaker:
    """Checks the inventory after each change, and repeats the check while work of an earlier change remains."""

    api: Api
    inventory: Inventory
    node: str
    contents: Path

    def run(self) -> None:
        """Check until the process ends."""
        done = 0
        while True:
            try:
                stamp = self.inventory.path.stat().st_mtime_ns
                if stamp != done:
                    world = self.inventory.read()
                    cluster.label(self.api, self.node, world)
                    if self.purge(world):
                        done = stamp
            except FileNotFoundError:
                pass
            except (ApiError, OSError, ValueError):
                # Checked again, because `done` is unchanged.
                say(traceback.format_exc())
            time.sleep(LOOK_SECONDS)

    def purge(self, world: World) -> bool:
        """Remove the content of deleted disks and shares; False if some is still mounted and must be removed later."""
        kept = {content_folder(item) for item in world.of(*CONTENT_ITEMS)}
        gone = [folder for folder in self.contents.glob("*") if folder.name not in kept]
        free = [folder for folder in gone if not _mounted(folder)]
        for folder in free:
            shutil.rmtree(folder)
            say(f"removed {folder}")
        return free == gone


def _mounted(folder: Path) -> bool:
    """Whether a folder is bind-mounted elsewhere."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return bool(mounts_below(folder)) or any(line.split()[3].endswith(str(folder)) for line in lines)
