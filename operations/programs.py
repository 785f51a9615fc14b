"""Other programs that the commands run."""

from __future__ import annotations

import subprocess
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from operations.errors import OperationError


def run(
    command: Sequence[str],
    *,
    folder: Path,
    timeout_seconds: float,
    missing: str,
    late: str,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """The result of a program that reads no input, whatever its exit code.

    Args:
        command: the program and its arguments.
        folder: the folder that it runs in.
        timeout_seconds: maximum time.
        missing: the error where the program is not on the PATH.
        late: the error where it does not end in time.
        environment: its environment; default: that of this process.

    Raises:
        OperationError: it is missing, or does not end in time.
    """
    with start_errors(missing=missing, late=late):
        return subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_seconds,
        )


@contextmanager
def start_errors(*, missing: str, late: str) -> Generator[None]:
    """A program that is not on the PATH, or does not end in time, is an OperationError with this text."""
    try:
        yield
    except FileNotFoundError:
        raise OperationError(missing) from None
    except subprocess.TimeoutExpired:
        raise OperationError(late) from None
