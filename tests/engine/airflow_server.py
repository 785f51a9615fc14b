"""A real PostgreSQL and Airflow of the lab's image as plain processes: logins and accounts without a node."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg2

from lab.images import airflow, collection, postgres_root
from lab.images.postgres import BINARIES
from lab.lock import locked
from lab.paths import cache_dir

SCRIPTS = Path("components/airflow/scripts")
START_SECONDS = 120
RUN = "/mnt"
"""The folder of a test in the file system of each program."""
URL = "postgresql+psycopg2://airflow@127.0.0.1:{port}/airflow"
ENVIRONMENT = {
    "PATH": "/home/airflow/.local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/home/airflow",
    "LANG": "C.UTF-8",
    "PYTHONDONTWRITEBYTECODE": "1",
    "AIRFLOW_HOME": f"{RUN}/airflow",
    "AIRFLOW_CONFIG": "/dev/null",
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
    "AIRFLOW__CORE__FERNET_KEY": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    "AIRFLOW__API__SECRET_KEY": "a key of the tests, long enough to sign cookies",
    "AIRFLOW__API_AUTH__JWT_SECRET": "a key of the tests that is long enough to sign tokens with HS512, which are 64",
}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def ready(test: Sequence[str] | str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a command succeeds or a URL answers, while the process runs."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        if isinstance(test, str):
            try:
                urllib.request.urlopen(test, timeout=5).close()
                return
            except urllib.error.HTTPError:
                return
            except OSError:
                pass
        elif subprocess.run(test, check=False, capture_output=True).returncode == 0:
            return
        assert process.poll() is None, log.read_text()[-3000:]
        assert time.monotonic() < deadline, log.read_text()[-3000:]
        time.sleep(0.2)


@contextmanager
def running(command: Sequence[str | Path], log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends, with all processes that it started, when the test does."""
    with log.open("a") as out:
        process = subprocess.Popen(
            command, env=environment or None, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            yield process
        finally:
            os.killpg(process.pid, 15)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait(20)


@dataclass(frozen=True, kw_only=True)
class Airflow:
    """An installation: a folder, a database, and commands of the lab's image on both."""

    folder: Path
    database_port: int
    extra: Mapping[Path, str] = field(default_factory=dict[Path, str])
    """Folders outside to folders inside the image, for libraries that the lab's image does not have."""

    def environment(self, **more: str) -> dict[str, str]:
        url = URL.format(port=self.database_port)
        return {
            **ENVIRONMENT,
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": url,
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": url.replace("psycopg2", "asyncpg"),
            **({"PYTHONPATH": ":".join(self.extra.values())} if self.extra else {}),
            **more,
        }

    def inside(self, command: Sequence[str]) -> list[str]:
        """The command line of a program in the image, as its user."""
        as_user = ["setpriv", "--reuid=50000", "--regid=0", "--clear-groups", *command]
        return collection.root(airflow.IMAGE).command(as_user, mounts={self.folder: RUN, **self.extra})

    def script(self, name: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A run of one of the program's scripts."""
        return subprocess.run(
            self.inside(["python", "-c", (SCRIPTS / name).read_text()]),
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            check=False,
        )

    def migrate(self, **environment: str) -> str:
        """The output of the migration, which creates the first user."""
        version = airflow.IMAGE.settings.env["AIRFLOW_VERSION"]
        admin = {"ADMIN_USERNAME": "admin", "ADMIN_EMAIL": "admin@example.org", "ADMIN_PASSWORD": "first password"}
        done = self.script("migrate.py", AIRFLOW_VERSION_WANTED=version, **{**admin, **environment})
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def query(self, text: str, *values: object) -> list[tuple[object, ...]]:
        """The rows of a query of the metadata database."""
        with psycopg2.connect(URL.format(port=self.database_port).replace("+psycopg2", "")) as connection:
            cursor = connection.cursor()
            cursor.execute(text, values)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def api_server(self, port: int | None = None, **environment: str) -> Iterator[str]:
        """The URL of an api-server with these variables."""
        port = port or free_port()
        url = f"http://127.0.0.1:{port}"
        log = self.folder / f"api-server-{port}.log"
        command = self.inside(["airflow", "api-server", "--port", str(port), "--workers", "1", "--proxy-headers"])
        variables = self.environment(**{"AIRFLOW__API__BASE_URL": url, **environment})
        with running(command, log, **variables) as process:
            ready(f"{url}/api/v2/version", process, log)
            yield url


def libraries(*requirements: str) -> Path:
    """A folder with pure Python packages that the official image has and the lab's image does not."""
    folder = cache_dir() / f"libraries-{hashlib.sha256(' '.join(requirements).encode()).hexdigest()[:16]}"
    with locked(cache_dir() / "libraries.lock"):
        if not folder.exists():
            with TemporaryDirectory(dir=cache_dir(), prefix="building-") as scratch:
                command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:"]
                command += ["--disable-pip-version-check", "--target", f"{scratch}/libraries", *requirements]
                subprocess.run(command, check=True)
                Path(scratch, "libraries").rename(folder)
    return folder


@contextmanager
def installation(extra: Mapping[Path, str] | None = None) -> Iterator[Airflow]:
    """A migrated installation with the first user `admin`, whose password is `first password`."""
    with TemporaryDirectory(prefix="airflow-people-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for inner in ("airflow", "airflow/logs"):
            (folder / inner).mkdir()
            os.chown(folder / inner, 50_000, 0)
        with postgres(folder) as port:
            found = Airflow(folder=folder, database_port=port, extra=extra or {})
            found.migrate()
            yield found


@contextmanager
def postgres(folder: Path) -> Iterator[int]:
    """The port of a PostgreSQL server with an empty database `airflow` of a user `airflow`."""

    def inside(command: Sequence[str]) -> list[str]:
        return postgres_root().command(command, mounts={folder: RUN})

    port, log = free_port(), folder / "postgres.log"
    data = f"mkdir --mode=0700 {RUN}/data && chown postgres:postgres {RUN}/data"
    subprocess.run(inside(["sh", "-c", data]), check=True)
    as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
    initdb = [f"{BINARIES}/initdb", "-D", f"{RUN}/data", "-U", "airflow", "--auth=trust", "--no-sync"]
    initdb += ["--encoding=UTF8", "--locale=C.UTF-8"]
    subprocess.run(inside([*as_user, *initdb]), check=True, capture_output=True)
    options = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"]
    server = [*as_user, f"{BINARIES}/postgres", "-D", f"{RUN}/data", "-p", str(port), *options]
    with running(inside(server), log, **os.environ) as process:
        client = ["-h", "127.0.0.1", "-p", str(port), "-U", "airflow"]
        ready(inside([f"{BINARIES}/pg_isready", "-q", *client]), process, log)
        subprocess.run(inside([f"{BINARIES}/createdb", *client, "airflow"]), check=True)
        yield port


def token(url: str, username: str, password: str) -> str | None:
    """A token of the API for an account; None if the account is refused."""
    body = json.dumps({"username": username, "password": password}).encode()
    request = urllib.request.Request(f"{url}/auth/token", data=body, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return str(json.loads(answer.read())["access_token"])
    except urllib.error.HTTPError as error:
        if error.code != 401:
            raise
        return None


def status(url: str, path: str, bearer: str) -> int:
    """The status of a request of the API with a token."""
    request = urllib.request.Request(f"{url}/api/v2/{path}", headers={"Authorization": f"Bearer {bearer}"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
