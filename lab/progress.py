"""Progress on the terminal: one line at the start of a step, and one with its duration at the end."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

QUIET_SECONDS: Final = 30.0
"""A step without output for this time reports that it is still running."""


def say(text: str) -> None:
    """Print one line immediately, to stderr: stdout is reserved for the command's output."""
    # In one call: lines of parallel steps must not mix.
    print(f"{text}\n", end="", file=sys.stderr, flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Print the start of a step, a reminder while it runs, and its duration at the end."""
    started = time.monotonic()
    say(f"• {title} …")
    done = threading.Event()

    def remind() -> None:
        while not done.wait(QUIET_SECONDS):
            say(f"  {title}: {time.monotonic() - started:.0f} s so far")

    reminder = threading.Thread(target=remind, daemon=True)
    reminder.start()
    try:
        yield
    except BaseException:
        say(f"✗ {title}: failed after {time.monotonic() - started:.1f} s")
        raise
    finally:
        done.set()
    say(f"✓ {title} ({time.monotonic() - started:.1f} s)")
