"""Accounts and roles that the stack writes; tests/engine/test_people.py runs the script on a real Airflow."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.airflow.database.migration import KEEPS_PEOPLE
from tests.unit.program.test_order import waits_for
from tests.unit.recording import recorder
from tests.unit.recording.recorder import Recording, plain
from tests.unit.recording.stacks import config, recorded
from tests.unit.recording.stacks_people import GIVEN_PASSWORD, PASSWORDS, PEOPLE
from tests.unit.recording.workloads import pods

STACK = "celery, people"


def variables(recording: Recording, owner: str) -> dict[str, Any]:
    [pod] = [pod for pod in pods(recording) if pod.owner.name == owner]
    return {entry["name"]: entry for entry in pod.main["env"]}


def test_the_job_has_the_accounts_and_roles_and_waits_for_the_migration() -> None:
    recording = recorded(STACK)
    job = recording.the("Job", "airflow-people-job")
    assert json.loads(variables(recording, job.name)["PEOPLE"]["value"]) == {
        "users": [
            {
                "username": "ada",
                "role": "Op",
                "email": "ada@example.org",
                "first_name": "Ada",
                "last_name": "Lovelace",
            },
            {"username": "bot", "role": "sales", "email": "bot@example.org", "first_name": "bot", "last_name": ""},
        ],
        "roles": {"sales": ["can_read on DAGs", "can_edit on DAG:report"]},
    }
    assert recording.the("Job", "airflow-migrate-job").urn in waits_for(recording, job)


def test_passwords_are_in_one_secret_that_this_job_alone_reads() -> None:
    recording = recorded(STACK)
    secret = recording.the("Secret", "airflow-users")
    stored = json.loads(plain(secret.inputs["stringData"])["passwords"])
    assert stored.keys() == {"ada", "bot"}
    assert stored["bot"] == GIVEN_PASSWORD
    # Generated passwords are outputs; the others are in the stack's config already.
    assert plain(recording.outputs["user_passwords"]) == {"ada": stored["ada"]}
    name = secret.inputs["metadata"].get("name") or secret.object_name
    readers = {pod.owner.name for pod in pods(recording) if name in json.dumps(pod.spec)}
    assert readers == {"airflow-people-job"}


def test_the_migration_ends_the_access_of_accounts_when_the_stack_has_none() -> None:
    """The Job of the accounts is not there then; the migration's own name changes with that, so it runs again."""
    [switch] = KEEPS_PEOPLE
    without, with_people = recorded("celery"), recorded(STACK)
    assert switch not in variables(without, "airflow-migrate-job")
    assert switch in variables(with_people, "airflow-migrate-job")
    names = {found.the("Job", "airflow-migrate-job").object_name for found in (without, with_people)}
    assert len(names) == 2


@pytest.mark.parametrize(
    "changed",
    [
        {"airflow:auth": {**PEOPLE, "custom_roles": {"sales": ["can_read on DAGs"]}}},
        {"airflow:user_passwords": {"secure": json.dumps({"bot": "another password"})}},
    ],
    ids=["a role", "a password"],
)
def test_a_change_is_another_job_and_the_same_migration(changed: dict[str, Any]) -> None:
    stack = {**config("celery", auth=PEOPLE), **PASSWORDS}
    before, after = (
        {job.name: job.object_name for job in recorder.run({**stack, **change}).of_type("Job")}
        for change in ({}, changed)
    )
    assert before["airflow-migrate-job"] == after["airflow-migrate-job"]
    assert before["airflow-people-job"] != after["airflow-people-job"]


def test_the_lifetime_of_sessions_is_that_of_tokens_and_reaches_the_api_server_alone() -> None:
    recording = recorded(STACK)
    found = {
        config_map.name: (
            config_map.inputs["data"].get("AIRFLOW__FAB__SESSION_LIFETIME_MINUTES"),
            config_map.inputs["data"].get("AIRFLOW__API_AUTH__JWT_EXPIRATION_TIME"),
        )
        for config_map in recording.of_type("ConfigMap")
        if "options" in config_map.name
    }
    assert {name: values for name, values in found.items() if values != (None, None)} == {
        "airflow-api-server-options": ("60", "3600")
    }
