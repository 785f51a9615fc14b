"""Keeps the node in step with the simulated clouds: its labels, and the content of disks and shares that are gone."""

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
    """Looks at the inventory whenever it has changed, and again as long as something of an earlier change is left."""

    api: Api
    inventory: Inventory
    node: str
    contents: Path

    def run(self) -> None:
        """Look until the process ends."""
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
                # Looked at again: `done` is what it was.
                say(traceback.format_exc())
            time.sleep(LOOK_SECONDS)

    def purge(self, world: World) -> bool:
        """Remove the content of what the clouds no longer hold; False if some is still mounted, and left for later."""
        kept = {content_folder(item) for item in world.of(*CONTENT_ITEMS)}
        gone = [folder for folder in self.contents.glob("*") if folder.name not in kept]
        free = [folder for folder in gone if not _mounted(folder)]
        for folder in free:
            shutil.rmtree(folder)
            say(f"removed {folder}")
        return free == gone


def _mounted(folder: Path) -> bool:
    """Whether a folder is bound somewhere else."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return bool(mounts_below(folder)) or any(line.split()[3].endswith(str(folder)) for line in lines)
