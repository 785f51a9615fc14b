"""A preview of a stack on a simulated cloud: what this checkout changes in a stack that an older revision deployed.

It needs no account, no secret, no node and no root, so that a pull request from a fork can have it.
"""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from lab import builds, simulation
from lab.engine.stack import Run, Stack
from lab.engine.toolchain import Toolchain
from lab.engine.workspace import SALT, workspace
from lab.errors import LabError
from lab.node.control_plane import ControlPlane
from lab.paths import PROJECT
from lab.progress import say, step
from lab.stack_file import StackFile

STREAM: Final = {"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"}
"""Lets `pulumi preview --json` write one event a line, with policy findings."""
VIRTUALENV: Final = ".venv"


def run(name: str, output: Path, *, base: str | None = None, policy_packs: Sequence[str] = ()) -> None:
    """Write the events of a preview to a file, whether or not the preview succeeds.

    Args:
        name: the stack, or the path of its file.
        output: the file.
        base: the revision that is deployed before; without one, the preview creates everything.
        policy_packs: folders of policy packs that run with the preview.

    Raises:
        LabError: the base revision cannot be deployed, or the preview wrote no events.
    """
    file = StackFile.named(name)
    tools = builds.for_previews()
    with tempfile.TemporaryDirectory(prefix="lab-preview-") as temporary:
        folder = Path(temporary)
        with simulation.control_plane(folder / "control-plane") as plane:
            variables = _variables(file, folder, plane, tools)
            salt = _deploy(file, base, folder, variables) if base is not None else ""
            stack = workspace(folder / "head", file.name, variables, salt + file.text())
            with step(f"pulumi preview of stack {file.name}"):
                packs = [part for pack in policy_packs for part in ("--policy-pack", str(PROJECT / pack))]
                shown = stack.pulumi(
                    "preview", "--json", *packs, "--stack", stack.name, check=False, environment=STREAM
                )
    if '"sequence":' not in shown.stdout:
        raise LabError(f"The preview of stack {name} did not begin: {_last_words(shown)}")
    output.write_text(shown.stdout)
    say(f"  the preview ended with exit code {shown.code}; its events are in {output}")


def _variables(file: StackFile, folder: Path, plane: ControlPlane, tools: Toolchain) -> dict[str, str]:
    found = simulation.variables(plane, tools, folder)
    return found if file.simulated else {**found, "KUBECONFIG": str(plane.kubeconfig)}


def _deploy(file: StackFile, base: str, folder: Path, variables: dict[str, str]) -> str:
    """Deploy the stack of the base revision, unless it has none. Returns the line with the salt of its secrets."""
    source = folder / "base"
    _extract(base, source)
    own = source / file.path.relative_to(PROJECT)
    if not own.exists():
        say(f"  there is no {own.name} at {base}: the stack is new")
        return ""
    (source / VIRTUALENV).symlink_to(PROJECT / VIRTUALENV)
    target = source / f"Pulumi.{file.name}.yaml"
    target.write_text(StackFile(file.name, own).text())
    stack = Stack(folder=source, name=file.name, environment=variables)
    with step(f"pulumi up of stack {file.name} at {base}, on a simulated cloud"):
        stack.create()
        stack.up()
    return "".join(f"{line}\n" for line in target.read_text().splitlines() if line.startswith(SALT))


def _extract(revision: str, folder: Path) -> None:
    """The files of a revision, without a change to the checkout."""
    command = ["git", "archive", "--format=tar", "--end-of-options", revision]
    done = subprocess.run(command, cwd=PROJECT, check=False, capture_output=True)
    if done.returncode != 0:
        raise LabError(
            f"The revision {revision} is not in this checkout: {done.stderr.decode(errors='replace').strip()[-200:]}.",
            remedy="Fetch it, in a workflow with `fetch-depth: 2` of actions/checkout.",
        )
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")


def _last_words(run: Run) -> str:
    lines = [line.strip() for line in (run.stderr or run.stdout).splitlines() if line.strip()]
    return next((line for line in lines if "error:" in line), lines[-1] if lines else "it gave no reason")
