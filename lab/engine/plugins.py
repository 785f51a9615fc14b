"""Provider plugins in a PULUMI_HOME: official ones, fetched or built once, and a stand-in for the random plugin."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from lab.engine.launcher import CLOUDS, sdk_version, write_launcher
from lab.lock import locked
from lab.paths import cache_dir
from lab.progress import step
from lab.tools.go import Embedded, GoProgram

NAMES: Final = ("kubernetes", "random")
"""The plugins that the program needs on every cloud."""
KUBERNETES_VERSION: Final = "4.25.0"
"""Version of the module in lab/tools/kubernetes_plugin/go.mod: the newest release that is available as a module."""
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
ANY_VERSION: Final = {"PULUMI_DEV": "true"}
"""Makes the engine accept a plugin that is older than the SDK without a warning in every operation: it has no other
option for it (pkg/v3/host/host.go, v3.274.1). No other program of the lab depends on the variable."""
FETCH_TIMEOUT_SECONDS: Final = 600.0


def described(refusal: str = "") -> list[str]:
    """One line for each built plugin, with the reason why the official one was not downloaded."""
    why = f" ({refusal})" if refusal else ""
    return [
        f"kubernetes plugin: official v{KUBERNETES_VERSION}, built from its Go module{why}; "
        f"the SDK is v{sdk_version('kubernetes')}",
        f"random plugin: stand-in{why}, v{sdk_version('random')}",
    ]


def described_official() -> list[str]:
    """One line for each downloaded plugin."""
    return [f"{name} plugin: official, v{sdk_version(name)}" for name in NAMES]


def install(home: Path) -> None:
    """Install the built plugin and the stand-in into a PULUMI_HOME; correct files are not touched.

    The engine finds the SDK's version by the folder's name, and asks the plugin for its real version.
    """
    _link_to(KUBERNETES.build(), _folder(home, "kubernetes") / KUBERNETES.name)
    # Here, because the stand-ins are never imported where the official plugins can be had.
    from lab.offline_pulumi import stand_ins

    stand_ins.install_random_plugin(_folder(home, "random") / "pulumi-resource-random")


def install_clouds(home: Path) -> None:
    """Install the plugins of simulated clouds into a PULUMI_HOME, in place of those for the real clouds."""
    for name, module in CLOUDS.items():
        write_launcher(_folder(home, name) / f"pulumi-resource-{name}", module)


def _link_to(program: Path, path: Path) -> None:
    """Create a symbolic link: homes of tests are in memory, where each copy would take 100 MiB."""
    if path.is_symlink() and path.readlink() == program:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.symlink_to(program)
    partial.rename(path)


def fetch_official(cli: Path, home: Path) -> str:
    """Download the official plugins with the official command line. Returns the error, or "" on success."""
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
    """Copy downloaded plugins into another PULUMI_HOME, as hard links if the file system allows it."""
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
