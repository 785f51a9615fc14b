"""Measurements, with one installation of Airflow for each executor."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import yaml

from benchmarks import database
from lab import images, node
from lab.access import port_forward
from lab.airflow_client import AirflowClient, logged_in
from lab.daemon import Daemon
from lab.demo import API_PORT, node_stack
from lab.engine.stack import Stack
from lab.errors import LabError
from lab.images import names
from lab.kubectl import kubectl
from lab.node.instance import Instance
from lab.paths import PROJECT, state_dir
from lab.progress import step

EXECUTORS: Final = ("celery", "kubernetes", "celery+kubernetes")
IMAGES: Final = ("compiled", "official-like")
"""`images/airflow/Containerfile` compiles Airflow's Python files in a layer; the official image has none compiled."""
DAGS: Final = PROJECT / "benchmarks/dags"
SETTLE_SECONDS: Final = 60
"""Time between the first DAG run, with everything Ready, and the reading of memory and CPU at rest, and the time over
which the CPU is counted."""
POLL_SECONDS: Final = 0.2
UP_SECONDS: Final = 900


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Results of one installation."""

    executor: str
    image: str
    up_seconds: float
    """From the start of `pulumi up` to its end, with everything Ready."""
    first_success_seconds: float
    """From the start of `pulumi up` to the success of the first DAG run."""
    idle_memory_mib: float
    """Working set of all pods in the namespace at rest, without the database."""
    idle_cpu_milli: float
    """CPU usage of all pods in the namespace at rest, in thousandths of a core."""
    hundred_tasks_seconds: float
    """A DAG run of 100 parallel trivial tasks, from its trigger to its success."""


def measure(executor: str, image: str) -> Figures:
    """Install, run, measure and remove everything; leftovers of an earlier run are removed first.

    The node must have the image; see `provide`.
    """
    stack = bench_stack(executor, image)
    if stack.state().get("resources"):
        with step(f"Take away what an earlier {stack.name} left"):
            _take_away(stack)
        stack = bench_stack(executor, image)
    with step(f"A database for {stack.name}"):
        use(stack, database.start())
    try:
        return _measured(stack, executor, image)
    finally:
        with step(f"Take {stack.name} away"):
            _take_away(stack)


def provide(image: str) -> None:
    """Import an additional image into the node."""
    if image == "compiled":
        node.import_images([images.compiled()])


def bench_stack(executor: str, image: str) -> Stack:
    """The stack of an executor on the lab's node, without a database yet."""
    return node_stack(stack_name(executor), yaml.safe_dump({"config": config(executor, image)}))


def stack_name(executor: str) -> str:
    """Name of the stack, the installation and its namespace."""
    return f"bench-{executor.replace('+', '-')}"


def config(executor: str, image: str) -> dict[str, object]:
    """The stack file of an executor."""
    name = stack_name(executor)
    return {
        "airflow:cloud": {"kind": "existing", "database": {"kind": "external"}},
        # The official chart deploys no Flower by default.
        "airflow:executor": {"kind": executor, **({} if executor == "kubernetes" else {"flower": {"enabled": False}})},
        **({"airflow:image": {"reference": names.COMPILED}} if image == "compiled" else {}),
        "airflow:name": name,
        "airflow:namespace": name,
        "airflow:dags": [{"kind": "host_path", "path": str(DAGS)}],
        "airflow:logs": {"kind": "volume", "size_gib": 1},
    }


def use(stack: Stack, given: database.BenchDatabase) -> None:
    """Configure the database of a stack."""
    stack.configure("airflow:metadata_database_url", given.metadata_url, secret=True)
    stack.configure("airflow:result_database_url", given.result_url, secret=True)


def _take_away(stack: Stack) -> None:
    name = stack.name
    Daemon(name=f"port-forward-{name}-{name}-api-server", folder=_forward_folder(name)).stop()
    # A killed run leaves its lock.
    stack.pulumi("cancel", "--yes", "--stack", name, check=False)
    stack.destroy()
    stack.pulumi("stack", "rm", "--yes", "--stack", name)
    database.stop()


def _measured(stack: Stack, executor: str, image: str) -> Figures:
    name = stack.name
    log = state_dir() / f"{name}.log"
    with step(f"{name}: from nothing to the first DAG run"), log.open("w") as out:
        started = time.monotonic()
        command = ["pulumi", "up", "--yes", "--non-interactive", "--skip-preview", "--stack", name]
        installing = subprocess.Popen(
            command, cwd=stack.folder, env=dict(stack.environment), stdout=out, stderr=subprocess.STDOUT
        )
        try:
            client = _first_answer(name, installing, log)
            client.wait_for_dags(["one", "hundred"], timeout_seconds=UP_SECONDS)
            _require_success(client, "one", client.trigger("one"))
            first = time.monotonic() - started
            installing.wait(UP_SECONDS)
            up = time.monotonic() - started
        finally:
            # After an interrupt the engine still records the created resources.
            if installing.poll() is None:
                installing.send_signal(signal.SIGINT)
                installing.wait(UP_SECONDS)
    if installing.returncode != 0:
        raise LabError(f"pulumi up of {name} failed.", remedy=f"See {log}.")
    with step(f"{name}: at rest for {SETTLE_SECONDS} s"):
        time.sleep(SETTLE_SECONDS)
        memory = idle_memory_mib(name)
        cpu = idle_cpu_milli(name)
    with step(f"{name}: 100 tasks"):
        began = time.monotonic()
        _require_success(client, "hundred", client.trigger("hundred"))
        hundred = time.monotonic() - began
    return Figures(
        executor=executor,
        image=image,
        up_seconds=round(up, 1),
        first_success_seconds=round(first, 1),
        idle_memory_mib=round(memory, 1),
        idle_cpu_milli=round(cpu, 1),
        hundred_tasks_seconds=round(hundred, 1),
    )


def _first_answer(name: str, installing: subprocess.Popen[bytes], log: Path) -> AirflowClient:
    """A client of an installation that is being created, as soon as its api-server answers."""
    ready = ["get", "deployment", f"{name}-api-server", "-n", name, "-o", "jsonpath={.status.readyReplicas}"]
    deadline = time.monotonic() + UP_SECONDS
    while kubectl(*ready, check=False) != "1":
        if installing.poll() is not None:
            raise LabError(f"pulumi up of {name} ended before the api-server was there.", remedy=f"See {log}.")
        if time.monotonic() > deadline:
            raise LabError(f"The api-server of {name} was not ready within {UP_SECONDS} s.", remedy=f"See {log}.")
        time.sleep(POLL_SECONDS)
    _, url = port_forward(
        _forward_folder(name), kubeconfig=node.kubeconfig(), namespace=name, service=f"{name}-api-server", port=API_PORT
    )
    return logged_in(url, "admin", _admin_password(name))


def _forward_folder(name: str) -> Path:
    return state_dir() / "stacks" / name / ".lab"


def _admin_password(name: str) -> str:
    """Read from the cluster, because the stack's outputs are available only after `up`."""
    secrets = json.loads(
        kubectl("get", "secrets", "-n", name, "-o", "json", "-l", "app.kubernetes.io/component=secrets")
    )
    admin = next(entry for entry in secrets["items"] if f"{name}-secrets-admin" in entry["metadata"]["name"])
    return base64.b64decode(admin["data"]["password"]).decode()


def _require_success(client: AirflowClient, dag: str, run: str) -> None:
    if client.wait_for_run(dag, run, timeout_seconds=UP_SECONDS) != "success":
        raise LabError(f"DAG {dag} failed; the figures would mean nothing.")


def idle_memory_mib(namespace: str) -> float:
    """Working set of a namespace's running pods in MiB, from the kubelet."""
    return sum(pod.get("memory", {}).get("workingSetBytes", 0) for pod in _pods(namespace).values()) / 2**20


def idle_cpu_milli(namespace: str) -> float:
    """CPU usage of a namespace's pods in thousandths of a core, from the kubelet's counters around a pause."""
    before = _pods(namespace)
    time.sleep(SETTLE_SECONDS)
    after = _pods(namespace)
    cores = 0.0
    for name in before.keys() & after.keys():
        # Each reading has its own time stamp.
        seconds = _time_of(after[name]) - _time_of(before[name])
        used = after[name]["cpu"]["usageCoreNanoSeconds"] - before[name]["cpu"]["usageCoreNanoSeconds"]
        cores += used / 1e9 / seconds
    return cores * 1000


def _time_of(pod: dict[str, Any]) -> float:
    return datetime.fromisoformat(pod["cpu"]["time"]).timestamp()


def _pods(namespace: str) -> dict[str, dict[str, Any]]:
    """The kubelet's statistics of a namespace's pods, by pod name."""
    summary = json.loads(kubectl("get", "--raw", f"/api/v1/nodes/{Instance().name}/proxy/stats/summary"))
    return {pod["podRef"]["name"]: pod for pod in summary["pods"] if pod["podRef"]["namespace"] == namespace}
