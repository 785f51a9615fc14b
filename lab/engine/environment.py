"""The environment of `pulumi` in the lab, separate from the user's own Pulumi installation."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from lab.engine import plugins
from lab.engine.toolchain import Toolchain, toolchain
from lab.lock import locked
from lab.paths import state_dir

LEFT_OUT: Final = frozenset(
    {
        "KUBECONFIG",
        "PULUMI_ACCESS_TOKEN",
        "PULUMI_API",
        "PULUMI_CONFIG_PASSPHRASE_FILE",
        "PULUMI_ORG",
        "PULUMI_STACK",
        "PYTHONDONTWRITEBYTECODE",
    }
)
"""Variables of the user's shell that would redirect the program, or make it compile the SDKs each time."""
NO_PREFLIGHT: Final = {"AIRFLOW_PREFLIGHT": "off"}
"""The variable that keeps the program from asking the real clouds about a simulated account."""


def environment(
    *,
    state: Path | None = None,
    home: Path | None = None,
    tools: Toolchain | None = None,
    simulated_clouds: bool = False,
    engine_log: bool = True,
) -> dict[str, str]:
    """A complete environment for `pulumi`, plugins installed.

    `state` is the folder of stacks and their passphrase (default: `pulumi` in the lab's state folder); `home` is
    PULUMI_HOME (default: `home` in `state`); `tools` defaults to the toolchain that LAB_TOOLS selects. With
    `simulated_clouds` the lab's own plugins of Google Cloud and Azure are used, whatever the tools are. Without
    `engine_log` the engine writes no log of its calls to `home`, which takes half the time of a preview.
    """
    tools = tools or toolchain()
    state = state or state_dir() / "pulumi"
    home = home or state / "home"
    backend = state / "stacks"
    temporary = state / "temporary"
    for folder in (home, backend, temporary):
        folder.mkdir(parents=True, exist_ok=True)
    tools.install_plugins(home)
    if simulated_clouds:
        plugins.install_clouds(home)
    if not engine_log:
        # There is no option for it; the engine writes no log if it cannot create the folder.
        (home / "logs").touch()
    kept = {key: value for key, value in os.environ.items() if key not in LEFT_OUT}
    return {
        **kept,
        "PATH": os.pathsep.join([str(tools.folder), os.environ.get("PATH", os.defpath)]),
        # Commands are short and need little memory, and frequent garbage collection takes a tenth of their time.
        "GOGC": os.environ.get("GOGC", "400"),
        # The kubernetes plugin writes a file with the kubeconfig there at each start (provider/util.go, v4.25.0).
        "TMPDIR": str(temporary),
        "PULUMI_HOME": str(home),
        "PULUMI_BACKEND_URL": f"file://{backend}",
        "PULUMI_CONFIG_PASSPHRASE": passphrase(state),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
        **tools.variables,
        **(NO_PREFLIGHT if simulated_clouds else {}),
    }


def passphrase(state: Path) -> str:
    """The passphrase for secrets of all stacks in a state folder; created once, readable only by its owner."""
    path = state / "passphrase"
    with locked(state / "passphrase.lock"):
        if not path.exists():
            partial = path.with_suffix(".partial")
            partial.touch(mode=0o600)
            partial.write_text(secrets.token_urlsafe(24))
            partial.rename(path)
    return path.read_text()
