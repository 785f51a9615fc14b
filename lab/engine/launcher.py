"""Executables that run a plugin of this checkout: simulated clouds and stand-ins."""

from __future__ import annotations

import json
import os
import shlex
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from lab.errors import LabError

CLOUDS: Final = {
    "gcp": "lab.clouds.gcp",
    "azure-native": "lab.clouds.azure",
}
"""Modules that simulate a cloud, by plugin name. Only installed for simulated clouds, because plugins with the same
names create real resources."""
LAUNCH: Final = Path(__file__).with_name("launch.py")
PLUGINS_VARIABLE: Final = "LAB_PRELOADED_PLUGINS"
"""Names the executable that runs the launcher of plugins instead of the lab's Python."""
ISOLATED: Final = "-I"
"""Python options: neither the program's folder nor the user's variables affect which modules a plugin imports."""


def sdk_version(name: str) -> str:
    """The version of the installed Python SDK, which is also the version of the plugin that it requests."""
    # find_spec instead of importlib.resources, which would import the SDK and take a second.
    spec = find_spec(f"pulumi_{name.replace('-', '_')}")
    if spec is None or spec.origin is None:
        raise LabError(f"The SDK pulumi-{name} is not installed.", remedy="Run make setup.")
    return str(json.loads(Path(spec.origin).with_name("pulumi-plugin.json").read_text())["version"])


def write_launcher(path: Path, module: str, *arguments: str) -> None:
    """Write an executable that runs a module of this checkout with this Python; `arguments` precede the caller's."""
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
