"""Runs a `pulumi` command whose progress is one line: the full output goes to a log file."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

from lab.engine.stack import UNCHANGED, Run, Stack
from lab.errors import LabError
from lab.progress import step

POLL_SECONDS: Final = 0.2
ARGUMENTS: Final = ("--yes", "--non-interactive", "--skip-preview", "--color", "never")


class Progress:
    """Counts the operations in an engine's event log."""

    def __init__(self) -> None:
        self._running: dict[str, str] = {}
        self._done = 0

    def take(self, event: dict[str, Any]) -> None:
        """Take one event, in order."""
        for kind, ended in (("resourcePreEvent", False), ("resOutputsEvent", True), ("resOpFailedEvent", True)):
            if kind in event:
                metadata = event[kind]["metadata"]
                # A component ends with its last resource, and is nothing to wait for.
                state = metadata.get("new") or metadata.get("old") or {}
                if metadata["op"] in UNCHANGED or not state.get("custom"):
                    return
                urn = str(metadata["urn"])
                if ended:
                    self._done += self._running.pop(urn, None) is not None
                else:
                    self._running[urn] = urn.rsplit("::", 1)[1]

    def __str__(self) -> str:
        """The number of finished operations, and the longest one that runs."""
        waits = next(iter(self._running.values()), "")
        return f"{self._done} done{f', waits for {waits}' if waits else ''}"


def watched(stack: Stack, command: str) -> None:
    """Run `pulumi up` or `pulumi destroy` and show its progress as one step.

    Raises:
        LabError: the command failed; with the engine's errors and the name of the log.
    """
    folder = stack.folder / ".lab"
    folder.mkdir(exist_ok=True)
    log, events = folder / f"{command}.log", folder / f"{command}.events"
    events.unlink(missing_ok=True)
    with step(f"pulumi {command} of stack {stack.name}") as progress, log.open("w") as output:
        child = subprocess.Popen(
            ["pulumi", command, *ARGUMENTS, "--stack", stack.name, "--event-log", str(events)],
            cwd=stack.folder,
            # The event log is only available as a debugging flag.
            env={**stack.environment, "PULUMI_DEBUG_COMMANDS": "true"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        counted = Progress()
        try:
            for event in _events(events, child):
                counted.take(event)
                progress.show(str(counted))
        finally:
            # After an interrupt, which the engine receives as well, it still records what it created.
            code = child.wait()
        if code != 0:
            raise LabError(_failure(command, stack, code, log, events))


def _events(path: Path, child: subprocess.Popen[bytes]) -> Iterator[dict[str, Any]]:
    """The events of a running command, until it ends."""
    while not path.exists():
        if child.poll() is not None:
            return
        time.sleep(POLL_SECONDS)
    with path.open() as file:
        while True:
            ended = child.poll() is not None
            yield from _complete_lines(file)
            if ended:
                return
            time.sleep(POLL_SECONDS)


def _complete_lines(file: IO[str]) -> Iterator[dict[str, Any]]:
    while True:
        start = file.tell()
        line = file.readline()
        if not line.endswith("\n"):
            # The engine is still writing it.
            file.seek(start)
            return
        yield json.loads(line)


def _failure(command: str, stack: Stack, code: int, log: Path, events: Path) -> str:
    text = events.read_text() if events.exists() else ""
    run = Run(arguments=(command,), code=code, stdout="", stderr="", event_log=text)
    said = run.messages() or log.read_text().splitlines()[-10:]
    return "\n".join(
        [
            f"pulumi {command} of stack {stack.name} failed:",
            *(f"  {line}" for message in said for line in message.splitlines()),
            f"Run the command again to resume. The whole output is in {log}.",
        ]
    )
