"""Loads modules once, and forks for each client that `lab.offline_pulumi.preloaded` starts.

Imports no other module of the lab, because every program inherits the modules that are loaded here.
"""

from __future__ import annotations

import gc
import importlib
import os
import runpy
import selectors
import signal
import socket
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

LENGTH: Final = struct.Struct("!I")
CODE: Final = struct.Struct("!i")


def serve(address: str, modules: Sequence[str]) -> None:
    """Load the modules, then fork for each client until standard input is closed."""
    with socket.socket(socket.AF_UNIX) as listening, selectors.DefaultSelector() as waiting:
        listening.bind(address)
        listening.listen()
        # Early clients wait until the modules are loaded.
        print("ready", flush=True)
        _load(modules)
        waiting.register(0, selectors.EVENT_READ)
        waiting.register(listening, selectors.EVENT_READ)
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
                    # A signal to forward; or the client has ended, and its program ends too.
                    asked = key.fileobj.recv(1)
                    os.kill(key.data, asked[0] if asked else signal.SIGKILL)


def _load(modules: Sequence[str]) -> None:
    """Load modules. A folder in the list is added to the search path of the following modules."""
    if not sys.flags.safe_path:
        sys.path.remove(str(Path(__file__).parent))
    known = [*sys.path]
    for name in modules:
        if os.sep in name:
            sys.path.insert(0, name)
        else:
            # SDKs load their modules lazily, at the first access to an attribute.
            getattr(importlib.import_module(name), "Args", None)
    # Programs have their own folders.
    sys.path[:] = known
    gc.collect()
    gc.freeze()


def _end(pid: int, client: socket.socket) -> None:
    _, status = os.waitpid(pid, 0)
    try:
        client.sendall(CODE.pack(os.waitstatus_to_exitcode(status)))
    except OSError:
        # The client was killed and does not wait for an answer.
        return


def _forked(client: socket.socket, listening: socket.socket) -> int:
    """Fork a process that runs the program of a client."""
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
        # The fork must not keep resources of the server.
        listening.close()
        client.close()
        _become(text, streams)
        runpy.run_path(sys.argv[0], run_name="__main__")
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 - this is where a program ends, whatever ended it
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _become(asked: bytes, streams: Sequence[int]) -> None:
    """Adopt the client's folder, arguments and environment variables."""
    folder, count, *rest = asked.split(b"\0")
    # A server that a shell started in the background ignores interrupts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
        os.close(stream)
    os.chdir(folder)
    os.environ.clear()
    for variable in rest[int(count) :]:
        name, _, value = variable.partition(b"=")
        os.environb[name] = value
    sys.argv = [os.fsdecode(argument) for argument in rest[: int(count)]]
    if not sys.flags.safe_path:
        sys.path.insert(0, str(Path(sys.argv[0]).parent))
    for output in (sys.stdout, sys.stderr):
        output.reconfigure(write_through=True)


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2:])
