"""The scripts of pods, run as in a pod."""

from __future__ import annotations

import os
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from components.airflow.pods.scripts import script

PASSWORD: Final = "p@ss/word"
STAND_IN: Final = """
import sys
def main():
    print(sys.pycache_prefix, sys.dont_write_bytecode, sys.argv, [p for p in sys.path if p.endswith("scripts")])
"""
"""A package `airflow` that reports how it was started."""


def placed(folder: Path, name: str) -> Path:
    """A script with all its paths in a folder of the test."""
    scripts = folder / "scripts"
    scripts.mkdir(exist_ok=True)
    text = script(name)
    for place in ("/opt/airflow-bytecode", "/tmp/worker-message-arrived"):
        text = text.replace(place, str(folder / Path(place).name))
    (scripts / name).write_text(text)
    return scripts / name


def run(path: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(path), *arguments]
    environment = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def airflow(folder: Path) -> Path:
    package = folder / "site" / "airflow"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text(STAND_IN)
    return package


def test_an_image_without_bytecode_gets_a_folder_for_it(tmp_path: Path) -> None:
    """Independent of the Dockerfile's setting for bytecode."""
    package = airflow(tmp_path)
    said = run(placed(tmp_path, "start.py"), "scheduler", PYTHONPATH=str(package.parent), PYTHONDONTWRITEBYTECODE="1")
    bytecode = tmp_path / "airflow-bytecode"
    assert said.stdout == f"{bytecode} False ['airflow', 'scheduler'] []\n", said.stderr
    assert [path.name for path in bytecode.rglob("__main__.*.pyc")] != []


def test_an_image_with_bytecode_is_left_alone(tmp_path: Path) -> None:
    """Another folder would hide the image's bytecode."""
    package = airflow(tmp_path)
    compiled = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", str(package)]
    subprocess.run(compiled, check=True)
    said = run(placed(tmp_path, "start.py"), "scheduler", PYTHONPATH=str(package.parent))
    assert said.stdout.startswith("None "), said.stdout
    assert not (tmp_path / "airflow-bytecode").exists()


CELERY: Final = """
class Signal:
    def __init__(self):
        self.receivers = []
    def connect(self, receiver=None, weak=True):
        if receiver is None:
            return self.connect
        self.receivers.append(receiver)
        return receiver
    def disconnect(self, receiver):
        self.receivers.remove(receiver)
    def send(self):
        for receiver in list(self.receivers):
            receiver(sender=None)
worker_init, heartbeat_sent, task_prerun = Signal(), Signal(), Signal()
"""
SUPERVISOR: Final = """
class WatchedSubprocess:
    def __init__(self, sockets):
        self._open_sockets = sockets
    def _service_subprocess(self, max_wait_time, raise_on_timeout=False):
        print(max_wait_time, raise_on_timeout)
"""
WORKS: Final = """
from celery import signals
def main():
    import sys
    print("airflow.sdk" in sys.modules)
    for task in range(2):
        signals.task_prerun.send()
    from airflow.sdk.execution_time import supervisor
    if hasattr(supervisor, "WatchedSubprocess"):
        for sockets in (["logs"], []):
            supervisor.WatchedSubprocess(sockets)._service_subprocess(max_wait_time=5, raise_on_timeout=True)
        supervisor.WatchedSubprocess([])._service_subprocess(0.01)
"""
"""A worker that runs two tasks, and waits for processes with an open socket and with none."""


@pytest.mark.parametrize(
    ("supervisor", "waits"),
    [(SUPERVISOR, ["5 True", "0.1 True", "0.01 False"]), ("", [])],
    ids=["this Airflow", "an Airflow without these functions"],
)
def test_a_worker_notices_the_end_of_a_task_at_once(tmp_path: Path, supervisor: str, waits: list[str]) -> None:
    """Once all sockets of a task's process are closed, the process is about to end."""
    package = airflow(tmp_path)
    (package / "__main__.py").write_text(WORKS)
    for name, text in {
        "sdk/__init__": "",
        "sdk/execution_time/__init__": "",
        "sdk/execution_time/supervisor": supervisor,
    }.items():
        (package / f"{name}.py").parent.mkdir(parents=True, exist_ok=True)
        (package / f"{name}.py").write_text(text)
    (package.parent / "celery").mkdir()
    (package.parent / "celery/__init__.py").write_text("")
    (package.parent / "celery/signals.py").write_text(CELERY)
    said = run(placed(tmp_path, "start.py"), "celery", "worker", PYTHONPATH=str(package.parent))
    assert said.stdout.splitlines() == ["False", *waits], said.stderr


class Broker(socketserver.StreamRequestHandler):
    """A Redis that answers AUTH and PING."""

    def handle(self) -> None:
        allowed = self.rfile.readline().decode().strip() == f"AUTH {PASSWORD}"
        self.wfile.write(b"+OK\r\n" if allowed else b"-WRONGPASS\r\n")
        self.rfile.readline()
        self.wfile.write(b"+PONG\r\n" if allowed else b"-NOAUTH\r\n")


@contextmanager
def broker() -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Broker) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.mark.parametrize(
    ("age_seconds", "answers", "passes"),
    [
        (None, True, False),
        (None, False, False),
        (5, True, True),
        (5, False, True),
        (600, True, False),
        (600, False, True),
    ],
    ids=["starts", "starts, broker away", "works", "broker just went", "hangs", "broker away"],
)
def test_a_worker_lives_while_messages_to_itself_arrive_or_the_broker_is_away(
    tmp_path: Path, age_seconds: int | None, answers: bool, passes: bool
) -> None:
    if age_seconds is not None:
        arrived = tmp_path / "worker-message-arrived"
        arrived.touch()
        moment = time.time() - age_seconds
        os.utime(arrived, (moment, moment))
    with broker() as port:
        url = f"redis://:p%40ss%2Fword@127.0.0.1:{port if answers else 1}/0"
        said = run(placed(tmp_path, "check_worker.py"), AIRFLOW__CELERY__BROKER_URL=url)
    assert (said.returncode == 0) is passes, said
    assert PASSWORD not in said.stdout + said.stderr


def test_the_worker_and_its_check_speak_of_one_file() -> None:
    place = "/tmp/worker-message-arrived"
    assert place in script("start.py")
    assert place in script("check_worker.py")
