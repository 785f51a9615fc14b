"""Measurements of the delivery of DAG files: from a commit to the UI, and the start of a task with each kind."""

from __future__ import annotations

import re
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import yaml

from benchmarks import database
from lab import node
from lab.access import port_forward
from lab.airflow_client import AirflowClient, logged_in
from lab.demo import API_PORT, node_stack
from lab.engine.stack import Stack
from lab.errors import LabError
from lab.images import containerfile, own, task
from lab.node.instance import Instance
from lab.paths import state_dir
from lab.progress import step
from lab.services.git_server import GitServer

NAME: Final = "bench-dags"
IMAGE: Final = "localhost/airflow:bench-dags"
DAG_IMAGE: Final = "localhost/dags:bench"
TOKEN: Final = "token-of-the-benchmark"  # noqa: S105 - of a server that ends with the benchmark
SOURCES: Final = ("image", "oci", "git")
EXECUTORS: Final = ("CeleryExecutor", "KubernetesExecutor")
INTERVAL_SECONDS: Final = 10
"""The interval of the git source: a commit is seen after half of it on average, and its parsing comes on top."""
COMMITS: Final = 5
UP_SECONDS: Final = 600
POLL_SECONDS: Final = 0.2
FIRST_LINE: Final = re.compile(r"first line at ([\d.]+)")
DAG: Final = """\
import time
from datetime import datetime

from airflow.sdk import dag, task


@dag(dag_id="{name}", schedule=None, start_date=datetime(2026, 1, 1))
def delivered():
    @task(executor="{executor}")
    def begin() -> None:
        print("first line at", time.time())

    begin()


delivered()
"""


@dataclass(frozen=True, kw_only=True)
class TaskStart:
    """Start of the tasks of one source on one executor, medians."""

    source: str
    executor: str
    queued_to_running_seconds: float
    """From the queue of the executor until the process of the task has reported itself."""
    running_to_first_line_seconds: float
    """Until the first line of the task's own code: here Airflow gets the source and parses the file."""
    shots: int


@dataclass(frozen=True, kw_only=True)
class DeliveryFigures:
    """Results of one installation."""

    starts: Sequence[TaskStart]
    commit_to_visible_seconds: Sequence[float]
    """From the push of each commit until the API lists its DAG."""
    interval_seconds: int


def measure(shots: int) -> DeliveryFigures:
    """Install, run, measure and remove everything. The tasks run one at a time.

    Args:
        shots: number of runs for each source and executor.
    """
    with tempfile.TemporaryDirectory(prefix="bench-dags-") as name:
        folder = Path(name)
        server = GitServer(folder / "git", Instance().machine_address, TOKEN)
        with step("Images and a repository with DAG files"):
            node.import_images(_images(folder))
            server.start()
            server.commit("dags", files("git"))
        stack = node_stack(NAME, yaml.safe_dump({"config": config(server.https_url("dags"))}))
        configure(stack, database.start(), TOKEN)
        try:
            with step(f"{NAME}: up"):
                stack.up()
            return _measured(stack, server, shots)
        finally:
            server.stop()
            with step(f"Take {NAME} away"):
                stack.destroy()
                stack.pulumi("stack", "rm", "--yes", "--stack", NAME)
                database.stop()


def config(repository: str) -> dict[str, object]:
    """The stack file, with a source of each kind."""
    return {
        "airflow:cloud": {"kind": "existing", "database": {"kind": "external"}},
        "airflow:executor": {"kind": "celery+kubernetes", "flower": {"enabled": False}},
        "airflow:image": {"reference": IMAGE},
        "airflow:name": NAME,
        "airflow:namespace": NAME,
        "airflow:dags": [
            {"kind": "image", "name": "image"},
            {"kind": "oci", "name": "oci", "reference": DAG_IMAGE},
            {
                "kind": "git",
                "name": "git",
                "repository": repository,
                "branch": "main",
                "interval_seconds": INTERVAL_SECONDS,
            },
        ],
        "airflow:logs": {"kind": "volume", "size_gib": 1},
    }


def configure(stack: Stack, given: database.BenchDatabase, token: str) -> None:
    """Set the secrets of the stack."""
    stack.configure("airflow:metadata_database_url", given.metadata_url, secret=True)
    stack.configure("airflow:result_database_url", given.result_url, secret=True)
    stack.configure("airflow:git_credentials.git.token", token, secret=True, path=True)


def files(source: str) -> dict[str, str]:
    """The DAG files of a source by file name: one for each executor."""
    return {
        f"{name}.py": DAG.replace("{name}", name).replace("{executor}", executor)
        for executor in EXECUTORS
        for name in [dag_id(source, executor)]
    }


def dag_id(source: str, executor: str) -> str:
    """The DAG of a source and an executor."""
    return f"{source}_{executor}"


def _images(folder: Path) -> list[Path]:
    """The archives of an Airflow image with DAG files, and of an image of DAG files."""
    for source in ("image", "oci"):
        dags = folder / source / "dags"
        dags.mkdir(parents=True)
        for name, content in files(source).items():
            (dags / name).write_text(content)
    requirements = folder / "image/images/airflow/requirements.txt"
    requirements.parent.mkdir(parents=True)
    requirements.touch()
    airflow, oci = folder / "airflow.tar", folder / "oci.tar"
    own.build(folder / "image", IMAGE, airflow, log=folder / "airflow.log")
    recipe = containerfile.Recipe(containerfile="images/dags/Containerfile", base=task.debian(), base_name=task.DEBIAN)
    containerfile.build(recipe, folder / "oci", DAG_IMAGE, oci, log=folder / "oci.log")
    return [airflow, oci]


def _measured(stack: Stack, server: GitServer, shots: int) -> DeliveryFigures:
    outputs = stack.outputs()
    forward, url = port_forward(
        state_dir() / "stacks" / NAME / ".lab",
        kubeconfig=node.kubeconfig(),
        namespace=NAME,
        service=f"{NAME}-api-server",
        port=API_PORT,
    )
    try:
        client = logged_in(url, outputs["admin_user"], outputs["admin_password"])
        pairs = [(source, executor) for source in SOURCES for executor in EXECUTORS]
        client.wait_for_dags([dag_id(*pair) for pair in pairs], timeout_seconds=UP_SECONDS)
        found: dict[tuple[str, str], list[tuple[float, float]]] = {pair: [] for pair in pairs}
        with step(f"{NAME}: {shots} tasks of each source on each executor"):
            # In turns, so that what changes on the machine in this time touches all alike.
            for _ in range(shots):
                for pair in pairs:
                    found[pair].append(_start(client, dag_id(*pair)))
        with step(f"{NAME}: {COMMITS} commits"):
            visible = [_visible(client, server, number) for number in range(COMMITS)]
    finally:
        forward.stop()
    return DeliveryFigures(
        starts=[task_start(*pair, seconds) for pair, seconds in found.items()],
        commit_to_visible_seconds=visible,
        interval_seconds=INTERVAL_SECONDS,
    )


def task_start(source: str, executor: str, seconds: Sequence[tuple[float, float]]) -> TaskStart:
    """The medians of the starts of one source on one executor."""
    return TaskStart(
        source=source,
        executor=executor,
        queued_to_running_seconds=round(statistics.median(first for first, _ in seconds), 2),
        running_to_first_line_seconds=round(statistics.median(second for _, second in seconds), 2),
        shots=len(seconds),
    )


def _start(client: AirflowClient, dag: str) -> tuple[float, float]:
    run = client.trigger(dag)
    if client.wait_for_run(dag, run, timeout_seconds=UP_SECONDS) != "success":
        raise LabError(f"DAG {dag} failed; the figures would mean nothing.")
    [instance] = client.tasks(dag, run)
    return phases(instance, client.log(dag, run, instance))


def phases(instance: Mapping[str, Any], log: str) -> tuple[float, float]:
    """Seconds from queued to running, and from there to the first line of the task's code.

    Raises:
        LabError: the log has no first line.
    """
    printed = FIRST_LINE.search(log)
    if printed is None:
        raise LabError("The log of a task has no line of the task.")
    queued, running = (datetime.fromisoformat(instance[key]).timestamp() for key in ("queued_when", "start_date"))
    return running - queued, float(printed[1]) - running


def _visible(client: AirflowClient, server: GitServer, number: int) -> float:
    name = f"commit_{number}"
    server.commit("dags", {f"{name}.py": DAG.replace("{name}", name).replace("{executor}", EXECUTORS[0])})
    began = time.monotonic()
    while name not in {dag["dag_id"] for dag in client.request("GET", "dags?limit=200&exclude_stale=true")["dags"]}:
        if time.monotonic() - began > UP_SECONDS:
            raise LabError(f"The DAG of a commit was not shown within {UP_SECONDS} s.")
        time.sleep(POLL_SECONDS)
    return round(time.monotonic() - began, 1)
