"""A Python with modules loaded already: a server that forks for each program, and a client that stands in for `python`.

Loading the SDKs is most of what a run of the program takes, and loading gRPC most of what a plugin does. Suites that
run them hundreds of times load both once: the language host starts the client in the place of `python` where
PYTHON_VARIABLE names it, and plugins start by the one that PLUGINS_VARIABLE names. Stands alone, without the lab's
other modules: what is loaded here, every program has.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import select
import selectors
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Final, NoReturn

PYTHON_VARIABLE: Final = "LAB_PRELOADED_PYTHON"
"""Names the executable that runs programs in the place of their virtual environment's `python`."""
PLUGINS_VARIABLE: Final = "LAB_PRELOADED_PLUGINS"
"""Names the executable that runs the launcher of plugins in the place of the lab's Python."""
PARENT_POLL_SECONDS: Final = 1.0
LENGTH: Final = struct.Struct("!I")
CODE: Final = struct.Struct("!i")
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def preloaded(
    folder: Path, python: Path, modules: Sequence[str], *, through: Sequence[str] = (__file__,)
) -> Iterator[Path]:
    """The executable to use for this Python, while a server with these modules runs in a folder.

    `through` are the arguments by which this Python comes to run this module.
    """
    address, client = folder / "preloaded.socket", folder / "python"
    client.write_text(f'#!/bin/sh\nexec {python} -S -E {__file__} run {address} "$@"\n')
    client.chmod(0o755)
    command = [str(python), *through, "serve", str(address), *modules]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            if server.stdout.readline() != b"ready\n":
                raise RuntimeError(f"{python} could not load {', '.join(modules)}")
            yield client
        finally:
            # Its sign to end; it also comes when this process is killed.
            server.stdin.close()
            server.wait(10)


def serve(address: str, modules: Sequence[str]) -> None:
    """Load the modules, and fork for each client until standard input ends."""
    if not sys.flags.safe_path:
        sys.path.remove(str(Path(__file__).parent))
    for name in modules:
        # SDKs load their modules no sooner than something in them is asked for.
        getattr(importlib.import_module(name), "Args", None)
    gc.collect()
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listening, selectors.DefaultSelector() as waiting:
        listening.bind(address)
        listening.listen()
        waiting.register(0, selectors.EVENT_READ)
        waiting.register(listening, selectors.EVENT_READ)
        print("ready", flush=True)
        children: dict[int, tuple[int, socket.socket]] = {}
        while True:
            for key, _ in waiting.select():
                if key.fd == 0:
                    for pid, _ in children.values():
                        os.kill(pid, signal.SIGKILL)
                    return
                if key.fileobj is listening:
                    client, _ = listening.accept()
                    pid = _forked(client, listening)
                    ended = os.pidfd_open(pid)
                    children[ended] = (pid, client)
                    waiting.register(ended, selectors.EVENT_READ)
                    waiting.register(client, selectors.EVENT_READ, pid)
                elif key.fd in children:
                    pid, client = children.pop(key.fd)
                    _end(pid, client)
                    for each in (key.fd, client):
                        waiting.unregister(each)
                    os.close(key.fd)
                    client.close()
                elif isinstance(key.fileobj, socket.socket) and key.fileobj.fileno() >= 0:
                    # A signal to hand on; or the client is gone, and its program with it.
                    asked = key.fileobj.recv(1)
                    os.kill(key.data, asked[0] if asked else signal.SIGKILL)


def _end(pid: int, client: socket.socket) -> None:
    _, status = os.waitpid(pid, 0)
    try:
        client.sendall(CODE.pack(os.waitstatus_to_exitcode(status)))
    except OSError:
        # Killed, and nobody asks any more.
        return


def _forked(client: socket.socket, listening: socket.socket) -> int:
    """Start what a client asks for."""
    head, streams, _, _ = socket.recv_fds(client, LENGTH.size, 3)
    text = b""
    while len(text) < LENGTH.unpack(head)[0]:
        text += client.recv(1 << 20)
    pid = os.fork()
    if pid:
        for stream in streams:
            os.close(stream)
        return pid
    code = 1
    try:
        # Nothing of the server's may outlive it in here.
        listening.close()
        client.close()
        _become(json.loads(text), streams)
        runpy.run_path(sys.argv[0], run_name="__main__")
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 - this is where a program ends, whatever ended it
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _become(asked: Mapping[str, Any], streams: Sequence[int]) -> None:
    """Take the place of the client."""
    # A server that a shell started in the background ignores interrupts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
        os.close(stream)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv = asked["arguments"]
    if not sys.flags.safe_path:
        sys.path.insert(0, str(Path(sys.argv[0]).parent))
    for output in (sys.stdout, sys.stderr):
        output.reconfigure(write_through=True)  # type: ignore[union-attr]


def run(address: str, arguments: Sequence[str]) -> NoReturn:
    """Have the server run a script, as `python -u SCRIPT ARGUMENTS` would; ends as it ends."""
    asked = {"arguments": [*arguments], "folder": str(Path.cwd()), "environment": dict(os.environ)}
    text = json.dumps(asked).encode()
    with socket.socket(socket.AF_UNIX) as server:

        def hand_on(number: int, _frame: FrameType | None) -> None:
            server.sendall(bytes([number]))

        server.connect(address)
        socket.send_fds(server, [LENGTH.pack(len(text))], [0, 1, 2])
        server.sendall(text)
        for number in SIGNALS:
            signal.signal(number, hand_on)
        parent = os.getppid()
        while not select.select([server], [], [], PARENT_POLL_SECONDS)[0]:
            if os.getppid() != parent:
                # Nobody is left to tell this one to end.
                sys.exit(1)
        code = CODE.unpack(server.recv(CODE.size))[0]
    if code < 0:
        if -code in SIGNALS:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


if __name__ == "__main__":
    role, where, *rest = sys.argv[1:]
    if role == "serve":
        serve(where, rest)
    else:
        run(where, [each for each in rest if each != "-u"])
