"""A real PostgreSQL server on a socket in a folder, without a container."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from lab.images import postgres_root
from lab.images.postgres import BINARIES

RUN: Final = "/mnt"
"""The server's folder in the file system of its programs."""
START_SECONDS: Final = 30
OPTIONS: Final = ("-c", "listen_addresses=", "-c", f"unix_socket_directories={RUN}", "-c", "fsync=off")


def inside(folder: Path, command: Sequence[str]) -> list[str]:
    """A command of the image, with the folder at RUN."""
    return postgres_root().command(command, mounts={folder: RUN})


def psql(folder: Path, script: str) -> str:
    """The answer to a script of the superuser."""
    command = [f"{BINARIES}/psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", RUN, "-U", "postgres"]
    command += ["-d", "postgres", "-f", "-"]
    done = subprocess.run(inside(folder, command), input=script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@contextmanager
def serve(folder: Path) -> Generator[None]:
    """A server whose data, socket and log are in the folder: a path short enough for a socket, which all may enter."""
    folder.chmod(0o755)
    setup = f"mkdir --mode=0700 {RUN}/data && chown postgres:postgres {RUN} {RUN}/data"
    subprocess.run(inside(folder, ["sh", "-c", setup]), check=True)
    as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
    initdb = [f"{BINARIES}/initdb", "-D", f"{RUN}/data", "-U", "postgres", "--auth=trust", "--no-sync"]
    initdb += ["--encoding=UTF8", "--locale=C.UTF-8"]
    subprocess.run(inside(folder, [*as_user, *initdb]), check=True, capture_output=True)
    (folder / "data/pg_hba.conf").write_text("local all postgres trust\nlocal all all scram-sha-256\n")
    server = [*as_user, f"{BINARIES}/postgres", "-D", f"{RUN}/data", *OPTIONS, "-c", "log_statement=ddl"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(inside(folder, server), stderr=log)
        try:
            deadline = time.monotonic() + START_SECONDS
            ready = inside(folder, [f"{BINARIES}/pg_isready", "-q", "-h", RUN])
            while subprocess.run(ready, check=False).returncode:
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < deadline, (folder / "log").read_text()
                time.sleep(0.1)
            yield
        finally:
            process.terminate()
            process.wait(30)
