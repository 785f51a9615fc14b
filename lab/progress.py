"""Progress on the terminal: one line when a step starts, one when it ends, with the seconds it took."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

QUIET_SECONDS: Final = 30.0
"""A step that says nothing for this long reports that it is still running."""


def say(text: str) -> None:
    """Print one line at once, on stderr: stdout belongs to what a command answers."""
    # In one piece: steps that run side by side must not share a line.
    print(f"{text}\n", end="", file=sys.stderr, flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Announce a step that takes time, remind while it runs, and say how long it took."""
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
