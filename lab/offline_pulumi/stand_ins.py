"""Installs the stand-ins, and lets the programs that they run start with modules loaded."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from lab.engine.launcher import CLOUDS, ISOLATED, LAUNCH, PLUGINS_VARIABLE, write_launcher
from lab.offline_pulumi.language_host_environment import PYTHON_VARIABLE
from lab.offline_pulumi.preloaded import CLIENT, preloaded

LANGUAGE_HOST: Final = "lab.offline_pulumi.language_host"
RANDOM: Final = "lab.offline_pulumi.random_provider"
"""The module that stands in for the random plugin, whose own module is not served."""
LOADED: Final = (
    *(f"{module}.provider" for module in CLOUDS.values()),
    "lab.offline_pulumi.language_host_environment",
    "lab.offline_pulumi.language_host_plugin",
    "lab.offline_pulumi.random_values",
)
"""The imports of plugins, except for the modules that they run."""


def install_language_host(path: Path, runner: Path) -> None:
    """Write the executable of the language host; `runner` is the official script that runs a program."""
    write_launcher(path, LANGUAGE_HOST, str(runner))


def install_random_plugin(path: Path) -> None:
    """Write the executable of the random plugin."""
    write_launcher(path, RANDOM)


def build() -> None:
    """Build the program that `preloaded_environment` starts in the place of Python.

    Raises:
        LabError: the build failed; the message names the log.
    """
    CLIENT.build()


@contextmanager
def preloaded_environment(folder: Path, python: Path, modules: Sequence[str]) -> Iterator[dict[str, str]]:
    """Variables by which programs of this Python start with modules loaded, and plugins with their own imports."""
    programs, plugins = folder / "programs", folder / "plugins"
    for each in (programs, plugins):
        each.mkdir()
    with preloaded(programs, python, modules) as program, preloaded_plugins(plugins) as plugin:
        yield {PYTHON_VARIABLE: str(program), PLUGINS_VARIABLE: str(plugin)}


@contextmanager
def preloaded_plugins(folder: Path) -> Iterator[Path]:
    """The executable for PLUGINS_VARIABLE, while its server runs in a folder."""
    through = (ISOLATED, str(LAUNCH), "lab.offline_pulumi.preloaded_server")
    with preloaded(folder, Path(sys.executable), LOADED, through=through) as path:
        yield path
