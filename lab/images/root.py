"""An image's root filesystem as a folder, and commands of the image that run in it without a container."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Root:
    """The unpacked image; all its processes share it, so only `mounts` may be written to."""

    folder: Path

    def command(self, command: Sequence[str], *, mounts: Mapping[Path, str] | None = None) -> list[str]:
        """The command line that runs a command inside as root; the process keeps its pid.

        `mounts` maps folders outside to folders inside. They, /proc and /dev are mounted in a separate namespace and
        are unmounted when the process ends.
        """
        script = ["set -e"]
        script += [shlex.join(["mount", "-t", "proc", "proc", f"{self.folder}/proc"])]
        script += [shlex.join(["mount", "--rbind", "/dev", f"{self.folder}/dev"])]
        for outside, inside in (mounts or {}).items():
            script += [shlex.join(["mount", "--bind", str(outside), f"{self.folder}{inside}"])]
        script += [shlex.join(["exec", "chroot", str(self.folder), *command])]
        return ["unshare", "--mount", "sh", "-c", "\n".join(script)]
