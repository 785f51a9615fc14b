"""The Python environment of a Pulumi program, from `runtime.options` in Pulumi.yaml."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lab.engine.serving import CallError

PYTHON_VARIABLE: Final = "LAB_PRELOADED_PYTHON"
"""Environment variable with an executable that runs programs instead of the virtual environment's `python`."""
TOOLCHAINS: Final = ("pip", "poetry", "uv")
LOCK_FILES: Final = {"uv.lock": "uv", "poetry.lock": "poetry"}
"""Files that select the toolchain if Pulumi.yaml sets none."""
QUERY_TIMEOUT_SECONDS: Final = 60
DEACTIVATED: Final = frozenset({"PYTHONHOME", "VIRTUAL_ENV"})
"""Variables of another Python environment, which the program must not see."""


@dataclass(frozen=True, kw_only=True)
class PythonEnvironment:
    """The virtual environment of a program, or the machine's Python if it has none."""

    root: Path
    """The folder of Pulumi.yaml, to which paths of environments are relative."""
    program: Path
    toolchain: str
    virtualenv: str
    """The path in Pulumi.yaml; empty if there is none."""

    @property
    def folder(self) -> Path | None:
        """The virtual environment's folder; None means the machine's Python."""
        if self.toolchain == "poetry":
            shown = self._tool("env", "info", "--path")
            return Path(shown) if shown else None
        if self.virtualenv:
            return self.root / self.virtualenv
        return self._nearest("pyproject.toml") / ".venv" if self.toolchain == "uv" else None

    def python(self) -> Path:
        """The interpreter.

        Raises:
            CallError: the virtual environment does not exist or is invalid; the message names the remedy.
        """
        folder = self.folder
        if folder is None:
            if self.toolchain == "poetry":
                raise CallError(f"Poetry has no environment for {self.program}: run 'pulumi install' to create it.")
            return _machine_python()
        python = folder / "bin/python"
        if not python.is_file():
            fault = "is not a virtual environment" if folder.exists() else "does not exist"
            raise CallError(
                f"Pulumi.yaml names the virtual environment {self.virtualenv or folder.name!r}, but {folder} {fault}: "
                "run 'pulumi install' to create it and to install what the program requires."
            )
        return python

    def variables(self) -> dict[str, str]:
        """This process's variables, with the virtual environment activated."""
        variables = {key: value for key, value in os.environ.items() if key not in DEACTIVATED}
        folder = self.folder
        if folder is not None:
            variables["VIRTUAL_ENV"] = str(folder)
            variables["PATH"] = os.pathsep.join([str(folder / "bin"), variables.get("PATH", os.defpath)])
        return variables

    def install_commands(self) -> Iterator[tuple[str, list[str]]]:
        """The commands of `pulumi install` in order, each with a title."""
        if self.toolchain == "uv":
            yield "Installing dependencies with uv", [self._executable(), "sync"]
            return
        if self.toolchain == "poetry":
            yield "Installing dependencies with poetry", [self._executable(), "install", "--no-ansi", "--no-root"]
            return
        python = _machine_python()
        if self.folder is not None:
            if not (self.folder / "bin/python").is_file():
                yield "Creating virtual environment", [str(python), "-m", "venv", str(self.folder)]
            python = self.folder / "bin/python"
        if (self.program / "requirements.txt").exists():
            yield "Installing dependencies", [str(python), "-m", "pip", "install", "-r", "requirements.txt"]

    def plugins(self) -> Iterator[tuple[str, str, str]]:
        """Name, version and download server of the plugin of each installed SDK."""
        for library in self._libraries():
            for manifest in sorted(library.glob("*/pulumi-plugin.json")):
                described = json.loads(manifest.read_text())
                if described.get("resource"):
                    package = manifest.parent.name
                    name = described.get("name") or package.removeprefix("pulumi_").replace("_", "-")
                    version = described.get("version") or _distribution_version(library, package)
                    yield name, version, described.get("server", "")

    def packages(self) -> list[dict[str, str]]:
        """Name and version of each installed Python package."""
        command = [self.python(), "-m", "pip", "list", "--format", "json", "--disable-pip-version-check"]
        if self.toolchain == "uv":
            command = [self._executable(), "pip", "list", "--format", "json", "--python", self.python()]
        run = subprocess.run(command, check=False, capture_output=True, text=True, timeout=QUERY_TIMEOUT_SECONDS)
        if run.returncode != 0:
            raise CallError(f"The installed packages could not be listed: {run.stderr.strip()[-300:]}")
        return list(json.loads(run.stdout))

    def _libraries(self) -> list[Path]:
        folder = self.folder
        if folder is not None:
            self.python()
            return sorted(folder.glob("lib/python3*/site-packages"))
        shown = subprocess.run(
            [_machine_python(), "-c", "import json, sys; print(json.dumps(sys.path))"],
            check=True,
            capture_output=True,
            text=True,
            timeout=QUERY_TIMEOUT_SECONDS,
            env=self.variables(),
        )
        return [Path(entry) for entry in json.loads(shown.stdout) if entry]

    def _nearest(self, name: str) -> Path:
        for folder in (self.program, *self.program.parents):
            if (folder / name).exists():
                return folder
        return self.program

    def _executable(self) -> str:
        found = shutil.which(self.toolchain)
        if found is None:
            raise CallError(f"Pulumi.yaml names the toolchain {self.toolchain!r}, and {self.toolchain} is not on PATH.")
        return found

    def _tool(self, *arguments: str) -> str:
        run = subprocess.run(
            [self._executable(), *arguments],
            check=False,
            cwd=self.program,
            capture_output=True,
            text=True,
            timeout=QUERY_TIMEOUT_SECONDS,
        )
        return run.stdout.strip() if run.returncode == 0 else ""


def python_environment(root: str, program: str, options: Mapping[str, Any]) -> PythonEnvironment:
    """The Python environment that `runtime.options` describe.

    Raises:
        CallError: the toolchain is unknown.
    """
    toolchain = str(options.get("toolchain", "")).lower()
    if not toolchain:
        found = (LOCK_FILES[name] for name in LOCK_FILES if (Path(program) / name).exists())
        toolchain = next(found, "pip")
    if toolchain not in TOOLCHAINS:
        raise CallError(f"Pulumi.yaml names the toolchain {toolchain!r}, which is none of {', '.join(TOOLCHAINS)}.")
    return PythonEnvironment(
        root=Path(root), program=Path(program), toolchain=toolchain, virtualenv=str(options.get("virtualenv", ""))
    )


def _machine_python() -> Path:
    wanted = os.environ.get("PULUMI_PYTHON_CMD")
    for name in [wanted] if wanted else ["python3", "python"]:
        found = shutil.which(name)
        if found:
            return Path(found)
    raise CallError("No Python on PATH: neither python3 nor python is there.")


def _distribution_version(library: Path, package: str) -> str:
    for metadata in library.glob(f"{package}-*.dist-info"):
        return metadata.name.removesuffix(".dist-info").rsplit("-", 1)[1]
    return ""
