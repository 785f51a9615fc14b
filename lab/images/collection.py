"""All of the lab's images together: detection of missing ones, and their parallel builds."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

from lab import debian
from lab.errors import LabError
from lab.images import airflow, busybox, gateway, git_sync, oci, pause, postgres, sql_proxy, valkey
from lab.images.debian_base import DebianBase, debian_base, key
from lab.images.image import Image, log_of
from lab.images.root import Root
from lab.images.wheels import wheels
from lab.lock import locked
from lab.paths import cache_dir

IMAGES: Final = (airflow.IMAGE, postgres.IMAGE, valkey.IMAGE, pause.IMAGE, busybox.IMAGE)

ON_DEMAND: Final = (sql_proxy.IMAGE, git_sync.IMAGE, *gateway.IMAGES)
"""Images that are built only on request."""

TOOLS: Final = ("debian-archive-keyring", "mmdebstrap", "util-linux")
"""Debian packages that this machine needs to create root filesystems."""

ROOTS: Final = "root-"
"""Prefix of an unpacked image's name in the cache."""

KEPT: Final = 2
"""Number of archives of an image that stay in the cache: a return to the previous version needs no build."""


def built(images: Sequence[Image] = IMAGES) -> list[Path]:
    """The archives of these images, in their order."""
    cache = cache_dir() / "images"
    packages = {image.title: image.packages for image in (*IMAGES, *ON_DEMAND)}
    base_key = key(packages)
    targets = {image.title: image.archive(cache, base_key) for image in images}
    with locked(cache_dir() / "images.lock"):
        missing = [image for image in images if not targets[image.title].exists()]
        if missing:
            if os.geteuid() != 0:
                raise LabError("Images are built in root filesystems of their own.", remedy="Run as root.")
            _sweep(cache)
            _build(missing, targets, cache, packages)
            _prune(cache, set(targets.values()))
    return list(targets.values())


def debian_layer() -> Path:
    """The layer with Debian that all these images stand on, from the cache if it was built before."""
    cache = cache_dir() / "images"
    with locked(cache_dir() / "images.lock"):
        cache.mkdir(parents=True, exist_ok=True)
        debian.install(TOOLS)
        return debian_base(cache, {image.title: image.packages for image in IMAGES}, log=log_of(cache, "base")).layer


def root(image: Image) -> Root:
    """The unpacked image, from the cache if it was unpacked before."""
    [archive] = built([image])
    folder = archive.with_name(f"{ROOTS}{archive.stem}")
    with locked(cache_dir() / "images.lock"):
        if not folder.exists():
            with tempfile.TemporaryDirectory(dir=archive.parent, prefix="building-") as scratch:
                oci.unpack(archive, Path(scratch) / "root")
                (Path(scratch) / "root").rename(folder)
    return Root(folder)


def _build(
    missing: Sequence[Image], targets: Mapping[str, Path], cache: Path, packages: Mapping[str, Sequence[str]]
) -> None:
    debian.install(sorted({*TOOLS, *(tool for image in missing for tool in image.tools)}))
    with ThreadPoolExecutor(max_workers=2) as pool:
        # Two cores: both downloads in parallel, then the large image in parallel with the small ones.
        fetched = pool.submit(wheels, cache, airflow.LOCK, log=log_of(cache, "wheels"))
        try:
            base = pool.submit(debian_base, cache, packages, log=log_of(cache, "base")).result()
            running = [
                pool.submit(_with_wheels, image, targets[image.title], base, fetched)
                if image.python
                else pool.submit(image.build, targets[image.title], base, None)
                for image in missing
            ]
            for job in running:
                job.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _with_wheels(image: Image, target: Path, base: DebianBase, fetched: Future[Path]) -> None:
    image.build(target, base, fetched.result())


def _sweep(cache: Path) -> None:
    """Remove the files of a killed build; its mounts ended with it."""
    cache.mkdir(parents=True, exist_ok=True)
    for leftover in (*cache.glob("building-*"), *cache.glob("*.partial")):
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink()


def _prune(cache: Path, used: Set[Path]) -> None:
    """Remove archives and folders that newer builds have replaced."""
    titles = [image.title for image in (*IMAGES, *ON_DEMAND)]
    for title in ("base", "wheels", *titles, *(f"{ROOTS}{title}" for title in titles)):
        entries = sorted(cache.glob(f"{title}-*"), key=lambda path: path.stat().st_mtime, reverse=True)
        for old in set(entries[KEPT:]) - used:
            if old.is_dir():
                shutil.rmtree(old)
            else:
                old.unlink()
