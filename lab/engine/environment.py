"""The environment in which `pulumi` works on this machine, apart from anything the user's own Pulumi has."""

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
"""Variables of the user's shell that would lead the program somewhere else, or have it compile the SDKs each time."""


def environment(
    *,
    state: Path | None = None,
    home: Path | None = None,
    tools: Toolchain | None = None,
    simulated_clouds: bool = False,
    engine_log: bool = True,
) -> dict[str, str]:
    """A complete environment for `pulumi`, plugins installed.

    `state` is where stacks and their passphrase live (default: `pulumi` in the lab's state folder); `home` is
    PULUMI_HOME (default: `home` in `state`); `tools` is what LAB_TOOLS asks for unless given. With `simulated_clouds`
    the plugins of Google Cloud and Azure are the lab's own, whatever the tools are. Without `engine_log` the engine
    keeps no log of its calls in `home`, which is half of what it does in a preview.
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
        # It has no switch for it, and goes without where it can make no folder.
        (home / "logs").touch()
    kept = {key: value for key, value in os.environ.items() if key not in LEFT_OUT}
    return {
        **kept,
        "PATH": os.pathsep.join([str(tools.folder), os.environ.get("PATH", os.defpath)]),
        # Commands are short and their memory small: to collect it often is a tenth of what they take.
        "GOGC": os.environ.get("GOGC", "400"),
        # The kubernetes plugin leaves a file with the kubeconfig there at each start (provider/util.go, v4.25.0).
        "TMPDIR": str(temporary),
        "PULUMI_HOME": str(home),
        "PULUMI_BACKEND_URL": f"file://{backend}",
        "PULUMI_CONFIG_PASSPHRASE": passphrase(state),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
        **tools.variables,
        # Nobody asks the real clouds about a simulated account.
        **({"AIRFLOW_PREFLIGHT": "off"} if simulated_clouds else {}),
    }


def passphrase(state: Path) -> str:
    """What encrypts the secrets of the stacks in a state folder; made on the first call, readable by its owner only."""
    path = state / "passphrase"
    with locked(state / "passphrase.lock"):
        if not path.exists():
            partial = path.with_suffix(".partial")
            partial.touch(mode=0o600)
            partial.write_text(secrets.token_urlsafe(24))
            partial.rename(path)
    return path.read_text()
