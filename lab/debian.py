"""Installs missing Debian packages."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from lab.errors import LabError
from lab.paths import cache_dir
from lab.progress import step


def missing(packages: Sequence[str]) -> list[str]:
    """The packages of the list that are not installed."""
    query = ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *packages]
    shown = subprocess.run(query, check=False, capture_output=True, text=True).stdout
    installed = {line.split()[0] for line in shown.splitlines() if line.endswith(" installed")}
    return [package for package in packages if package not in installed]


def install(packages: Sequence[str]) -> None:
    """Install the missing packages, without questions and without starting their services.

    Raises:
        LabError: not Debian, not root, or apt failed; the message names the log.
    """
    if shutil.which("dpkg-query") is None:
        raise LabError("The lab's node needs Debian or Ubuntu.", remedy="Use an existing cluster: pulumi up -s local.")
    needed = missing(packages)
    if not needed:
        return
    if os.geteuid() != 0:
        raise LabError(f"Not root, and these Debian packages are missing: {', '.join(needed)}.", remedy="Run as root.")
    log = cache_dir() / "apt.log"
    # A temporary policy-rc.d: the packages' services must not start on this machine.
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    with step(f"Debian packages: {' '.join(needed)}"), log.open("a") as out:
        try:
            if ours:
                policy.write_text("#!/bin/sh\nexit 101\n")
                policy.chmod(0o755)
            for command in (["update"], ["install", "-y", "--no-install-recommends", *needed]):
                run = subprocess.run(
                    ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=300", *command],
                    check=False,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL,
                    env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                )
                if run.returncode != 0:
                    raise LabError(f"apt-get {command[0]} failed.", remedy=f"See {log}.")
        finally:
            if ours:
                policy.unlink(missing_ok=True)
