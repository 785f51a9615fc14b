"""DAG files in images of their own and on a claim, plugins, uploads, and the commands of `operations dags`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from lab.images import containerfile, task
from lab.node import kubectl as kubectl_binary
from lab.node.node import Node
from lab.testing import target
from lab.testing.target import kubectl
from tests.cluster.cluster import COMPONENT, objects, services, wait_until
from tests.cluster.installation import Installation

pytestmark = [
    pytest.mark.dags,
    pytest.mark.timeout(1800),
    pytest.mark.lab_node("builds images on the lab's Debian"),
]

NAME = "test-sources"
CLAIM = "dag-files"
CLAIM_MANIFEST = f"""
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: {CLAIM}, namespace: {NAME}}}
spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}}}
"""
COMMAND_SECONDS = 400
PLUGIN = """
from airflow.plugins_manager import AirflowPlugin

def greet():
    return "greetings of the plugin"

class Greeting(AirflowPlugin):
    name = "greeting"
    macros = [greet]
"""
IGNORED = "raise RuntimeError('a file that .airflowignore lists was parsed')  # airflow dag"
HEAD = """
from datetime import datetime
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG
"""


def dag(name: str, command: str, schedule: str | None = None) -> str:
    """The text of a DAG with one task."""
    return HEAD + dedent(f"""
        with DAG("{name}", schedule={schedule!r}, start_date=datetime(2026, 1, 1), catchup=False):
            BashOperator(task_id="task", bash_command="{command}")
        """)


def written(folder: Path, **files: str) -> Path:
    """A folder with files; in their names `__` is a slash and a last `_` the dot of the suffix."""
    for name, text in files.items():
        stem, _, suffix = name.replace("__", "/").rpartition("_")
        path = folder / f"{stem}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def built(folder: Path, version: int) -> tuple[str, Path]:
    """Name and archive of an image with DAG files, by the project's Containerfile."""
    context = folder / f"context-{version}"
    written(
        context / "dags",
        from_image_py=dag("from_image", f"echo version {version}: {{{{ macros.greeting.greet() }}}}"),
        plugins__greeting_py=PLUGIN,
        more__from_volume_py=dag("from_volume", "echo from the mounted image"),
        broken__ignored_py=IGNORED,
        _airflowignore="plugins/\nmore/\nbroken/\n",
    )
    name = f"localhost/dags:{version}"
    recipe = containerfile.Recipe(containerfile="images/dags/Containerfile", base=task.debian(), base_name=task.DEBIAN)
    archive = folder / f"dags-{version}.tar"
    containerfile.build(recipe, context, name, archive, log=folder / f"build-{version}.log")
    return name, archive


def sources(copied: str, mounted: str) -> list[dict[str, Any]]:
    """The stack's sources of DAG files."""
    return [
        {"kind": "oci", "name": "copied", "reference": copied, "plugins": "/dags/plugins", "interval_seconds": 5},
        {
            "kind": "oci",
            "name": "mounted",
            "reference": mounted,
            "path": "/dags/more",
            "mount": {"kind": "image_volume"},
            "interval_seconds": 5,
        },
        {"kind": "claim", "name": "uploaded", "claim_name": CLAIM, "sub_path": "team/dags", "interval_seconds": 5},
    ]


@dataclass
class Sources:
    """The deployed stack, with the images of two versions on its node."""

    installation: Installation
    images: list[str]
    folder: Path
    runs: dict[str, str] = field(default_factory=dict)

    def operations(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of `python -m operations dags` in a user's shell, in the folder of the stack."""
        stack = self.installation.stack
        path = os.pathsep.join([str(kubectl_binary().parent), stack.environment["PATH"]])
        return subprocess.run(
            [sys.executable, "-m", "operations", "dags", *arguments, "--stack", stack.name],
            cwd=stack.folder,
            env={**stack.environment, "PATH": path, "KUBECONFIG": str(target.kubeconfig())},
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_SECONDS,
        )

    def log(self, dag: str) -> str:
        """Run a DAG until its success, and return the log of its task."""
        client = self.installation.client
        client.wait_for_dags([dag])
        run = self.installation.run_dag(dag)
        [task] = client.tasks(dag, run)
        return client.log(dag, run, task)


def create_claim() -> None:
    """The user's claim, as soon as the stack has created the namespace."""
    wait_until("the namespace is there", lambda: NAME in {n["metadata"]["name"] for n in objects("namespaces")})
    kubectl("apply", "--filename", "-", text=CLAIM_MANIFEST)


@pytest.fixture(scope="module")
def deployed(node: Node, airflow_images: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sources]:
    folder = tmp_path_factory.mktemp(NAME)
    images = [built(folder, version) for version in (1, 2)]
    node.import_images([archive for _, archive in images])
    names = [name for name, _ in images]
    installation = Installation(
        name=NAME,
        executor="kubernetes",
        folder=folder,
        settings={"dags": sources(names[0], names[0]), "example_dags": False},
    )
    installation.clear()
    claim = threading.Thread(target=create_claim)
    claim.start()
    try:
        installation.up()
        claim.join()
        yield Sources(installation, names, folder)
    finally:
        installation.clear()


def test_a_dag_of_an_image_runs_with_the_plugin_of_the_image(deployed: Sources) -> None:
    assert "version 1: greetings of the plugin" in deployed.log("from_image")


def test_a_dag_of_an_image_volume_runs(deployed: Sources) -> None:
    assert "from the mounted image" in deployed.log("from_volume")


def test_the_api_server_has_the_plugin(deployed: Sources) -> None:
    plugins = deployed.installation.client.request("GET", "plugins")["plugins"]
    [found] = [plugin for plugin in plugins if plugin["name"] == "greeting"]
    assert found["source"] == "$PLUGINS_FOLDER/greeting.py"


def test_a_file_that_airflowignore_lists_is_not_parsed(deployed: Sources) -> None:
    client = deployed.installation.client
    client.wait_for_dags(["from_image"])
    assert client.request("GET", "importErrors")["import_errors"] == []
    # Its folder is part of the first source too, which ignores it.
    [mounted] = [dag for dag in client.request("GET", "dags?limit=100")["dags"] if dag["dag_id"] == "from_volume"]
    assert mounted["bundle_name"] == "mounted"


@pytest.fixture(scope="module")
def uploaded(deployed: Sources) -> Path:
    """The local folder, after its first upload."""
    local = written(
        deployed.folder / "local",
        uploaded_py=dag("uploaded", "echo from the share"),
        daily_py=dag("daily", "true", "@daily"),
        failing_py=dag("failing", "exit 1"),
        broken__ignored_py=IGNORED,
        _airflowignore="broken/\n",
    )
    done = deployed.operations("upload", str(local))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 new, 0 changed, 0 removed, 0 unchanged" in done.stdout
    return local


def test_an_upload_shows_within_the_interval_and_runs(deployed: Sources, uploaded: Path) -> None:
    deployed.installation.client.wait_for_dags(["uploaded", "daily", "failing"], timeout_seconds=60)
    assert "from the share" in deployed.log("uploaded")
    assert objects("pods", NAME, f"{COMPONENT}=upload") == []


def test_the_command_of_the_output_is_that_of_the_upload(deployed: Sources) -> None:
    command = deployed.installation.outputs["upload_command"]
    assert command == f"python -m operations dags upload --stack {NAME}"


def test_a_trigger_that_is_watched_ends_with_its_run(deployed: Sources, uploaded: Path) -> None:
    deployed.installation.client.wait_for_dags(["uploaded", "failing"])
    done = deployed.operations("trigger", "uploaded", "--watch", "--unpause")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "task: success" in done.stdout
    assert "uploaded: the run ended with success" in done.stdout
    assert f"task: pod {NAME}-task-uploaded-task-" in done.stdout
    failed = deployed.operations("trigger", "failing", "--watch", "--unpause")
    assert failed.returncode == 1, failed.stdout + failed.stderr
    assert "failing: the run ended with failed" in failed.stdout


def test_mistakes_are_one_message(deployed: Sources, uploaded: Path) -> None:
    deployed.installation.client.wait_for_dags(["daily"])
    unknown = deployed.operations("trigger", "none")
    assert unknown.returncode == 2
    assert "Airflow has no DAG 'none'; it has: " in unknown.stderr
    paused = deployed.operations("backfill", "daily", "--from", "2026-02-01", "--to", "2026-02-03")
    assert paused.returncode == 2
    assert "DAG 'daily' is paused" in paused.stderr
    without = deployed.operations("backfill", "uploaded", "--from", "2026-02-01", "--to", "2026-02-03", "--unpause")
    assert without.returncode == 2
    assert without.stderr.count("\n") == 1
    assert "DagNonPeriodicScheduleException" in without.stderr or "not periodic" in without.stderr.lower()


def test_a_backfill_runs_each_date_of_the_schedule(deployed: Sources, uploaded: Path) -> None:
    client = deployed.installation.client
    client.wait_for_dags(["daily"])
    done = deployed.operations("backfill", "daily", "--from", "2026-02-01", "--to", "2026-02-03", "--unpause")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "has 3 runs" in done.stdout

    def dates() -> set[str]:
        runs = client.request("GET", "dags/daily/dagRuns?limit=100&run_type=backfill")["dag_runs"]
        return {run["logical_date"][:10] for run in runs if run["state"] == "success"}

    wait_until("the runs succeed", lambda: dates() == {"2026-02-01", "2026-02-02", "2026-02-03"}, timeout_seconds=240)


def test_a_test_runs_all_tasks_and_prints_their_logs(deployed: Sources, uploaded: Path) -> None:
    """The DAGs are active: a test with --pause leaves them so."""
    done = deployed.operations("test", "uploaded", "--pause")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "from the share" in done.stdout + done.stderr
    failed = deployed.operations("test", "failing", "--pause")
    assert failed.returncode == 1
    assert not deployed.installation.client.request("GET", "dags/uploaded")["is_paused"]


def test_another_upload_removes_what_the_folder_has_not(deployed: Sources, uploaded: Path) -> None:
    client = deployed.installation.client
    (uploaded / "failing.py").unlink()
    (uploaded / "uploaded.py").write_text(dag("uploaded", "echo another text"))
    done = deployed.operations("upload", str(uploaded), "--source", "uploaded")
    assert "0 new, 1 changed, 1 removed, 3 unchanged" in done.stdout, done.stdout + done.stderr

    def active() -> set[str]:
        return {found["dag_id"] for found in client.request("GET", "dags?limit=100&exclude_stale=true")["dags"]}

    wait_until("the removed DAG is gone", lambda: "failing" not in active())
    assert "another text" in deployed.log("uploaded")


def test_another_dag_image_rolls_only_what_reads_dags(deployed: Sources) -> None:
    """Neither scheduler nor migration; a task pod has the new files as soon as the node has renewed the template."""
    installation = deployed.installation
    # With plugins in the image, the api-server and the scheduler read it too.
    installation.change("dags", [{**source, "plugins": None} for source in sources(*deployed.images[:1] * 2)[:1]])
    installation.up()
    before, jobs = services(NAME), {job["metadata"]["uid"] for job in objects("jobs", NAME)}
    installation.change("dags", [{**source, "plugins": None} for source in sources(*deployed.images[1:] * 2)[:1]])
    installation.up()
    after = services(NAME)
    assert {part for part in before if before[part] != after[part]} == {"dag-processor", "triggerer"}
    assert {job["metadata"]["uid"] for job in objects("jobs", NAME)} == jobs
    [template] = [found for found in objects("configmaps", NAME) if "task-template" in found["metadata"]["name"]]
    images = [c["image"] for c in json.loads(template["data"]["task.yaml"])["spec"]["initContainers"]]
    assert images == [deployed.images[1]]

    def scheduler_sees_it() -> bool:
        return deployed.images[1] in installation.execute("scheduler", "cat", "/opt/airflow/pod_templates/task.yaml")

    wait_until("the scheduler's template is new", scheduler_sees_it, timeout_seconds=150)
