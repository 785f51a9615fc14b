"""Runs kubectl against the lab's node, or another cluster."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from lab import node
from lab.errors import LabError

COMMAND_SECONDS: Final = 150.0
"""Timeout of a command: longer than any `--timeout` in its arguments."""


def kubectl(*arguments: str, text: str | None = None, check: bool = True, kubeconfig: Path | None = None) -> str:
    """Run kubectl with `text` as standard input and return its output; without `check` also its error output.

    Default of `kubeconfig`: the node's.

    Raises:
        LabError: the command failed, and `check` is set.
    """
    command = [str(node.kubectl()), "--kubeconfig", str(kubeconfig or node.kubeconfig()), *arguments]
    run = subprocess.run(command, input=text, check=False, capture_output=True, text=True, timeout=COMMAND_SECONDS)
    if check and run.returncode != 0:
        raise LabError(f"kubectl {' '.join(arguments)} ended with {run.returncode}: {run.stderr[-2000:]}")
    return run.stdout if check else run.stdout + run.stderr
