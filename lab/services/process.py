"""Servers of one test: processes of this machine that end with a block."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from lab.errors import LabError
from lab.services.addresses import listens

START_SECONDS: Final = 30.0


@contextmanager
def listening(what: str, command: Sequence[str | Path], port: int, log: Path) -> Iterator[None]:
    """A server that accepts connections at a port of 127.0.0.1.

    Args:
        what: the server, as the first words of a sentence.
        command: its command.
        port: its port.
        log: the file for its output.

    Raises:
        LabError: it ended, or did not listen in time; the message has the end of the log.
    """
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not listens("127.0.0.1", port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise LabError(f"{what} did not start: {log.read_text()[-500:]}")
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(10)
