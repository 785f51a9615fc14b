"""Background programs that keep running after the command that started them; a pid file identifies them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from lab.errors import LabError


@dataclass(frozen=True, kw_only=True)
class Daemon:
    """One background program with its pid file and log in `folder`.

    The pid file also holds the process's start time: if the kernel has reused the pid for another program, that
    program is never signalled.
    """

    name: str
    folder: Path

    @property
    def log(self) -> Path:
        """File with its stdout and stderr; each start appends."""
        return self.folder / f"{self.name}.log"

    @property
    def _record(self) -> Path:
        return self.folder / f"{self.name}.pid"

    def process(self) -> psutil.Process | None:
        """The running process, or None."""
        try:
            record = json.loads(self._record.read_text())
            process = psutil.Process(record["pid"])
            alive = process.create_time() == record["started"] and process.status() != psutil.STATUS_ZOMBIE
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
            return None
        return process if alive else None

    def start(self, command: Sequence[str | Path], *, env: Mapping[str, str] | None = None) -> None:
        """Start it in its own session, unless it already runs."""
        if self.process() is not None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            child = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **(env or {})},
                start_new_session=True,
            )
        # The process outlives this object; without a return code the interpreter would print a warning.
        child.returncode = 0
        started = psutil.Process(child.pid).create_time()
        self._record.write_text(json.dumps({"pid": child.pid, "started": started}))

    def require_alive(self) -> None:
        """Check that the daemon runs.

        Raises:
            LabError: it is not running; the message names its log.
        """
        if self.process() is None:
            last = self.log.read_text(errors="replace").splitlines()[-3:] if self.log.exists() else []
            raise LabError(f"{self.name} is not running: {' / '.join(last)}", remedy=f"See {self.log}.")

    def stop(self, *, grace_seconds: float = 10) -> None:
        """Terminate it, kill it after the grace period, and delete the pid file. Does nothing if it does not run."""
        process = self.process()
        if process is not None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(grace_seconds)
            except psutil.TimeoutExpired:
                process.kill()
                # On a loaded machine even a killed process takes time to end.
                process.wait(max(grace_seconds, 10))
        self._record.unlink(missing_ok=True)
