"""kubectl against the lab's node."""

from __future__ import annotations

import subprocess
from typing import Final

from lab import node
from lab.errors import LabError

COMMAND_SECONDS: Final = 150.0
"""Longer than any wait that a command is told to do itself."""


def kubectl(*arguments: str, text: str | None = None, check: bool = True) -> str:
    """What a command prints, its standard input being `text`; with `check` off, its complaints too.

    Raises:
        LabError: `check` and it failed.
    """
    command = [str(node.kubectl()), "--kubeconfig", str(node.kubeconfig()), *arguments]
    run = subprocess.run(command, input=text, check=False, capture_output=True, text=True, timeout=COMMAND_SECONDS)
    if check and run.returncode != 0:
        raise LabError(f"kubectl {' '.join(arguments)} ended with {run.returncode}: {run.stderr[-2000:]}")
    return run.stdout if check else run.stdout + run.stderr
