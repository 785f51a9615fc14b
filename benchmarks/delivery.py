"""Measurements of the delivery of DAG files: a commit, the start of a task, and a new version with each kind."""

from __future__ import annotations

import json
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
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
from lab.kubectl import kubectl
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
FIRST_LINE: Final = re.compile(r"first line at ([\d.]+) of version (\d+)")
DAG: Final = """\
import time
from datetime import datetime

from airflow.sdk import dag, task


@dag(dag_id="{name}", schedule=None, start_date=datetime(2026, 1, 1))
def delivered():
    @task(executor="{executor}")
    def begin() -> None:
        print("first line at", time.time(), "of version", {version})

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
class NewVersion:
    """The way of a changed DAG file into a run."""

    source: str
    seconds: float
    """From the push of a commit, or from `pulumi up` with the reference of an image that the node has, until the first
    line of a run of the new version."""
    rolled: Sequence[str]
    """The workloads whose pods were replaced, and the Jobs that ran."""


@dataclass(frozen=True, kw_only=True)
class DeliveryFigures:
    """Results of one installation."""

    starts: Sequence[TaskStart]
    commit_to_visible_seconds: Sequence[float]
    """From the push of each commit until the API lists its DAG."""
    interval_seconds: int
    versions: Sequence[NewVersion]


def measure(shots: int) -> DeliveryFigures:
    """Install, run, measure and remove everything. The tasks run one at a time.

    Args:
        shots: number of runs for each source and executor.
    """
    with tempfile.TemporaryDirectory(prefix="bench-dags-") as name:
        folder = Path(name)
        server = GitServer(folder / "git", Instance().machine_address, TOKEN)
        with step("Images and a repository with DAG files"):
            node.import_images([_airflow(folder, IMAGE, 1), _dags(folder, DAG_IMAGE, 1)])
            server.start()
            server.commit("dags", files("git"))
        stack = node_stack(NAME, yaml.safe_dump({"config": config(server.https_url("dags"))}))
        configure(stack, database.start(), TOKEN)
        try:
            with step(f"{NAME}: up"):
                stack.up()
            return _measured(stack, server, folder, shots)
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


def files(source: str, version: int = 1) -> dict[str, str]:
    """The DAG files of a source by file name: one for each executor."""
    return {
        f"{name}.py": _dag(name, executor, version) for executor in EXECUTORS for name in [dag_id(source, executor)]
    }


def _dag(name: str, executor: str, version: int) -> str:
    values = {"name": name, "executor": executor, "version": str(version)}
    text = DAG
    for key, value in values.items():
        text = text.replace(f"{{{key}}}", value)
    return text


def dag_id(source: str, executor: str) -> str:
    """The DAG of a source and an executor."""
    return f"{source}_{executor}"


def _airflow(folder: Path, name: str, version: int) -> Path:
    """The archive of an Airflow image with DAG files."""
    context, target = folder / f"airflow-{version}", folder / f"airflow-{version}.tar"
    _write(context / "dags", files("image", version))
    requirements = context / "images/airflow/requirements.txt"
    requirements.parent.mkdir(parents=True)
    requirements.touch()
    own.build(context, name, target, log=folder / "airflow.log")
    return target


def _dags(folder: Path, name: str, version: int) -> Path:
    """The archive of an image of DAG files."""
    context, target = folder / f"oci-{version}", folder / f"oci-{version}.tar"
    _write(context / "dags", files("oci", version))
    recipe = containerfile.Recipe(containerfile="images/dags/Containerfile", base=task.debian(), base_name=task.DEBIAN)
    containerfile.build(recipe, context, name, target, log=folder / "oci.log")
    return target


def _write(folder: Path, texts: Mapping[str, str]) -> None:
    folder.mkdir(parents=True)
    for name, content in texts.items():
        (folder / name).write_text(content)


@contextmanager
def _client(stack: Stack) -> Iterator[AirflowClient]:
    """A client of the present pod of the api-server."""
    outputs = stack.outputs()
    forward, url = port_forward(
        state_dir() / "stacks" / NAME / ".lab",
        kubeconfig=node.kubeconfig(),
        namespace=NAME,
        service=f"{NAME}-api-server",
        port=API_PORT,
    )
    try:
        yield logged_in(url, outputs["admin_user"], outputs["admin_password"])
    finally:
        forward.stop()


def _measured(stack: Stack, server: GitServer, folder: Path, shots: int) -> DeliveryFigures:
    with _client(stack) as client:
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
    return DeliveryFigures(
        starts=[task_start(*pair, seconds) for pair, seconds in found.items()],
        commit_to_visible_seconds=visible,
        interval_seconds=INTERVAL_SECONDS,
        versions=_versions(stack, server, folder),
    )


def _versions(stack: Stack, server: GitServer, folder: Path) -> list[NewVersion]:
    """A changed DAG file of each kind of source, one after the other."""
    airflow, dags = IMAGE.replace(":", "-2:"), DAG_IMAGE.replace(":", "-2:")
    with step(f"{NAME}: images of a second version"):
        node.import_images([_airflow(folder, airflow, 2), _dags(folder, dags, 2)])

    def up(key: str, value: str) -> None:
        stack.configure(key, value, path=True)
        stack.up()

    pushes: dict[str, Callable[[], object]] = {
        "git": lambda: server.commit("dags", files("git", 2)),
        "oci": lambda: up("airflow:dags[1].reference", dags),
        "image": lambda: up("airflow:image.reference", airflow),
    }
    found: list[NewVersion] = []
    for source, push in pushes.items():
        with step(f"{NAME}: a new version by {source}"):
            before, began = _pods(), time.time()
            push()
            with _client(stack) as client:
                seconds = _first_run(client, dag_id(source, "KubernetesExecutor"), 2) - began
            found.append(NewVersion(source=source, seconds=round(seconds, 1), rolled=rolled(before, _pods())))
    return found


def _pods() -> list[dict[str, Any]]:
    return json.loads(kubectl("get", "pods", "--namespace", NAME, "--output", "json"))["items"]


def rolled(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> list[str]:
    """The components of pods that were not there before, without task pods."""
    known = {pod["metadata"]["uid"] for pod in before}
    new = {
        pod["metadata"]["labels"].get("app.kubernetes.io/component")
        for pod in after
        if pod["metadata"]["uid"] not in known
    }
    return sorted(component for component in new if component not in (None, "task"))


def _first_run(client: AirflowClient, dag: str, version: int) -> float:
    """The moment of the first line of the first run of a version."""
    deadline = time.monotonic() + UP_SECONDS
    while time.monotonic() < deadline:
        moment, ran = first_line(_run(client, dag)[1])
        if ran == version:
            return moment
    raise LabError(f"No run of {dag} had version {version} within {UP_SECONDS} s.")


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
    return phases(*_run(client, dag))


def _run(client: AirflowClient, dag: str) -> tuple[dict[str, Any], str]:
    """The only task of a new run, with its log."""
    run = client.trigger(dag)
    if client.wait_for_run(dag, run, timeout_seconds=UP_SECONDS) != "success":
        raise LabError(f"DAG {dag} failed; the figures would mean nothing.")
    [instance] = client.tasks(dag, run)
    return instance, client.log(dag, run, instance)


def phases(instance: Mapping[str, Any], log: str) -> tuple[float, float]:
    """Seconds from queued to running, and from there to the first line of the task's code.

    Raises:
        LabError: the log has no first line.
    """
    queued, running = (datetime.fromisoformat(instance[key]).timestamp() for key in ("queued_when", "start_date"))
    return running - queued, first_line(log)[0] - running


def first_line(log: str) -> tuple[float, int]:
    """The moment of the first line of the task's code, and its version.

    Raises:
        LabError: the log has no first line.
    """
    printed = FIRST_LINE.search(log)
    if printed is None:
        raise LabError("The log of a task has no line of the task.")
    return float(printed[1]), int(printed[2])


def _visible(client: AirflowClient, server: GitServer, number: int) -> float:
    name = f"commit_{number}"
    server.commit("dags", {f"{name}.py": _dag(name, EXECUTORS[0], 1)})
    began = time.monotonic()
    while name not in {dag["dag_id"] for dag in client.request("GET", "dags?limit=200&exclude_stale=true")["dags"]}:
        if time.monotonic() - began > UP_SECONDS:
            raise LabError(f"The DAG of a commit was not shown within {UP_SECONDS} s.")
        time.sleep(POLL_SECONDS)
    return round(time.monotonic() - began, 1)
