"""A newcomer who follows a start page word by word: all its commands, in order, in one shell.

Programs that ask for a login or reach a network are stand-ins, which record their arguments. Everything else is real:
the engine, the program, its commands, and the control plane of the tests.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.engine.workspace import LEFT_OUT
from lab.paths import PROJECT

PAGES: Final = PROJECT / "docs/start"
CONSOLE: Final = re.compile(r"```console\n(.*?)```", re.DOTALL)
PROGRAMS: Final = ("az", "docker", "gcloud", "kind", "minikube", "kubectl")
"""Stand-ins that succeed."""
RECORDING: Final = '#!/bin/sh\necho "$(basename "$0") $*" >> "$NEWCOMER"\n'
KUBELOGIN: Final = """#!/bin/sh
# The engine's own calls are for the simulated login.
[ "$1" = get-token ] && exec {kubelogin} "$@"
echo "kubelogin $*" >> "$NEWCOMER"
"""
PULUMI: Final = """#!/bin/sh
# `make setup` has installed the packages, and the variable PULUMI_BACKEND_URL stands for the login.
echo "pulumi $*" >> "$NEWCOMER"
case "$1" in install|login) exit 0;; esac
exec {pulumi} "$@"
"""
SECONDS: Final = 500.0


def commands(page: str) -> list[str]:
    """The commands of a page, in order."""
    text = (PAGES / f"{page}.md").read_text()
    return [line[2:] for block in CONSOLE.findall(text) for line in block.splitlines() if line.startswith("$ ")]


@dataclass(frozen=True)
class Followed:
    """The result of a page."""

    code: int
    shown: str
    """All output."""
    called: list[str]
    """The calls of stand-ins and of `pulumi`, in order."""
    folder: Path


def follow(
    page: str,
    folder: Path,
    environment: Mapping[str, str],
    *,
    edits: Mapping[str, Mapping[str, str]],
    left_out: Sequence[str] = (),
) -> Followed:
    """Run a page's commands in a checkout, as one script that ends at the first failure.

    Args:
        page: its name in docs/start.
        folder: an empty folder.
        environment: the engine's variables.
        edits: what the page's prose asks for: before the first command that the key matches (a regular expression),
            files of the checkout are changed, each given text to another one.
        left_out: starts of commands that belong to the page's other way.
    """
    checkout, programs, record = folder / "checkout", folder / "bin", folder / "calls"
    _check_out(checkout)
    _provide(programs, environment)
    record.touch()
    script = ["set -ex"]
    used = set[str]()
    for command in commands(page):
        if command.startswith(tuple(left_out)):
            continue
        for key, changes in edits.items():
            if re.match(key, command) and key not in used:
                used.add(key)
                script += [shlex.join([sys.executable, "-c", _EDIT, *pair]) for pair in changes.items()]
        script.append(command)
    assert used == edits.keys(), "the page has no such command"
    variables = {
        **environment,
        "PATH": os.pathsep.join([str(programs), environment["PATH"]]),
        "PULUMI_BACKEND_URL": f"file://{folder / 'stacks'}",
        "PULUMI_SKIP_CONFIRMATIONS": "true",
        "NEWCOMER": str(record),
        "HOME": str(folder),
    }
    (folder / "stacks").mkdir()
    done = subprocess.run(
        ["/bin/sh", "-c", "\n".join(script)],
        cwd=checkout,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    return Followed(done.returncode, done.stdout, record.read_text().splitlines(), checkout)


_EDIT: Final = """
import pathlib, sys
name, old, new = *sys.argv[1].split("|", 1), sys.argv[2]
path = pathlib.Path(name)
text = path.read_text()
assert old in text, f"{name} does not contain {old}"
path.write_text(text.replace(old, new))
"""


def _check_out(folder: Path) -> None:
    """The files of the project: links, but stack files, which a newcomer edits, are copies."""
    folder.mkdir()
    for path in PROJECT.iterdir():
        if path.name in LEFT_OUT:
            continue
        target = folder / path.name
        if path.name.startswith("Pulumi."):
            target.write_text(path.read_text())
        else:
            target.symlink_to(path)


def _provide(folder: Path, environment: Mapping[str, str]) -> None:
    folder.mkdir()
    found = {name: shutil.which(name, path=environment["PATH"]) for name in ("pulumi", "kubelogin")}
    scripts = {
        **dict.fromkeys(PROGRAMS, RECORDING),
        "kubelogin": KUBELOGIN.format(**found),
        "pulumi": PULUMI.format(**found),
    }
    for name, text in scripts.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
