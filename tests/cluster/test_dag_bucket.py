"""Airflow's bundle of a bucket, in the unpacked image of the lab, with a server of Cloud Storage's API.

The login is left out: the connection is anonymous here. Roles and identities have their tests in tests/unit/cloud/gcp.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.airflow.dags.bucket import CONNECTION
from lab.images import airflow
from lab.images.collection import root
from lab.services import programs
from tests.unit.recording.stacks_gcp import recorded
from tests.unit.recording.workloads import options_of, pods

pytestmark = [pytest.mark.dags, pytest.mark.timeout(900), pytest.mark.lab_node("runs in the lab's image")]

BUCKET = "the-bucket"
HOME = "/mnt"
"""The folder of the test in the image."""
START_SECONDS = 60
LOOK = """
import json, os, pathlib, sys
from airflow.dag_processing.bundles.manager import DagBundlesManager
[bundle] = DagBundlesManager().get_all_dag_bundles()
bundle.initialize()
bundle.refresh()
files = {p.relative_to(bundle.path).as_posix(): p.read_text() for p in bundle.path.rglob("*") if p.is_file()}
print(json.dumps({"files": files, "interval": bundle.refresh_interval}))
"""


def request(url: str, data: bytes | None = None, method: str = "GET") -> bytes:
    sent = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(sent, timeout=30) as answer:
        return answer.read()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the server, with an empty bucket."""
    if os.geteuid() != 0:
        pytest.skip("the image is entered as root")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [
        programs.FAKE_GCS.build(),
        "-scheme",
        "http",
        "-host",
        "127.0.0.1",
        "-port",
        str(port),
        "-backend",
        "memory",
    ]
    with subprocess.Popen([*command, "-public-host", f"127.0.0.1:{port}"], stderr=subprocess.DEVNULL) as server:
        try:
            deadline = time.monotonic() + START_SECONDS
            while True:
                try:
                    request(f"{url}/storage/v1/b", json.dumps({"name": BUCKET}).encode(), "POST")
                    break
                except OSError:
                    assert time.monotonic() < deadline
                    time.sleep(0.2)
            yield url
        finally:
            server.terminate()


def put(store: str, name: str, text: str) -> None:
    quoted = name.replace("/", "%2F")
    request(f"{store}/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name={quoted}", text.encode(), "POST")


def remove(store: str, name: str) -> None:
    request(f"{store}/storage/v1/b/{BUCKET}/o/{name.replace('/', '%2F')}", method="DELETE")


def bundle(store: str, folder: Path) -> dict[str, Any]:
    """What the bundle of the recorded stack has after a refresh, with the test's bucket and login."""
    recording = recorded("gcp, DAGs in a bucket")
    [pod] = [pod for pod in pods(recording) if pod.part == "dag-processor"]
    name = "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"
    [entry] = json.loads(options_of(recording, pod)[name])
    entry["kwargs"]["bucket_name"] = BUCKET
    connection = f"AIRFLOW_CONN_{CONNECTION.upper()}"
    [own] = [v["value"] for v in pod.spec["containers"][0]["env"] if v["name"] == connection]
    folder.chmod(0o777)
    environment = {
        **airflow.IMAGE.settings.env,
        "HOME": airflow.HOME,
        "AIRFLOW_HOME": HOME,
        "AIRFLOW_CONFIG": "/dev/null",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{HOME}/airflow.db",
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": f"{HOME}/bundles",
        name: json.dumps([entry]),
        connection: f"{own}?is_anonymous=true",
        "STORAGE_EMULATOR_HOST": store,
    }
    as_airflow = ["setpriv", "--reuid=50000", "--regid=0", "--clear-groups", "python", "-c", LOOK]
    done = subprocess.run(
        root(airflow.IMAGE).command(as_airflow, mounts={folder: HOME}),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_the_folder_of_the_bucket_becomes_the_bundle_and_what_is_removed_goes(store: str, tmp_path: Path) -> None:
    put(store, "team/a.py", "a")
    put(store, "team/deep/b.py", "b")
    put(store, "other/c.py", "c")
    assert bundle(store, tmp_path) == {"files": {"a.py": "a", "deep/b.py": "b"}, "interval": 60}
    put(store, "team/a.py", "changed")
    remove(store, "team/deep/b.py")
    assert bundle(store, tmp_path)["files"] == {"a.py": "changed"}
