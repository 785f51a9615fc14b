"""Selects the Pulumi command line and plugins: downloaded ones, or the lab's builds and stand-ins."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version as installed_version
from io import BytesIO
from pathlib import Path
from typing import Final, Literal

from lab.engine import plugins
from lab.errors import LabError
from lab.lock import locked
from lab.paths import PROJECT, cache_dir, state_dir
from lab.progress import say
from lab.tools.go import GoProgram, module_folder

BUILT_VERSION: Final = "3.274.1"
"""Version of the Go modules in lab/tools/pulumi/go.mod."""
LEAST_OFFICIAL: Final = (3, 244)
"""As `requiredPulumiVersion` in the project's Pulumi.yaml says."""
DOWNLOAD_TIMEOUT_SECONDS: Final = 5.0
RELEASES: Final = "https://get.pulumi.com/releases/sdk"

CLI: Final = GoProgram(
    name="pulumi",
    module="pulumi",
    package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    ldflags=("-s", "-w", "-X", f"github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{BUILT_VERSION}"),
    tags=("osusergo", "grpcnotrace"),
)

Wish = Literal["auto", "official", "built"]


@dataclass(frozen=True, kw_only=True)
class Toolchain:
    """The selected command line and plugins."""

    folder: Path
    """Folder of `pulumi` and the language host; the first entry of PATH."""
    cli: Literal["official", "built"]
    plugins: Literal["official", "built"]
    """`built` means the official kubernetes plugin, built from its module, and a stand-in for the random plugin."""
    notes: tuple[str, ...]
    """One line for each component: which one is used, and why."""

    def describe(self) -> list[str]:
        """One line for each component."""
        return list(self.notes)

    def build(self) -> None:
        """Build what could not be downloaded; takes minutes, once."""
        if self.plugins == "built":
            plugins.KUBERNETES.build()
        if self.cli == "built":
            from lab.offline_pulumi import stand_ins

            stand_ins.build()

    def install_plugins(self, home: Path) -> None:
        """Install the plugins that the program needs into a PULUMI_HOME; fast if they are built and installed."""
        if self.plugins == "official":
            plugins.copy_official(cache_dir() / "official-plugins", home)
        else:
            plugins.install(home)

    @property
    def variables(self) -> Mapping[str, str]:
        """Environment variables of `pulumi` for these tools."""
        return {} if self.plugins == "official" else plugins.ANY_VERSION


def toolchain() -> Toolchain:
    """The toolchain that LAB_TOOLS selects: `auto` (the default), `official` or `built`.

    The first call downloads or builds, which takes minutes; later calls take milliseconds.

    Raises:
        LabError: LAB_TOOLS is invalid, or requires official tools that are not available.
    """
    wish = os.environ.get("LAB_TOOLS", "auto")
    if wish not in ("auto", "official", "built"):
        raise LabError(f"LAB_TOOLS is {wish!r}.", remedy="Use auto, official or built.")
    if wish == "built":
        return _built("LAB_TOOLS=built")
    folder, why = _official_cli(remember=wish == "auto")
    if folder is None:
        if wish == "official":
            raise LabError(f"No official Pulumi command line: {why}.", remedy="Install it, or use LAB_TOOLS=auto.")
        return _built(why)
    refusal = _asked_once(
        "official-plugins",
        " ".join(f"{name} {plugins.sdk_version(name)}" for name in plugins.NAMES),
        lambda: plugins.fetch_official(folder / "pulumi", cache_dir() / "official-plugins"),
        remember=wish == "auto",
    )
    if refusal and wish == "official":
        raise LabError(f"No official plugins: {refusal}.", remedy="Install them, or use LAB_TOOLS=auto.")
    return Toolchain(
        folder=folder,
        cli="official",
        plugins="built" if refusal else "official",
        notes=(
            f"engine: official, {why}",
            *(plugins.described(refusal) if refusal else plugins.described_official()),
        ),
    )


def _built(why: str) -> Toolchain:
    return Toolchain(
        folder=_built_folder(),
        cli="built",
        plugins="built",
        notes=(
            f"engine: built from modules v{BUILT_VERSION} ({why})",
            "python language host: stand-in",
            *plugins.described(),
        ),
    )


def _built_folder() -> Path:
    """A folder with the built `pulumi` and the language host, which therefore counts as bundled."""
    binary = CLI.build()
    key = sha256("\0".join([str(binary), str(PROJECT), sys.executable]).encode()).hexdigest()[:16]
    folder = cache_dir() / "engine" / key
    host = folder / "pulumi-language-python"
    runner = folder / "pulumi-language-python-exec"
    with locked(cache_dir() / "engine.lock"):
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "pulumi").exists():
            # Not a symbolic link: the command line looks for bundled plugins in the folder of its own file.
            try:
                (folder / "pulumi").hardlink_to(binary)
            except OSError:
                shutil.copy2(binary, folder / "pulumi")
        if not runner.exists():
            sources = module_folder("pulumi", f"github.com/pulumi/pulumi/sdk/v3@v{BUILT_VERSION}")
            shutil.copyfile(sources / "python/cmd/pulumi-language-python-exec", runner)
        # Here, because the stand-ins are never imported where the official command line can be had.
        from lab.offline_pulumi import stand_ins

        stand_ins.install_language_host(host, runner)
    return folder


def _official_cli(*, remember: bool) -> tuple[Path | None, str]:
    """The folder of the official command line and its origin, or None and the reason."""
    on_path = shutil.which("pulumi")
    if on_path and not Path(on_path).resolve().is_relative_to(cache_dir().resolve()):
        folder = Path(on_path).resolve().parent
        found = _version(Path(on_path))
        if found < LEAST_OFFICIAL:
            return None, f"pulumi on PATH is older than {'.'.join(map(str, LEAST_OFFICIAL))}"
        if not (folder / "pulumi-language-python").exists():
            return None, f"no Python language host beside {on_path}"
        return folder, f"v{'.'.join(map(str, found))} on PATH"
    return _downloaded(remember=remember)


def _version(binary: Path) -> tuple[int, ...]:
    shown = subprocess.run([binary, "version"], check=False, capture_output=True, text=True, timeout=60).stdout
    found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", shown.strip())
    return tuple(map(int, found.groups())) if found else (0, 0, 0)


def _downloaded(*, remember: bool) -> tuple[Path | None, str]:
    """The release that fits the installed SDK."""
    release = installed_version("pulumi")
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    url = f"{RELEASES}/pulumi-v{release}-{platform.system().lower()}-{machine}.tar.gz"
    target = cache_dir() / f"official-{release}"

    def download() -> str:
        try:
            # Not a step: a refusal is a valid answer here, and the line about the engine shows it.
            say(f"• Ask for the official pulumi v{release} …")
            with urllib.request.urlopen(url, timeout=DOWNLOAD_TIMEOUT_SECONDS) as answer:  # noqa: S310 - a constant host
                content = answer.read()
            _unpack(content, target)
        except (OSError, tarfile.TarError) as error:
            return str(getattr(error, "reason", error))
        return ""

    with locked(cache_dir() / "engine.lock"):
        if not (target / "pulumi").exists():
            refusal = _asked_once("official-release", url, download, remember=remember)
            if refusal:
                return None, f"the release could not be downloaded: {refusal}"
    return target, f"v{release} downloaded"


def _asked_once(what: str, asked: str, ask: Callable[[], str], *, remember: bool) -> str:
    """The error message of a download, or "". A refusal is stored, so that only the first command waits for it."""
    memory = state_dir() / f"{what}.json"
    try:
        known = json.loads(memory.read_text())
    except (FileNotFoundError, ValueError):
        known = {}
    if remember and known.get("asked") == asked:
        return f"{known['refusal']}; asked once, see {memory}"
    refusal = ask()
    if refusal:
        memory.write_text(json.dumps({"asked": asked, "refusal": refusal}))
    else:
        memory.unlink(missing_ok=True)
    return refusal


def _unpack(content: bytes, target: Path) -> None:
    partial = target.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    with tarfile.open(fileobj=BytesIO(content)) as archive:
        archive.extractall(partial, filter="data")
    (partial / "pulumi").rename(target)
    partial.rmdir()
