"""Custom images: images/airflow/Containerfile on the lab's Airflow image, built by buildah."""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Final

from lab import debian
from lab.images import airflow, names, oci
from lab.images.collection import KEPT, built
from lab.images.image import log_of
from lab.images.tree import logged
from lab.lock import locked
from lab.paths import PROJECT, cache_dir
from lab.progress import step

CONTAINERFILE: Final = "images/airflow/Containerfile"
_AUTHORITIES: Final = "/etc/ssl/certs/ca-certificates.crt"


def build(context: Path, name: str, target: Path, *, log: Path) -> None:
    """Build the project's Containerfile from the files of `context`, as an archive at `target`.

    pip in the build uses the same package index as this machine.

    Raises:
        LabError: a step failed; the message names the log.
    """
    debian.install(["buildah"])
    [base] = built([airflow.IMAGE])
    log.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="building-") as scratch:
        store = Path(scratch) / "store"
        pushed = Path(scratch) / "pushed"
        # A mount namespace for each step: otherwise the store's mounts would remain after it.
        buildah = ["unshare", "--mount", "buildah", f"--root={store}/root", f"--runroot={store}/run"]
        identity = Path(scratch) / "identity"
        pull = 'identity=$1; shift; exec "$@" > "$identity"'
        logged(["sh", "-c", pull, "sh", identity, *buildah, "pull", "--quiet", f"oci-archive:{base}"], log=log)
        logged([*buildah, "tag", identity.read_text().strip(), names.AIRFLOW], log=log)
        # No separate namespaces: machines that are containers themselves often do not allow them.
        command = [*buildah, "bud", "--isolation=chroot", "--network=host", "--pull-never"]
        command += [f"--volume={_AUTHORITIES}:{_AUTHORITIES}:ro", f"--file={PROJECT / CONTAINERFILE}"]
        logged([*command, f"--tag={name}", context], log=log)
        # Uncompressed, the layers of the base keep their digests, and a node that has them imports only the new one.
        logged([*buildah, "push", "--disable-compression", name, f"dir:{pushed}"], log=log)
        _pack(pushed, name, target)


def _pack(pushed: Path, name: str, target: Path) -> None:
    """Write an archive from buildah's folder; buildah's own archives are always compressed."""
    manifest = json.loads((pushed / "manifest.json").read_text())
    config = json.loads((pushed / manifest["config"]["digest"].partition(":")[2]).read_text())["config"]
    settings = oci.Settings(
        user=config["User"],
        entrypoint=config["Entrypoint"],
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


def compiled() -> Path:
    """The archive of `names.COMPILED`: the Containerfile on the lab's Airflow image, without packages or DAGs.

    Raises:
        LabError: as of `build`.
    """
    cache = cache_dir() / "images"
    [base] = built([airflow.IMAGE])
    inputs = [base.name, names.COMPILED, (PROJECT / CONTAINERFILE).read_text(), Path(__file__).read_text()]
    target = cache / f"compiled-{hashlib.sha256(chr(0).join(inputs).encode()).hexdigest()[:16]}.tar"
    with locked(cache / "compiled.lock"):
        if not target.exists():
            with step(f"Image {names.COMPILED} (once)"), tempfile.TemporaryDirectory(prefix="airflow-lab-") as folder:
                context = Path(folder)
                (context / "dags").mkdir()
                (context / "images/airflow").mkdir(parents=True)
                (context / "images/airflow/requirements.txt").touch()
                build(context, names.COMPILED, target, log=log_of(cache, "compiled"))
            archives = sorted(cache.glob("compiled-*.tar"), key=lambda path: path.stat().st_mtime, reverse=True)
            for old in archives[KEPT:]:
                old.unlink()
    return target
