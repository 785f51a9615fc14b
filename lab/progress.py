"""Progress on the terminal: one line for each step, with its duration at the end.

On a terminal the line of a running step is live: it shows the time and the last detail. Elsewhere a step prints a line
at its start, and one whenever it was silent for QUIET_SECONDS.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

QUIET_SECONDS: Final = 30.0
"""A step without output for this time reports that it is still running."""
LIVE_SECONDS: Final = 0.2
"""Time between two updates of a live line."""
WIDTH: Final = 118
_CLEAR: Final = "\r\x1b[2K"


class Step:
    """A running step."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.detail = ""
        self._started = time.monotonic()

    def show(self, detail: str) -> None:
        """Show what the step does at the moment, in a few words."""
        self.detail = detail

    @property
    def seconds(self) -> float:
        """Time since its start."""
        return time.monotonic() - self._started

    def line(self) -> str:
        """Its live line."""
        return f"• {self.title} … {self.seconds:.0f} s{f', {self.detail}' if self.detail else ''}"[:WIDTH]


class _Screen:
    """What steps of all threads print. On a terminal the last line is that of the step that started last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: list[Step] = []

    def say(self, text: str) -> None:
        with self._lock:
            # In one call: lines of parallel steps must not mix.
            print(f"{self._cleared()}{text}\n", end="", file=sys.stderr, flush=True)

    def begin(self, step: Step) -> None:
        with self._lock:
            self._running.append(step)
        if not live():
            self.say(f"• {step.title} …")

    def end(self, step: Step, line: str) -> None:
        with self._lock:
            self._running.remove(step)
        self.say(line)

    def refresh(self, step: Step) -> None:
        with self._lock:
            if self._running and self._running[-1] is step:
                print(f"{_CLEAR}{step.line()}", end="", file=sys.stderr, flush=True)

    def _cleared(self) -> str:
        return _CLEAR if live() else ""


_screen: Final = _Screen()


def live() -> bool:
    """Whether the lines of running steps are live."""
    return sys.stderr.isatty()


def say(text: str) -> None:
    """Print one line immediately, to stderr: stdout is reserved for the command's output."""
    _screen.say(text)


@contextmanager
def step(title: str) -> Iterator[Step]:
    """Show the progress of a step, and its duration at the end."""
    current = Step(title)
    _screen.begin(current)
    done = threading.Event()

    def remind() -> None:
        while not done.wait(LIVE_SECONDS if live() else QUIET_SECONDS):
            if live():
                _screen.refresh(current)
            else:
                say(f"  {title}: {current.seconds:.0f} s so far{f', {current.detail}' if current.detail else ''}")

    reminder = threading.Thread(target=remind, daemon=True)
    reminder.start()
    try:
        yield current
    except BaseException:
        done.set()
        _screen.end(current, f"✗ {title}: failed after {current.seconds:.1f} s")
        raise
    done.set()
    _screen.end(current, f"✓ {title} ({current.seconds:.1f} s)")
