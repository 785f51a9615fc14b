"""Builds a Containerfile of the project on a base image of the lab, by buildah."""

from __future__ import annotations

import hashlib
import json
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab import debian
from lab.images import oci
from lab.images.collection import KEPT
from lab.images.image import log_of
from lab.images.tree import logged
from lab.lock import locked
from lab.paths import PROJECT, cache_dir
from lab.progress import step

_AUTHORITIES: Final = "/etc/ssl/certs/ca-certificates.crt"
_MOUNTED: Final = "/run/lab/ca-certificates.crt"
"""Not at its usual place: the package ca-certificates replaces that file while it is installed."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A Containerfile with the image that it stands on."""

    containerfile: str
    """Path in the project."""
    base: Path
    """The archive of the base image."""
    base_name: str
    """The name that the Containerfile gives to the base."""

    @property
    def inputs(self) -> list[str]:
        """Texts that determine the image, besides the files that the Containerfile copies."""
        return [self.base.name, (PROJECT / self.containerfile).read_text(), Path(__file__).read_text()]


def build(recipe: Recipe, context: Path, name: str, target: Path, *, log: Path) -> None:
    """Build a Containerfile from the files of `context`, as an archive at `target`.

    apt and pip in the build use the proxies and authorities of this machine.

    Raises:
        LabError: a step failed; the message names the log.
    """
    debian.install(["buildah"])
    log.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="building-") as scratch:
        store = Path(scratch) / "store"
        pushed = Path(scratch) / "pushed"
        # A mount namespace for each step: otherwise the store's mounts would remain after it.
        buildah = ["unshare", "--mount", "buildah", f"--root={store}/root", f"--runroot={store}/run"]
        identity = Path(scratch) / "identity"
        pull = 'identity=$1; shift; exec "$@" > "$identity"'
        logged(["sh", "-c", pull, "sh", identity, *buildah, "pull", "--quiet", f"oci-archive:{recipe.base}"], log=log)
        logged([*buildah, "tag", identity.read_text().strip(), recipe.base_name], log=log)
        # No separate namespaces: machines that are containers themselves often do not allow them.
        command = [*buildah, "bud", "--isolation=chroot", "--network=host", "--pull-never"]
        command += [f"--volume={outside}:{inside}:ro" for outside, inside in _machine(Path(scratch)).items()]
        command += [f"--file={PROJECT / recipe.containerfile}"]
        logged([*command, f"--tag={name}", context], log=log)
        # Uncompressed, the layers of the base keep their digests, and a node that has them imports only the new one.
        logged([*buildah, "push", "--disable-compression", name, f"dir:{pushed}"], log=log)
        _pack(pushed, name, target)


def _machine(scratch: Path) -> dict[Path, str]:
    """Files of this machine that a build mounts, by their path in the build: a mount leaves no content in the image."""
    apt, pip = scratch / "apt.conf", scratch / "pip.conf"
    apt.write_text(subprocess.run(["apt-config", "dump", "Acquire"], check=True, capture_output=True, text=True).stdout)
    pip.write_text(f"[global]\ncert = {_MOUNTED}\n")
    return {Path(_AUTHORITIES): _MOUNTED, apt: "/etc/apt/apt.conf.d/99machine", pip: "/etc/pip.conf"}


def cached(title: str, name: str, inputs: Sequence[str], build_at: Callable[[Path, Path], None]) -> Path:
    """The archive of an image, built when the cache lacks it.

    Args:
        title: short name, for files.
        name: full name on a node, for messages.
        inputs: texts that determine the image.
        build_at: builds it at a path, with a log at another.

    Raises:
        LabError: as of `build`.
    """
    cache = cache_dir() / "images"
    target = cache / f"{title}-{hashlib.sha256(chr(0).join([name, *inputs]).encode()).hexdigest()[:16]}.tar"
    with locked(cache / f"{title}.lock"):
        if not target.exists():
            with step(f"Image {name} (once)"):
                build_at(target, log_of(cache, title))
            archives = sorted(cache.glob(f"{title}-*.tar"), key=lambda path: path.stat().st_mtime, reverse=True)
            for old in archives[KEPT:]:
                old.unlink()
    return target


def _pack(pushed: Path, name: str, target: Path) -> None:
    """Write an archive from buildah's folder; buildah's own archives are always compressed."""
    manifest = json.loads((pushed / "manifest.json").read_text())
    config = json.loads((pushed / manifest["config"]["digest"].partition(":")[2]).read_text())["config"]
    settings = oci.Settings(
        user=config["User"],
        entrypoint=config.get("Entrypoint") or (),
        command=config.get("Cmd") or (),
        env=dict(line.split("=", 1) for line in config["Env"]),
        folder=config["WorkingDir"],
        ports=[int(port.partition("/")[0]) for port in config.get("ExposedPorts", ())],
        stop_signal=config.get("StopSignal", "SIGTERM"),
    )
    with oci.Archive(target) as archive:
        for layer in manifest["layers"]:
            archive.add_layer(pushed / layer["digest"].partition(":")[2])
        archive.finish(name, settings)
