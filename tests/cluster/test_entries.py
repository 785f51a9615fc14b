"""Connections, variables and pools of a stack on a real node: tasks use them, and `up` tells which one is refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator
from typing import Any, Final

import pytest

from tests.cluster.cluster import objects
from tests.cluster.installation import Installation, node_folder

pytestmark = [pytest.mark.services, pytest.mark.timeout(1200), pytest.mark.lab_node("reads a folder of the node")]

NAME: Final = "test-entries"
PASSWORD: Final = "topsecret-value"
CONNECTION: Final = {"conn_type": "postgres", "host": "db.example.org", "login": "me", "password": PASSWORD}
DAG: Final = """
from datetime import datetime
from hashlib import sha256

from airflow.sdk import BaseHook, Variable, dag, task


@dag(schedule=None, start_date=datetime(2026, 1, 1))
def uses_entries():
    @task(pool="night")
    def told() -> None:
        found = BaseHook.get_connection("warehouse")
        print("CONNECTION", found.host, sha256(found.password.encode()).hexdigest())
        print("VARIABLES", Variable.get("region"), sha256(Variable.get("token").encode()).hexdigest())

    told()


uses_entries()
"""
SUM: Final = hashlib.sha256(PASSWORD.encode()).hexdigest()


@pytest.fixture(scope="module")
def installation(airflow_images: None, tmp_path_factory: pytest.TempPathFactory) -> Generator[Installation]:
    with node_folder() as folder:
        (folder / "uses_entries.py").write_text(DAG)
        made = Installation(
            name=NAME,
            executor="kubernetes",
            folder=tmp_path_factory.mktemp(NAME),
            settings={
                "dags": [{"kind": "host_path", "path": str(folder)}],
                "example_dags": False,
                "pools": [{"name": "night", "slots": 3}],
                "variables": {"region": "europe"},
            },
            secrets={
                "connections": json.dumps({"warehouse": CONNECTION}),
                "secret_variables": json.dumps({"token": PASSWORD}),
            },
        )
        made.clear()
        try:
            made.up()
            made.client.wait_for_dags(["uses_entries"])
            yield made
            made.destroy()
        finally:
            made.clear()


def names(installation: Installation, kind: str, field: str) -> set[str]:
    return {found[field] for found in installation.client.request("GET", kind)[kind]}


def job(installation: Installation) -> str:
    """The name of the Job that wrote the entries."""
    [found] = objects("jobs", installation.namespace, "app.kubernetes.io/component=entries")
    return found["metadata"]["name"]


def test_a_task_reads_a_connection_and_variables_of_the_stack_in_its_pool(installation: Installation) -> None:
    client = installation.client
    run = client.trigger("uses_entries")
    [task] = installation.finish("uses_entries", run)
    assert task["pool"] == "night"
    log = client.log("uses_entries", run, task)
    assert f"CONNECTION db.example.org {SUM}" in log
    assert f"VARIABLES europe {SUM}" in log
    assert PASSWORD not in log


def test_an_up_without_a_change_runs_no_job_again(installation: Installation) -> None:
    before = job(installation)
    assert not installation.up().changes()
    assert job(installation) == before


def test_up_names_the_entry_of_a_person_that_it_refuses_and_succeeds_without_it(installation: Installation) -> None:
    client = installation.client
    client.request("POST", "connections", {"connection_id": "people", "conn_type": "http", "host": "of a person"})
    before = job(installation)
    people: dict[str, Any] = {"warehouse": CONNECTION, "people": {**CONNECTION, "host": "of the stack"}}
    installation.stack.configure("airflow:connections", json.dumps(people), secret=True)
    run = installation.stack.up(check=False)
    assert run.code != 0
    said = "\n".join(run.messages())
    assert "connection people exists with another content and was not written by this stack" in said
    assert "No entry was changed." in said
    assert PASSWORD not in run.stdout + run.stderr
    installation.stack.configure("airflow:connections", json.dumps({}), secret=True)
    installation.up()
    assert job(installation) != before
    assert names(installation, "connections", "connection_id") == {"people"}
    assert "region" in names(installation, "variables", "key")


def test_a_stack_that_names_no_entry_any_more_leaves_those_of_people(installation: Installation) -> None:
    # A change writes the stack file anew.
    installation.secrets.clear()
    installation.change("pools", [])
    installation.change("variables", {})
    installation.up()
    assert names(installation, "connections", "connection_id") == {"people"}
    assert names(installation, "variables", "key") == set()
    assert names(installation, "pools", "name") == {"default_pool"}
    assert objects("jobs", installation.namespace, "app.kubernetes.io/component=entries") == []
