"""The Debian base of all the lab's images, and the packages that each image adds to it."""

from __future__ import annotations

import hashlib
import json
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.images import layer, tree
from lab.images.oci import architecture
from lab.progress import step

SUITE: Final = "trixie"
"""Debian 13: the names of the images say so."""

HOSTS: Final = ("bookworm", "trixie")
"""Debian releases of this machine whose apt mirrors can be used: they have the images' Debian as well."""

SLIM: Final = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*")
"""Files that no container reads. They are also excluded from packages that a derived image installs."""

HOOK: Final = """#!/bin/sh
set -e
fetch() {
    into=$1; shift
    APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get -q -y --no-install-recommends --download-only install "$@"
    mkdir -p "$into"
    mv "$ROOT"/var/cache/apt/archives/*.deb "$into/"
}
ROOT=$1
"""
"""Beginning of the script that downloads the packages of each image with this machine's apt."""


@dataclass(frozen=True)
class DebianBase:
    """A folder of the cache that holds the base layer and the package files of each image."""

    folder: Path

    @property
    def layer(self) -> Path:
        """The lowest layer of every image, as a tar."""
        return self.folder / "layer.tar"

    def debs(self, image: str) -> Path:
        """The folder with the package files that an image adds."""
        return self.folder / "debs" / image


def key(packages: Mapping[str, Sequence[str]]) -> str:
    """Hash of a base's inputs, 16 hexadecimal digits. It does not include the date: delete the cache to get updates."""
    inputs = [SUITE, architecture(), json.dumps(packages, sort_keys=True), *SLIM, HOOK]
    inputs += [Path(module.__file__ or "").read_text() for module in (layer, tree)]
    inputs.append(Path(__file__).read_text())
    return hashlib.sha256("\0".join(inputs).encode()).hexdigest()[:16]


def debian_base(cache: Path, packages: Mapping[str, Sequence[str]], *, log: Path) -> DebianBase:
    """The base for these packages of each image; built from this machine's Debian mirror if the cache has none.

    Raises:
        LabError: no base could be built from the mirror; the message names the log.
    """
    folder = cache / f"base-{key(packages)}"
    if folder.exists():
        return DebianBase(folder)
    with (
        step(f"Debian {SUITE} for the images (once)"),
        tempfile.TemporaryDirectory(dir=cache, prefix="building-") as scratch,
    ):
        partial = Path(scratch) / "base"
        partial.mkdir()
        _bootstrap(Path(scratch), partial, packages, log)
        partial.rename(folder)
    return DebianBase(folder)


def _bootstrap(scratch: Path, partial: Path, packages: Mapping[str, Sequence[str]], log: Path) -> None:
    hook = scratch / "hook"
    fetches = [
        shlex.join(["fetch", str(partial / "debs" / image), *names]) for image, names in packages.items() if names
    ]
    # The options contain proxies and credentials of this machine: they must not stay in an image.
    cleanup = 'rm -f "$ROOT"/etc/apt/apt.conf.d/99mmdebstrap'
    hook.write_text("\n".join([HOOK, *fetches, cleanup, ""]))
    hook.chmod(0o755)
    options = scratch / "apt.conf"
    options.write_text(
        subprocess.run(["apt-config", "dump", "Acquire"], check=True, capture_output=True, text=True).stdout
    )
    root = scratch / "root"
    # A mount namespace of its own: no mount of the bootstrap remains, however it ends.
    command = ["unshare", "--mount", "mmdebstrap"]
    command += ["--mode=root", "--variant=minbase", "--format=directory", f"--aptopt={options}"]
    command += [f"--dpkgopt=path-exclude={path}" for path in SLIM]
    command += ["--skip=output/dev", f"--customize-hook={hook}", SUITE, str(root)]
    if lines := _sources(log):
        sources = scratch / "sources.list"
        sources.write_text("\n".join(lines) + "\n")
        # Without it mmdebstrap uses Debian's own mirror.
        command.append(str(sources))
    tree.logged(command, log=log, env={"SOURCE_DATE_EPOCH": str(layer.EPOCH)})
    base = tree.Tree(root=root, log=log)
    base.remove("etc/resolv.conf")
    base.put("localhost\n", "etc/hostname")
    for rubbish in ("var/log", "var/cache/ldconfig", "var/cache/debconf", "var/lib/apt/lists"):
        base.clear(rubbish)
    with (partial / "layer.tar").open("wb") as out:
        layer.write(root, out)
    shutil.rmtree(root)


def _sources(log: Path) -> list[str]:
    """The images' Debian from the mirrors of this machine's own apt; empty if it has none, as on Ubuntu."""
    sources = translated(_index_targets())
    if not sources:
        # A fresh machine has no package lists, and without them apt does not know the origin of an archive.
        tree.logged(["apt-get", "-q", "update"], log=log)
        sources = translated(_index_targets())
    return sources


def _index_targets() -> str:
    fields = "$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)"
    query = ["apt-get", "indextargets", "--format", fields, "Created-By: Packages"]
    return subprocess.run(query, check=False, capture_output=True, text=True).stdout


def translated(targets: str) -> list[str]:
    """Sources of the images' Debian on the mirrors that `targets` names, without this machine's other repositories.

    Each line of `targets` holds address, release, component and origin of a package list.
    """
    sources = dict.fromkeys(
        f"deb {uri} {release.replace(host, SUITE)} {component}"
        for uri, release, component, origin in (line.split() for line in targets.splitlines() if line.count(" ") == 3)
        for host in HOSTS
        if origin == "Debian" and release in (host, f"{host}-updates", f"{host}-security")
    )
    return list(sources)
