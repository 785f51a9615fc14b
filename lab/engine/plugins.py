"""Provider plugins in a PULUMI_HOME: official ones, fetched or built once, and a stand-in for the random plugin."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from contextlib import AbstractContextManager
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from lab.engine.preloaded import PLUGINS_VARIABLE, preloaded
from lab.errors import LabError
from lab.lock import locked
from lab.paths import cache_dir
from lab.progress import step
from lab.tools.go import Embedded, GoProgram

NAMES: Final = ("kubernetes", "random")
"""The plugins that the program needs on every cloud."""
KUBERNETES_VERSION: Final = "4.25.0"
"""Of the module in lab/tools/kubernetes_plugin/go.mod: the newest release whose module is served."""
KUBERNETES_MODULE: Final = "github.com/pulumi/pulumi-kubernetes/provider/v4"
KUBERNETES: Final = GoProgram(
    name="pulumi-resource-kubernetes",
    module="kubernetes_plugin",
    package=".",
    ldflags=("-s", "-w", "-X", f"{KUBERNETES_MODULE}/pkg/version.Version={KUBERNETES_VERSION}"),
    embedded=Embedded(
        dependency=KUBERNETES_MODULE,
        folder="cmd/pulumi-resource-kubernetes",
        names=("schema.json", "terraform-mapping.json"),
    ),
)
RANDOM: Final = "lab.engine.random_provider"
"""The module that stands in for the random plugin, whose own module is not served."""
ANY_VERSION: Final = {"PULUMI_DEV": "true"}
"""What the engine needs to take a plugin that is older than the SDK without a warning in every operation: it has no
other switch for it (pkg/v3/host/host.go, v3.274.1). Nothing else that the lab runs depends on the variable."""
CLOUDS: Final = {
    "gcp": "lab.clouds.gcp",
    "azure-native": "lab.clouds.azure",
}
"""Plugin name to the module that simulates its cloud. Never installed unless simulated clouds are asked for: the same
names belong to plugins that make real things."""
LAUNCH: Final = Path(__file__).with_name("launch.py")
ISOLATED: Final = "-I"
"""Neither the folder of the program nor variables of the user decide which modules a plugin finds."""
LOADED: Final = (
    "lab.clouds.azure.provider",
    "lab.clouds.gcp.provider",
    "lab.engine.language_host_environment",
    "lab.engine.language_host_plugin",
    "lab.engine.random_values",
)
"""What plugins consist of, but for the modules that they run."""
FETCH_TIMEOUT_SECONDS: Final = 600.0


def sdk_version(name: str) -> str:
    """The version of the installed Python SDK, which is the version of the plugin that it asks for."""
    # find_spec and not importlib.resources: that would import the SDK, which takes a second.
    spec = find_spec(f"pulumi_{name.replace('-', '_')}")
    if spec is None or spec.origin is None:
        raise LabError(f"The SDK pulumi-{name} is not installed.", remedy="Run make setup.")
    return str(json.loads(Path(spec.origin).with_name("pulumi-plugin.json").read_text())["version"])


def described(refusal: str = "") -> list[str]:
    """One line per built plugin, for a person, with the reason why the official one was not fetched."""
    why = f" ({refusal})" if refusal else ""
    return [
        f"kubernetes plugin: official v{KUBERNETES_VERSION}, built from its Go module{why}; "
        f"the SDK is v{sdk_version('kubernetes')}",
        f"random plugin: stand-in{why}, v{sdk_version('random')}",
    ]


def described_official() -> list[str]:
    """One line per fetched plugin, for a person."""
    return [f"{name} plugin: official, v{sdk_version(name)}" for name in NAMES]


def install(home: Path) -> None:
    """Put the built plugin and the stand-in into a PULUMI_HOME; files that are right already stay untouched.

    The engine looks for the SDK's version by the folder's name; which version it finds there, it asks the plugin.
    """
    _link_to(KUBERNETES.build(), _folder(home, "kubernetes") / KUBERNETES.name)
    write_launcher(_folder(home, "random") / "pulumi-resource-random", RANDOM)


def install_clouds(home: Path) -> None:
    """Put the simulated clouds into a PULUMI_HOME, in place of the plugins that reach the real ones."""
    for name, module in CLOUDS.items():
        write_launcher(_folder(home, name) / f"pulumi-resource-{name}", module)


def write_launcher(path: Path, module: str, *arguments: str) -> None:
    """An executable that runs a module of this checkout with this Python; the arguments come before its own."""
    what = shlex.join([str(LAUNCH), module, *arguments])
    text = (
        "#!/bin/sh\n"
        f'if [ -n "${PLUGINS_VARIABLE}" ]; then exec "${PLUGINS_VARIABLE}" {what} "$@"; fi\n'
        f'exec {shlex.join([sys.executable, ISOLATED])} {what} "$@"\n'
    )
    if path.exists() and path.read_text() == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(text)
    partial.chmod(0o755)
    partial.rename(path)


def _link_to(program: Path, path: Path) -> None:
    """A symbolic link: homes of tests lie in memory, where a copy would take 100 MiB each."""
    if path.is_symlink() and path.readlink() == program:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.symlink_to(program)
    partial.rename(path)


def preloaded_plugins(folder: Path) -> AbstractContextManager[Path]:
    """The executable for PLUGINS_VARIABLE, while its server runs in a folder."""
    through = (ISOLATED, str(LAUNCH), "lab.engine.preloaded_server")
    return preloaded(folder, Path(sys.executable), LOADED, through=through)


def fetch_official(cli: Path, home: Path) -> str:
    """Fetch the official plugins with the official command line; why it was refused, or "" when all are there."""
    with locked(cache_dir() / "plugins.lock"):
        for name in NAMES:
            if _folder(home, name).exists():
                continue
            with step(f"Fetch the official {name} plugin"):
                run = subprocess.run(
                    [cli, "plugin", "install", "resource", name, sdk_version(name)],
                    check=False,
                    capture_output=True,
                    text=True,
                    timeout=FETCH_TIMEOUT_SECONDS,
                    env={**os.environ, "PULUMI_HOME": str(home), "PULUMI_SKIP_UPDATE_CHECK": "true"},
                )
            if run.returncode != 0:
                return f"{name} {sdk_version(name)}: {' '.join(run.stderr.strip().splitlines()[-1:])}"
    return ""


def copy_official(source: Path, home: Path) -> None:
    """Put fetched plugins into another PULUMI_HOME, as hard links where the file system allows it."""
    for name in NAMES:
        target = _folder(home, name)
        if not target.exists():
            partial = target.with_name(f"{target.name}.{os.getpid()}")
            shutil.copytree(_folder(source, name), partial, copy_function=_link)
            partial.rename(target)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _folder(home: Path, name: str) -> Path:
    return home / "plugins" / f"resource-{name}-v{sdk_version(name)}"
