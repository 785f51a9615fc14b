"""What a change does to a running installation: nothing that it need not, and never to the data."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import pytest
from installation import Installation
from kubectl import objects, services, wait_until

pytestmark = pytest.mark.timeout(1800)

ONE_WITH_CELERY = pytest.mark.parametrize("airflow", ["celery+kubernetes"], indirect=True)
SLEEP_SECONDS = 45
"""Longer than `pulumi up` takes until it reaches the pods."""
NOT_AIRFLOW = "redis:7.0-bookworm"
"""An image that is on the node and has no Airflow in it."""
VARIABLE = {"key": "kept", "value": "since the first day"}


def test_a_second_up_changes_nothing(airflow: Installation) -> None:
    before = services(airflow.namespace)
    run = airflow.up()
    assert run.changes() == {}
    assert services(airflow.namespace) == before


def test_a_refresh_finds_nothing_and_leaves_nothing_to_do(airflow: Installation) -> None:
    before = services(airflow.namespace)
    refresh = airflow.stack.refresh()
    assert refresh.changes() == {}
    airflow.stack.preview("--expect-no-changes")
    assert services(airflow.namespace) == before


@dataclass(frozen=True)
class Change:
    """One setting, its new value, and whose pods it concerns."""

    key: str
    value: int | str
    rolled: set[str]


CHANGES = {
    "celery": Change("executor.workers.concurrency", 5, {"worker"}),
    "kubernetes": Change("executor.task_pods.memory_mib", 640, {"scheduler"}),
    "celery+kubernetes": Change("executor.workers.concurrency", 5, {"worker"}),
}


def test_a_change_rolls_only_its_readers_while_a_running_task_finishes(airflow: Installation) -> None:
    change = CHANGES[airflow.executor]
    client = airflow.client
    run = client.trigger("tutorial", {"seconds": SLEEP_SECONDS})

    def states() -> dict[str, str]:
        return {task["task_id"]: task["state"] for task in client.tasks("tutorial", run)}

    wait_until("the long task runs", lambda: states()["sleep"] == "running")
    before = services(airflow.namespace)
    airflow.change(change.key, change.value)
    airflow.up()
    after = services(airflow.namespace)
    assert before.keys() == after.keys()
    assert {part for part, pods in before.items() if pods != after[part]} == change.rolled
    assert client.wait_for_run("tutorial", run) == "success"
    [task] = [task for task in client.tasks("tutorial", run) if task["task_id"] == "sleep"]
    assert (task["state"], task["try_number"]) == ("success", 1)
    [rolled] = change.rolled
    told = _told_to_end(airflow, before[rolled])
    assert moment(task["start_date"]) < told < moment(task["end_date"])


def moment(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)


def _told_to_end(airflow: Installation, pods: set[str]) -> datetime.datetime:
    """When the node began to stop a pod."""
    [told] = [
        moment(event["firstTimestamp"])
        for event in objects("events", airflow.namespace)
        if event["reason"] == "Killing" and event["involvedObject"]["uid"] in pods
    ]
    return told


@ONE_WITH_CELERY
def test_an_option_of_one_section_rolls_the_part_that_reads_it(airflow: Installation) -> None:
    before = services(airflow.namespace)
    airflow.change("options", {"sections": {"api": {"instance_name": "Tests"}}})
    airflow.up()
    after = services(airflow.namespace)
    assert {part for part, pods in before.items() if pods != after[part]} == {"api-server"}
    # Set where it should be, and answered by the new pod.
    assert "Tests" in airflow.execute("api-server", "airflow", "config", "get-value", "api", "instance_name")


@ONE_WITH_CELERY
def test_a_broken_image_fails_with_pod_and_cause_and_the_corrected_run_keeps_the_data(airflow: Installation) -> None:
    client = airflow.client
    client.request("POST", "variables", VARIABLE)
    run = client.trigger("hello")
    assert client.wait_for_run("hello", run) == "success"
    before = services(airflow.namespace)
    image = airflow.settings.get("image", {})

    airflow.change("image", {"reference": NOT_AIRFLOW})
    failed = airflow.stack.up(check=False)
    assert failed.code != 0
    said = "\n".join(failed.messages())
    assert f"Pod {airflow.namespace}/{airflow.name}-migration-" in said
    assert "create-databases" in said
    assert services(airflow.namespace) == before, "the old version must go on while the new one cannot start"
    assert client.request("GET", "variables/kept")["value"] == VARIABLE["value"]

    airflow.change("image", image)
    airflow.up()
    assert services(airflow.namespace) == before
    assert client.request("GET", "variables/kept")["value"] == VARIABLE["value"]
    assert client.request("GET", f"dags/hello/dagRuns/{run}")["state"] == "success"
    assert airflow.run_dag("hello") == "success"
