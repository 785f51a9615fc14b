"""The example DAGs and the plugin on the packages of the Airflow image, without a node."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from components.airflow.config.cloud_connections import GOOGLE
from components.airflow.dags import examples
from lab.images import airflow, collection
from lab.images.root import Root
from lab.lock import locked
from lab.paths import cache_dir
from tests.cluster import bigquery

pytestmark = [pytest.mark.timeout(900), pytest.mark.lab_node("runs the lab's Airflow image")]

PROJECT = Path(__file__).parents[2]
PARSE_SECONDS = 1.0
CLIENT = (
    "google-cloud-bigquery==3.47.0",
    "gcloud-aio-bigquery==7.3.0",
    "pandas-gbq==0.35.3",
    "pandas==3.1.1",
    "numpy==2.4.6",
    "db-dtypes==1.9.0",
    "pyarrow==26.0.1",
    "pydata-google-auth==1.9.1",
    "google-auth-oauthlib==1.5.0",
    "python-dateutil==4.0.0",
)
"""What `BigQueryHook` imports and the lab's image leaves out; the official image has it."""
PARSE = """
import json, logging, sys, time
from pathlib import Path
sys.path.insert(0, "/mnt/package")
# The DAG processor imports modules of Airflow once, before it parses a file in a process of its own.
import airflow.providers.cncf.kubernetes.operators.pod
import airflow.providers.standard.operators.bash
from airflow.dag_processing.dagbag import DagBag

found = {}
for path in sorted([*Path("/mnt/dags").glob("*.py"), *Path("/mnt/dags/conditional").glob("*.py")]):
    started = time.monotonic()
    bag = DagBag(str(path), load_op_links=False)
    found[path.name] = {
        "dags": sorted(bag.dags),
        "errors": [*bag.import_errors.values()],
        "warnings": [str(warning) for each in bag.captured_warnings.values() for warning in each],
        "seconds": time.monotonic() - started,
    }
print(json.dumps(found))
"""
WHOLE = """
import json
from airflow.dag_processing.dagbag import DagBag
bag = DagBag("/mnt/dags", load_op_links=False)
print(json.dumps({"dags": sorted(bag.dags), "errors": bag.import_errors}))
"""
PLUGIN = """
import json
from airflow import plugins_manager
from airflow.sdk.execution_time import macros
plugins_manager.integrate_macros_plugins()
[plugin] = [plugin for plugin in plugins_manager.get_plugin_info() if plugin["name"] == "demo"]
[view] = plugin["external_views"]
quarters = [macros.demo.quarter(day) for day in ("2026-03-31", "2026-04-01")]
print(json.dumps({"quarters": quarters, "view": view["name"]}))
"""
LOAD = """
import sys
sys.path.insert(0, "/mnt/dags/conditional")
import citibike
print(citibike.citibike().get_task("load").python_callable(params={"feed": FEED}))
"""


@pytest.fixture(scope="module")
def root() -> Root:
    if os.geteuid() != 0:
        pytest.skip("an image is unpacked as root")
    found = collection.root(airflow.IMAGE)
    for folder in ("mnt/dags", "mnt/package", "mnt/client"):
        (found.folder / folder).mkdir(parents=True, exist_ok=True)
    return found


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package airflow_project, with the facts of a stack that has the examples' projects."""
    folder = tmp_path_factory.mktemp("package")
    # Airflow's user reads it through a mount.
    folder.chmod(0o755)
    shutil.copytree(PROJECT / "airflow_project", folder / "airflow_project")
    facts = {
        "namespace": "airflow-tasks",
        "image": "localhost/pandas:1.0.0",
        "pool": False,
        "secret": True,
        "claim": True,
        "data": "file:///opt/data",
        "storage_options": {},
        "labels": {},
        "node_selector": {},
        "tolerations": [],
    }
    (folder / "airflow_project/projects.json").write_text(json.dumps({"example1": facts, "notebooks": facts}))
    return folder


def run(root: Root, script: str, mounts: dict[Path, str], **variables: str) -> str:
    """The output of a Python script with the image's packages."""
    environment = {
        **airflow.IMAGE.settings.env,
        "HOME": airflow.HOME,
        "AIRFLOW_CONFIG": "/dev/null",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
        "PYTHONDONTWRITEBYTECODE": "1",
        **variables,
    }
    as_airflow = ["setpriv", "--reuid=50000", "--regid=0", "--clear-groups", "python", "-c", script]
    command = root.command(as_airflow, mounts={PROJECT / "dags": "/mnt/dags", **mounts})
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.splitlines()[-1]


def test_each_example_is_one_dag_of_its_files_name_and_parses_in_a_second(root: Root, package: Path) -> None:
    found: dict[str, dict[str, Any]] = json.loads(run(root, PARSE, {package: "/mnt/package"}))
    assert found.keys() >= examples.CONDITIONS.keys()
    assert {name: each["errors"] + each["warnings"] for name, each in found.items()} == {name: [] for name in found}
    assert {name: each["dags"] for name, each in found.items()} == {name: [Path(name).stem] for name in found}
    assert {name: each["seconds"] for name, each in found.items() if each["seconds"] >= PARSE_SECONDS} == {}


def test_an_image_with_the_whole_folder_shows_no_import_error(root: Root) -> None:
    found = json.loads(run(root, WHOLE, {}))
    assert found["errors"] == {}
    assert found["dags"] == sorted(path.stem for path in examples.EXAMPLES.glob("*.py"))


def test_the_plugin_has_its_link_and_its_macro(root: Root) -> None:
    found = json.loads(run(root, PLUGIN, {}, AIRFLOW__CORE__PLUGINS_FOLDER="/mnt/dags/plugins"))
    assert found == {"quarters": ["2026-Q1", "2026-Q2"], "view": "DAG authoring guide"}


@pytest.fixture(scope="module")
def client() -> Path:
    """BigQuery's client library and the packages around it, downloaded once."""
    target = cache_dir() / f"bigquery-{hashlib.sha256(' '.join(CLIENT).encode()).hexdigest()[:16]}"
    with locked(cache_dir() / "bigquery.lock"):
        if not target.exists():
            partial = target.with_suffix(".partial")
            shutil.rmtree(partial, ignore_errors=True)
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(partial), "--no-deps"]
            pip += ["--python-version", "3.13", "--only-binary=:all:"]
            subprocess.run([*pip, *CLIENT], check=True)
            partial.rename(target)
    return target


def test_citibike_loads_its_feed_with_googles_client_and_the_identity_of_the_pod(root: Root, client: Path) -> None:
    """The DAG's own code, the provider's hook and Google's client, with the connection that a stack sets and no key.

    BigQuery itself, the metadata server and the feed are stand-ins.
    """
    connection = json.dumps({"conn_type": "google_cloud_platform", "extra": {"project": "simulated-project"}})
    with bigquery.serving() as service:
        service.stations = [
            {"station_id": "a", "num_bikes_available": 7, "is_renting": 1, "eightd_has_available_keys": False},
            {"station_id": "b", "last_reported": 1_700_000_000},
        ]
        output = run(
            root,
            LOAD.replace("FEED", repr(f"http://127.0.0.1:{service.port}/gbfs/station_status.json")),
            {client: "/mnt/client"},
            PYTHONPATH="/mnt/client",
            GCE_METADATA_HOST=f"127.0.0.1:{service.port}",
            GCE_METADATA_IP=f"127.0.0.1:{service.port}",
            BIGQUERY_EMULATOR_HOST=f"http://127.0.0.1:{service.port}",
            **{GOOGLE: connection},
        )
    assert (output, service.refused) == ("2", [])
    [(table, rows)] = service.tables.items()
    assert table == "simulated-project.citibike.station_status"
    assert [(row["station_id"], row["num_bikes_available"], row["is_renting"]) for row in rows] == [
        ("a", 7, True),
        ("b", 0, False),
    ]
    # BigQuery refuses rows with other columns, and rows without a required one.
    columns = {column["name"] for column in service.schemas[table]}
    assert [{*row} ^ columns for row in rows] == [set(), set()]
    assert {column["mode"] for column in service.schemas[table]} == {"REQUIRED"}
