"""A run of a DAG while it runs: the states of its tasks, their pods, and where their logs are."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final, cast

from operations.dags.pods import Instance, script
from operations.errors import OperationError

POLL_SECONDS: Final = 2
RETRIES: Final = 10
"""Attempts to watch a run again after the connection to the dag-processor is lost, which a rollout replaces."""
RETRY_SECONDS: Final = 5
Task = dict[str, Any]
"""A task instance: task_id, map_index, try_number, state and hostname."""


def watch(instance: Instance, dag: str, run: str, *, minutes: int) -> int:
    """Print the states of a run's tasks as they change, and then where their logs are.

    Returns the exit code: 1 if the run has failed.

    Raises:
        OperationError: the run does not end within `minutes`, or it disappears.
    """
    shown: dict[tuple[str, int], tuple[str, int]] = {}
    for now in _states(instance, dag, run, time.monotonic() + minutes * 60):
        tasks = cast("list[Task]", now["tasks"])
        for task in tasks:
            key, value = (task["task_id"], task["map_index"]), (task["state"], task["try_number"])
            if task["state"] is not None and shown.get(key) != value:
                shown[key] = value
                print(f"{_clock()} {described(task)}", flush=True)
        if now["state"] in {"success", "failed"}:
            print(f"{_clock()} {dag}: the run ended with {now['state']}", flush=True)
            print("\n".join(_hints(instance, dag, run, tasks)))
            return 0 if now["state"] == "success" else 1
    raise OperationError(f"{dag}: run {run} did not end within {minutes} minutes; it goes on, see it in the UI.")


def described(task: Task) -> str:
    """A task with its state, in words."""
    again = f", try {task['try_number']}" if task["try_number"] > 1 else ""
    return f"{label(task)}: {task['state']}{again}"


def label(task: Task) -> str:
    """The name of a task, with its index where it is mapped."""
    return task["task_id"] if task["map_index"] < 0 else f"{task['task_id']}[{task['map_index']}]"


def _states(instance: Instance, dag: str, run: str, deadline: float) -> Iterator[dict[str, Any]]:
    """The run whenever it has changed; the last time is at the deadline.

    Raises:
        OperationError: the run does not exist, or the dag-processor cannot be asked.
    """
    failures = 0
    while (seconds := deadline - time.monotonic()) > 0:
        question = ("watch", dag, run, str(POLL_SECONDS), f"{seconds:.0f}")
        command = instance.in_dag_processor("python", "-", *question)
        for line in instance.lines(*command, text=script("dag_runs.py")):
            failures = 0
            now = cast("dict[str, Any]", json.loads(line))
            if now["state"] is None:
                raise OperationError(f"{dag}: run {run} is not in the database; somebody has deleted it.")
            yield now
        if time.monotonic() >= deadline:
            return
        failures += 1
        if failures > RETRIES:
            raise OperationError(f"The dag-processor of {instance.name} does not answer; see its pod with kubectl.")
        time.sleep(RETRY_SECONDS)


def _hints(instance: Instance, dag: str, run: str, tasks: Sequence[Task]) -> Iterator[str]:
    """For each task its pod, and the command or page that shows its log."""
    pods = _pods(instance)
    for task in tasks:
        if not task["hostname"]:
            yield f"  {label(task)}: has not run"
            continue
        index = "" if task["map_index"] < 0 else f"/mapped/{task['map_index']}"
        page = f"/dags/{dag}/runs/{run}/tasks/{task['task_id']}{index}"
        found = pods.get(task["hostname"])
        if found is None:
            yield f"  {label(task)}: pod {task['hostname']} is gone; log in the UI: {page}"
            continue
        namespace, pod = found
        elsewhere = ["--namespace", namespace] if namespace != instance.namespace else []
        command = shlex.join([*instance.kubectl, "logs", *elsewhere, pod])
        yield f"  {label(task)}: pod {pod}; log in the UI: {page}; the pod's own: {command}"


def _pods(instance: Instance) -> dict[str, tuple[str, str]]:
    """Namespace and name of the instance's pods, by name and by address: a worker's tasks know its address."""
    found: dict[str, tuple[str, str]] = {}
    for namespace in instance.namespaces:
        said = instance.answer("get", "pods", "--namespace", namespace, "--output", "json")
        for pod in json.loads(said)["items"]:
            name = (namespace, pod["metadata"]["name"])
            keys = (pod["metadata"]["name"], pod.get("status", {}).get("podIP"))
            found |= {key: name for key in keys if key}
    return found


def _clock() -> str:
    return f"{datetime.now().astimezone():%H:%M:%S}"
