"""The Python packages of the Airflow image: downloaded by this machine's pip, installed without network access."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from lab.errors import LabError
from lab.images.oci import ARCHITECTURES, architecture
from lab.images.tree import logged
from lab.progress import step

PYTHON: Final = "3.13"
"""The version in Debian 13, the default of Airflow 3.3's official image (AIRFLOW_PYTHON_VERSION in its Dockerfile)."""

INSTALLER: Final = "uv==0.13.9"
"""Unpacks 200 wheels in 2 s, where pip takes about 40; it is removed from the image."""

GLIBC_MINORS: Final = range(41, 16, -1)
"""glibc versions of wheels that run on Debian 13: from its own, 2.41, down to 2.17."""


def wheels(cache: Path, lock: Path, *, log: Path) -> Path:
    """A folder with a wheel for each line of the lock file, and the executable `uv`.

    Raises:
        LabError: pip failed; the message names the log.
    """
    key = hashlib.sha256(f"{lock.read_text()}{INSTALLER}{PYTHON}{architecture()}".encode()).hexdigest()[:16]
    folder = cache / f"wheels-{key}"
    if folder.exists():
        return folder
    with (
        step("Python packages of Airflow (once)"),
        tempfile.TemporaryDirectory(dir=cache, prefix="building-") as scratch,
    ):
        partial = Path(scratch) / "wheels"
        download = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-cache-dir", "--only-binary=:all:"]
        download += [
            "--progress-bar=off",
            "--disable-pip-version-check",
            "--python-version",
            PYTHON,
            "--implementation",
            "cp",
        ]
        download += ["--abi", f"cp{PYTHON.replace('.', '')}", "--abi", "abi3", "--abi", "none"]
        for tag in _platform_tags():
            download += ["--platform", tag]
        logged([*download, "--dest", partial, "--requirement", lock, INSTALLER], log=log)
        _unpack_installer(partial)
        partial.rename(folder)
    return folder


def _platform_tags() -> list[str]:
    machine = next(kernel for kernel, image in ARCHITECTURES.items() if image == architecture())
    return [*(f"manylinux_2_{minor}_{machine}" for minor in GLIBC_MINORS), f"manylinux2014_{machine}", "any"]


def _unpack_installer(folder: Path) -> None:
    for wheel in folder.glob("uv-*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            inside = next(name for name in archive.namelist() if name.endswith("/scripts/uv"))
            with archive.open(inside) as source, (folder / "uv").open("wb") as target:
                shutil.copyfileobj(source, target)
        os.chmod(folder / "uv", 0o755)  # noqa: PTH101, S103
        wheel.unlink()
        return
    raise LabError(f"pip downloaded no wheel of {INSTALLER}.")
