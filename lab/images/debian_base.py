"""The Debian that all the lab's images stand on, and the packages that each image adds to it."""

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
"""The Debians whose own archives this machine's apt may name: their mirrors have the images' Debian as well."""

SLIM: Final = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*")
"""What no container reads. Packages that a derived image installs leave it out as well."""

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
"""Beginning of the script that downloads, with this machine's apt, what each image adds to the base."""


@dataclass(frozen=True)
class DebianBase:
    """A folder of the cache that holds the base layer and the package files of each image."""

    folder: Path

    @property
    def layer(self) -> Path:
        """The lowest layer of every image, as a tar."""
        return self.folder / "layer.tar"

    def debs(self, image: str) -> Path:
        """The package files that an image adds."""
        return self.folder / "debs" / image


def key(packages: Mapping[str, Sequence[str]]) -> str:
    """What a base depends on, as 16 hexadecimal digits; the date is not among it: delete the cache to get updates."""
    parts = [SUITE, architecture(), json.dumps(packages, sort_keys=True), *SLIM, HOOK]
    parts += [Path(module.__file__ or "").read_text() for module in (layer, tree)]
    parts.append(Path(__file__).read_text())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def debian_base(cache: Path, packages: Mapping[str, Sequence[str]], *, log: Path) -> DebianBase:
    """The base for these packages of each image; made from this machine's Debian mirror when the cache has none.

    Raises:
        LabError: the mirror served no base; the message names the log.
    """
    folder = cache / f"base-{key(packages)}"
    if folder.exists():
        return DebianBase(folder)
    with (
        step(f"Debian {SUITE} for the images (once)"),
        tempfile.TemporaryDirectory(dir=cache, prefix="building-") as scratch,
    ):
        made = Path(scratch) / "base"
        made.mkdir()
        _bootstrap(Path(scratch), made, packages, log)
        made.rename(folder)
    return DebianBase(folder)


def _bootstrap(scratch: Path, made: Path, packages: Mapping[str, Sequence[str]], log: Path) -> None:
    hook = scratch / "hook"
    fetches = [shlex.join(["fetch", str(made / "debs" / image), *names]) for image, names in packages.items() if names]
    # The options hold proxies and credentials of this machine: they must not stay in an image.
    cleanup = 'rm -f "$ROOT"/etc/apt/apt.conf.d/99mmdebstrap'
    hook.write_text("\n".join([HOOK, *fetches, cleanup, ""]))
    hook.chmod(0o755)
    options = scratch / "apt.conf"
    options.write_text(
        subprocess.run(["apt-config", "dump", "Acquire"], check=True, capture_output=True, text=True).stdout
    )
    root = scratch / "root"
    # A mount namespace of its own: whatever ends this, no mount of the bootstrap stays behind.
    command = ["unshare", "--mount", "mmdebstrap"]
    command += ["--mode=root", "--variant=minbase", "--format=directory", f"--aptopt={options}"]
    command += [f"--dpkgopt=path-exclude={path}" for path in SLIM]
    command += ["--skip=output/dev", f"--customize-hook={hook}", SUITE, str(root)]
    if known := _sources(log):
        sources = scratch / "sources.list"
        sources.write_text("\n".join(known) + "\n")
        # Without it mmdebstrap takes Debian's own mirror.
        command.append(str(sources))
    tree.logged(command, log=log, env={"SOURCE_DATE_EPOCH": str(layer.EPOCH)})
    base = tree.Tree(root=root, log=log)
    base.remove("etc/resolv.conf")
    base.put("localhost\n", "etc/hostname")
    for rubbish in ("var/log", "var/cache/ldconfig", "var/cache/debconf", "var/lib/apt/lists"):
        base.clear(rubbish)
    with (made / "layer.tar").open("wb") as out:
        layer.write(root, out)
    shutil.rmtree(root)


def _sources(log: Path) -> list[str]:
    """The images' Debian from the mirrors of this machine's own apt; nothing where it knows none, as on Ubuntu."""
    sources = translated(_index_targets())
    if not sources:
        # A fresh machine has no package lists, and without them apt cannot tell whose an archive is.
        tree.logged(["apt-get", "-q", "update"], log=log)
        sources = translated(_index_targets())
    return sources


def _index_targets() -> str:
    fields = "$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)"
    query = ["apt-get", "indextargets", "--format", fields, "Created-By: Packages"]
    return subprocess.run(query, check=False, capture_output=True, text=True).stdout


def translated(targets: str) -> list[str]:
    """Sources of the images' Debian on the mirrors that `targets` names, without what others added to this machine.

    Each line of `targets` holds address, release, component and origin of a package list.
    """
    sources = dict.fromkeys(
        f"deb {uri} {release.replace(host, SUITE)} {component}"
        for uri, release, component, origin in (line.split() for line in targets.splitlines() if line.count(" ") == 3)
        for host in HOSTS
        if origin == "Debian" and release in (host, f"{host}-updates", f"{host}-security")
    )
    return list(sources)
