"""A root filesystem in a folder during the build of an image, and commands that run in it."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from lab.errors import LabError
from lab.images.layer import EPOCH

INSIDE: Final = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LC_ALL": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
    "SOURCE_DATE_EPOCH": str(EPOCH),
}
"""The complete environment of a command that runs in the tree."""

STEP_SECONDS: Final = 900
"""Time limit of a command; none takes that long even on a slow machine."""


@dataclass(frozen=True, kw_only=True)
class Tree:
    """A root filesystem at `root`; the output of its commands is written to `log`."""

    root: Path
    log: Path

    def unpack(self, layer: Path) -> None:
        """Fill the tree from a layer."""
        self.root.mkdir(parents=True)
        self._logged(["tar", "--extract", "--preserve-permissions", "--numeric-owner", "-C", self.root, "-f", layer])

    def install(self, debs: Path) -> None:
        """Install every package file of a folder in the order of their dependencies; start no services."""
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
        """Run a command in the tree as root, with the folders of `binds` (outside: inside) mounted read-only.

        It has no network, and its mounts are in a separate namespace: they end with the command.

        Raises:
            LabError: it failed; the message names the log.
        """
        bound = {outside: self.root / inside.lstrip("/") for outside, inside in (binds or {}).items()}
        script = ["set -e"]
        script += [shlex.join(["mount", "-t", "proc", "proc", f"{self.root}/proc"])]
        script += [shlex.join(["mount", "--rbind", "/dev", f"{self.root}/dev"])]
        for outside, inside in bound.items():
            inside.mkdir(parents=True)
            script += [shlex.join(["mount", "--bind", "-o", "ro", str(outside), str(inside)])]
        environment = [f"{key}={value}" for key, value in INSIDE.items()]
        script += [shlex.join(["exec", "chroot", str(self.root), "/usr/bin/env", "-i", *environment, *command])]
        self._logged(["unshare", "--mount", "--net", "sh", "-c", "\n".join(script)])
        for inside in bound.values():
            inside.rmdir()

    def put(self, content: bytes | str, target: str | Path, *, mode: int = 0o644) -> None:
        """Write a file that is owned by root; missing parent folders are created."""
        path = self.root / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)

    def folder(self, target: str, *, mode: int, uid: int = 0, gid: int = 0) -> None:
        """Create a folder, or set this mode and owner on an existing one."""
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
        """Remove a file, or a folder with its content, if it exists."""
        path = self.root / target
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    def _logged(self, command: Sequence[str | Path]) -> None:
        logged(command, log=self.log)


def logged(command: Sequence[str | Path], *, log: Path, env: Mapping[str, str] | None = None) -> None:
    """Run a command of the machine with its output appended to a log.

    Raises:
        LabError: it failed or took too long; the message contains its last line and names the log.
    """
    with log.open("a") as out:
        child = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
        )
    try:
        status = child.wait(STEP_SECONDS)
    except subprocess.TimeoutExpired:
        raise LabError(f"{command[0]} took longer than {STEP_SECONDS} s.", remedy=f"See {log}.") from None
    finally:
        _end(child)
    if status != 0:
        last = log.read_text(errors="replace").strip().splitlines()[-1:]
        raise LabError(f"{command[0]} failed with {status}: {' '.join(last)}", remedy=f"See {log}.")


def _end(child: subprocess.Popen[bytes]) -> None:
    """Kill a command that still runs, and its child processes."""
    if child.poll() is not None:
        return
    for process in (*psutil.Process(child.pid).children(recursive=True), child):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    child.wait()
