"""Effects of changes on a running installation: only what is necessary, and never on the data."""

from __future__ import annotations

import datetime
import re
import signal
import subprocess
import time
import urllib.error
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from lab.airflow_client import logged_in
from lab.engine.stack import Stack
from tests.cluster.cluster import COMPONENT, objects, services, wait_until
from tests.cluster.installation import Installation

pytestmark = pytest.mark.timeout(1800)

ONE_WITH_TASK_PODS = pytest.mark.parametrize("airflow", ["kubernetes"], indirect=True)
ONE_WITH_CELERY = pytest.mark.parametrize("airflow", ["celery+kubernetes"], indirect=True)
SLEEP_SECONDS = {"celery": 180, "kubernetes": 45, "celery+kubernetes": 180}
"""Longer than the time until `pulumi up` ends the pods: workers end after their successors are ready."""
NOT_AIRFLOW = "valkey/valkey:8.1-trixie"
"""An existing image without Airflow."""
MISSING = "nowhere/airflow:3.3.2"
"""An image that does not exist."""
GIVE_UP_SECONDS = 180
VARIABLE = {"key": "kept", "value": "since the first day"}


def test_a_second_up_changes_nothing(airflow: Installation) -> None:
    before = services(airflow.namespace)
    run = airflow.up()
    assert run.changes() == {}
    assert services(airflow.namespace) == before


def test_a_refresh_finds_nothing_and_leaves_nothing_to_do(airflow: Installation) -> None:
    before = services(airflow.namespace)
    [summary] = [event["summaryEvent"] for event in airflow.stack.refresh().events("summaryEvent")]
    assert summary["resourceChanges"].keys() == {"same"}
    airflow.stack.preview("--expect-no-changes")
    assert services(airflow.namespace) == before


@dataclass(frozen=True)
class Change:
    """New values of settings, and the affected workloads."""

    settings: dict[str, Any]
    rolled: set[str]
    runs_task: str
    """The workloads whose replacement a running task must survive."""


SMALLER = {"executor.workers.concurrency": 3}
"""The scheduler queues only as many tasks as workers have slots, so it reads this, too."""
CHANGES = {
    "celery": Change(SMALLER, {"worker", "scheduler"}, "worker"),
    "kubernetes": Change({"executor.task_pods.memory_mib": 640}, {"scheduler"}, "scheduler"),
    "celery+kubernetes": Change(
        {**SMALLER, "options": {"api": {"instance_name": "Tests"}}}, {"worker", "scheduler", "api-server"}, "worker"
    ),
}


def test_a_change_rolls_only_its_readers_while_a_running_task_finishes(airflow: Installation) -> None:
    change = CHANGES[airflow.executor]
    client = airflow.client
    run = client.trigger("tutorial", {"seconds": SLEEP_SECONDS[airflow.executor]})

    def states() -> dict[str, str]:
        return {task["task_id"]: task["state"] for task in client.tasks("tutorial", run)}

    wait_until("the long task runs", lambda: states()["sleep"] == "running")
    before = services(airflow.namespace)
    for key, value in change.settings.items():
        airflow.change(key, value)
    airflow.up()
    after = services(airflow.namespace)
    assert before.keys() == after.keys()
    assert {part for part, pods in before.items() if pods != after[part]} == change.rolled
    airflow.finish("tutorial", run)
    [task] = [task for task in client.tasks("tutorial", run) if task["task_id"] == "sleep"]
    assert (task["state"], task["try_number"]) == ("success", 1)
    told = _told_to_end(airflow, before[change.runs_task])
    assert moment(task["start_date"]) < told < moment(task["end_date"])


def moment(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)


def _told_to_end(airflow: Installation, pods: set[str]) -> datetime.datetime:
    """The time at which the node began to stop a pod."""
    [told] = [
        moment(event["firstTimestamp"])
        for event in objects("events", airflow.namespace)
        if event["reason"] == "Killing" and event["involvedObject"]["uid"] in pods
    ]
    return told


@pytest.fixture(scope="module")
def kept_run(airflow: Installation) -> str:
    """A DAG run and a Variable that existed before the failure."""
    airflow.client.request("POST", "variables", VARIABLE)
    run = airflow.client.trigger("hello")
    airflow.finish("hello", run)
    return run


def require_kept(airflow: Installation, run: str) -> None:
    """The database is the same, and the right password is still valid."""
    assert airflow.client.request("GET", "variables/kept")["value"] == VARIABLE["value"]
    assert airflow.client.request("GET", f"dags/hello/dagRuns/{run}")["state"] == "success"


@ONE_WITH_CELERY
def test_an_up_that_waits_for_a_missing_image_can_be_interrupted_and_names_the_pod(
    airflow: Installation, kept_run: str
) -> None:
    """By default the engine gives up only after ten minutes."""
    before = services(airflow.namespace)
    airflow.change("image", {"reference": MISSING})
    said, code = interrupted_up(airflow.stack, when=lambda: _waits_for_image(airflow))
    assert code != 0
    assert f"[Pod {airflow.namespace}/{airflow.name}-migration-" in said
    assert re.search(r"ErrImagePull|ImagePullBackOff", said), said
    assert services(airflow.namespace) == before
    require_kept(airflow, kept_run)


def _waits_for_image(airflow: Installation) -> bool:
    reasons = [
        state["state"].get("waiting", {}).get("reason")
        for pod in objects("pods", airflow.namespace, f"{COMPONENT}=migration")
        for kind in ("initContainerStatuses", "containerStatuses")
        for state in pod["status"].get(kind, [])
        if state["image"].endswith(MISSING)
    ]
    return bool({"ErrImagePull", "ImagePullBackOff"}.intersection(reasons))


def interrupted_up(stack: Stack, *, when: Callable[[], bool]) -> tuple[str, int]:
    """Output and exit code of `pulumi up` if it is interrupted as soon as a condition is true."""
    command = [
        "pulumi",
        "--non-interactive",
        "--color",
        "never",
        "up",
        "--yes",
        "--skip-preview",
        "--stack",
        stack.name,
    ]
    with subprocess.Popen(
        command,
        cwd=stack.folder,
        env=dict(stack.environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as child:
        try:
            wait_until("the pod waits for its image", when, timeout_seconds=GIVE_UP_SECONDS)
            # The engine notices it a moment after this test.
            time.sleep(3)
            child.send_signal(signal.SIGINT)
            said, _ = child.communicate(timeout=GIVE_UP_SECONDS)
        finally:
            child.kill()
    return said, child.returncode


@ONE_WITH_CELERY
def test_a_broken_image_fails_with_pod_and_cause_and_the_corrected_run_keeps_the_data(
    airflow: Installation, kept_run: str
) -> None:
    before = services(airflow.namespace)
    airflow.change("image", {"reference": NOT_AIRFLOW})
    failed = airflow.stack.up(check=False)
    assert failed.code != 0
    said = "\n".join(failed.messages())
    assert f"Pod {airflow.namespace}/{airflow.name}-migration-" in said
    assert re.search(r"migration.*(exit code|StartError|RunContainerError|CrashLoopBackOff)", said), said
    assert services(airflow.namespace) == before, "the old version goes on while the new one cannot start"
    require_kept(airflow, kept_run)

    airflow.change("image", {})
    airflow.up()
    # The pod template contains the image; its new object has a new name, which the scheduler mounts.
    after = services(airflow.namespace)
    assert {part for part, pods in before.items() if pods != after[part]} <= {"scheduler"}
    require_kept(airflow, kept_run)
    airflow.run_dag("hello")


@ONE_WITH_TASK_PODS
def test_a_replaced_password_of_the_first_user_opens_and_the_old_one_does_not(airflow: Installation) -> None:
    """The last test here: earlier tokens and outputs are invalid with the new password."""
    user, old, before = airflow.outputs["admin_user"], airflow.outputs["admin_password"], services(airflow.namespace)
    airflow.stack.up("--replace", airflow.stack.resource(f"{airflow.name}-secrets-admin-password")["urn"])
    airflow.outputs = airflow.stack.outputs()
    new = airflow.outputs["admin_password"]
    assert new != old
    logged_in(airflow.url, user, new)
    with pytest.raises(urllib.error.HTTPError) as refused:
        logged_in(airflow.url, user, old)
    assert refused.value.code == 401
    refused.value.close()
    assert services(airflow.namespace) == before, "no pod but the migration's reads it"
