"""A Python with preloaded modules: a server that forks for each program, and a client that replaces `python`.

Loading the SDKs takes most of the time of a program's run, and loading gRPC most of the time of a plugin's start. Test
suites that run them hundreds of times load both once: the language host starts the client in PYTHON_VARIABLE instead
of `python`, and plugins use the client in PLUGINS_VARIABLE.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from lab.tools.go import GoProgram

END_SECONDS: Final = 60.0
"""Timeout for a server's end; a server that is loading modules ends only after that."""
CLIENT: Final = GoProgram(name="preloaded", root=Path(__file__).parent, module="preloaded_client", package=".")
SERVER: Final = Path(__file__).with_name("preloaded_server.py")


@contextmanager
def preloaded(
    folder: Path, python: Path, modules: Sequence[str], *, through: Sequence[str] = (str(SERVER),)
) -> Iterator[Path]:
    """The executable to use for this Python, while a server with these modules runs in a folder.

    `through` are Python's arguments that run the server.
    """
    client = folder / "python"
    client.symlink_to(CLIENT.build())
    command = [str(python), *through, f"{client}.socket", *modules]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            if server.stdout.readline() != b"ready\n":
                raise RuntimeError(f"{python} could not serve {', '.join(modules)}")
            yield client
        finally:
            # Closing its standard input ends the server; this also happens when this process is killed.
            server.stdin.close()
            server.wait(END_SECONDS)
