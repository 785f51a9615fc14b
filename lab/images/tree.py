"""A root filesystem in a folder while an image is made in it, and commands run inside."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.errors import LabError
from lab.images.layer import EPOCH

ENTER: Final = """
set -e
mount -t proc proc "$ROOT/proc"
mount --rbind /dev "$ROOT/dev"
for pair in $BINDS; do
    mkdir -p "$ROOT${pair#*:}"
    mount --bind "${pair%%:*}" "$ROOT${pair#*:}"
done
exec chroot "$ROOT" /usr/bin/env -i $INSIDE "$@"
"""

INSIDE: Final = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LC_ALL": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
    "SOURCE_DATE_EPOCH": str(EPOCH),
}
"""The whole environment of a command inside."""

STEP_SECONDS: Final = 900
"""Longer than any command inside a tree can take on a slow machine."""


@dataclass(frozen=True, kw_only=True)
class Tree:
    """A root filesystem at `root`; what its commands print goes to `log`."""

    root: Path
    log: Path

    def unpack(self, layer: Path) -> None:
        """Fill the tree from a layer."""
        self.root.mkdir(parents=True)
        self._logged(["tar", "--extract", "--preserve-permissions", "--numeric-owner", "-C", self.root, "-f", layer])

    def install(self, debs: Path) -> None:
        """Install every package file of a folder, in an order that their dependencies allow; start nothing."""
        policy = self.root / "usr/sbin/policy-rc.d"
        self.put("#!/bin/sh\nexit 101\n", policy.relative_to(self.root), mode=0o755)
        self.run(
            "sh",
            "-c",
            "apt-get -q -y install --no-install-recommends /mnt/debs/*.deb",
            binds={debs: "/mnt/debs"},
        )
        policy.unlink()
        for leftover in ("var/cache/apt", "var/cache/debconf", "var/cache/ldconfig", "var/log", "var/lib/apt"):
            self.clear(leftover)

    def run(self, *command: str, binds: Mapping[Path, str] | None = None) -> None:
        """Run a command in the tree as root, with the folders of `binds` (outside: inside) mounted.

        It has namespaces of its own: it reaches no network, and its mounts and children are gone when it is.

        Raises:
            LabError: it failed; the message names the log.
        """
        bound = binds or {}
        self._logged(
            ["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "sh", "-c", ENTER, "sh", *command],
            env={
                "ROOT": str(self.root),
                "BINDS": " ".join(f"{outside}:{inside}" for outside, inside in bound.items()),
                "INSIDE": " ".join(f"{key}={value}" for key, value in INSIDE.items()),
            },
        )
        for inside in bound.values():
            (self.root / inside.lstrip("/")).rmdir()

    def put(self, content: bytes | str, target: str | Path, *, mode: int = 0o644) -> None:
        """Write a file that belongs to root; its folders are made when they are missing."""
        path = self.root / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)

    def folder(self, target: str, *, mode: int, uid: int = 0, gid: int = 0) -> None:
        """Make a folder, or give one that is there this mode and owner."""
        path = self.root / target
        path.mkdir(parents=True, exist_ok=True)
        os.chown(path, uid, gid)
        path.chmod(mode)

    def clear(self, target: str) -> None:
        """Remove every file below a folder; the folders stay."""
        for folder, _, files in os.walk(self.root / target):
            for leaf in files:
                (Path(folder) / leaf).unlink()

    def remove(self, target: str) -> None:
        """Remove a file or a whole folder, if it is there."""
        path = self.root / target
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    def _logged(self, command: Sequence[str | Path], *, env: Mapping[str, str] | None = None) -> None:
        logged(command, log=self.log, env=env)


def logged(command: Sequence[str | Path], *, log: Path, env: Mapping[str, str] | None = None) -> None:
    """Run a command of the machine with its output appended to a log.

    Raises:
        LabError: it failed or took too long; the message carries its last line and names the log.
    """
    with log.open("a") as out:
        try:
            run = subprocess.run(
                [str(part) for part in command],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                timeout=STEP_SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise LabError(f"{command[0]} took longer than {STEP_SECONDS} s.", remedy=f"See {log}.") from None
    if run.returncode != 0:
        last = log.read_text(errors="replace").strip().splitlines()[-1:]
        raise LabError(f"{command[0]} failed with {run.returncode}: {' '.join(last)}", remedy=f"See {log}.")
