"""A Python with modules loaded already: a server that forks for each program, and a client that stands in for `python`.

Loading the SDKs is most of what a run of the program takes, and loading gRPC most of what a plugin does. Suites that
run them hundreds of times load both once: the language host starts the client in the place of `python` where
its PYTHON_VARIABLE names it, and plugins start by the one that PLUGINS_VARIABLE names.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from lab.tools.go import GoProgram

PLUGINS_VARIABLE: Final = "LAB_PRELOADED_PLUGINS"
"""Names the executable that runs the launcher of plugins in the place of the lab's Python."""
END_SECONDS: Final = 60.0
"""How long a server may take to end; one that loads modules ends when it has them."""
CLIENT: Final = GoProgram(name="preloaded", module="preloaded", package=".")
SERVER: Final = Path(__file__).with_name("preloaded_server.py")


@contextmanager
def preloaded(
    folder: Path, python: Path, modules: Sequence[str], *, through: Sequence[str] = (str(SERVER),)
) -> Iterator[Path]:
    """The executable to use for this Python, while a server with these modules runs in a folder.

    `through` are the arguments by which this Python comes to run the server.
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
            # Its sign to end; it also comes when this process is killed.
            server.stdin.close()
            server.wait(END_SECONDS)
