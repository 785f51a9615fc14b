"""The Job that writes entries to the metadata database; what its script does there: tests/engine/test_entries.py."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from pathlib import Path
from typing import Any, Final

from components.airflow.database.migration import KEEPS_ENTRIES
from components.airflow.pods.scripts import SCRIPTS
from tests.unit.program.test_order import waits_for
from tests.unit.recording import recorder
from tests.unit.recording.recorder import Recording
from tests.unit.recording.stacks import config, recorded
from tests.unit.recording.stacks_entries import ENTRIES, PASSWORD, SECRET
from tests.unit.recording.workloads import pods

MARK: Final = "Written by the Pulumi stack"


def run(executor: str = "celery", **secrets: str) -> Recording:
    """A stack with plain entries, and secret ones."""
    changed = {f"airflow:{key}": {"secure": text} for key, text in secrets.items()}
    recording = recorder.run({**config(executor), **ENTRIES, **changed})
    assert recording.error is None
    return recording


def job_name(recording: Recording) -> Any:
    return recording.the("Job", "airflow-entries-job").object_name


def test_both_scripts_know_the_same_mark() -> None:
    found = {path.name: re.findall(r'^MARK = "(.*)"$', path.read_text(), re.MULTILINE) for path in SCRIPTS.glob("*.py")}
    assert {name: marks for name, marks in found.items() if marks} == {
        "apply_entries.py": [MARK],
        "migrate.py": [MARK],
    }


def variables(recording: Recording, owner: str) -> dict[str, str]:
    [pod] = [pod for pod in pods(recording) if pod.owner.name == owner]
    return {entry["name"]: entry.get("value", "") for entry in pod.main["env"]}


def test_the_job_names_the_pools_and_waits_for_the_migration() -> None:
    recording = recorded("both, projects")
    job = recording.the("Job", "airflow-entries-job")
    assert json.loads(variables(recording, job.name)["ENTRIES"]) == {
        "pools": {"sales": {"slots": 4, "description": "project sales"}}
    }
    assert recording.the("Job", "airflow-migrate-job").urn in waits_for(recording, job)


def test_the_migration_deletes_the_pools_of_a_stack_that_names_none() -> None:
    """The Job of the entries is not there then; the migration's own name changes with that, so it runs again."""
    [switch] = KEEPS_ENTRIES
    without, with_pools = recorded("celery+kubernetes"), recorded("both, projects")
    assert switch not in variables(without, "airflow-migrate-job")
    assert switch in variables(with_pools, "airflow-migrate-job")
    names = {found.the("Job", "airflow-migrate-job").object_name for found in (without, with_pools)}
    assert len(names) == 2


def test_another_number_of_slots_is_another_job_and_the_same_migration() -> None:
    found = [recorder.run(config("celery", projects=[{"name": "sales", "pool": {"slots": slots}}])) for slots in (4, 5)]
    names = [{job.name: job.object_name for job in recording.of_type("Job")} for recording in found]
    assert names[0]["airflow-migrate-job"] == names[1]["airflow-migrate-job"]
    assert names[0]["airflow-entries-job"] != names[1]["airflow-entries-job"]


def test_plain_entries_are_in_the_environment_and_secret_ones_in_a_secret_that_only_the_job_mounts() -> None:
    recording = run("celery+kubernetes")
    found = variables(recording, "airflow-entries-job")
    assert json.loads(found["ENTRIES"]) == {
        "pools": {"big": {"slots": 9, "description": "", "include_deferred": True}},
        "variables": {"region": "europe"},
    }
    secret = recording.the("Secret", "airflow-entries")
    content = json.loads(secret.plain["stringData"]["entries.json"])
    assert content == {
        "connections": {"db": {"conn_type": "postgres", "port": 5432, "password": PASSWORD}},
        "variables": {"token": PASSWORD},
    }
    name = secret.object_name
    assert name
    mounting = [pod.owner.name for pod in pods(recording) if name in json.dumps(pod.spec)]
    assert mounting == ["airflow-entries-job"]
    assert found["SECRET_ENTRIES"] == "/opt/airflow/entries/entries.json"


def test_another_content_of_a_secret_entry_is_another_job_and_the_same_content_is_the_same() -> None:
    first, same = run(), run()
    assert job_name(first) == job_name(same)
    others = [
        run(secret_variables=json.dumps({"token": "another"})),
        run(connections=json.dumps({"db": "postgres://"})),
    ]
    assert len({job_name(first), *(job_name(other) for other in others)}) == 3
    migrations = {found.the("Job", "airflow-migrate-job").object_name for found in (first, *others)}
    assert len(migrations) == 1


def test_the_name_of_the_job_does_not_let_a_short_password_be_guessed() -> None:
    """The hash in it covers a random salt as well."""
    salts = {len(b64decode(run().the("Secret", "airflow-entries").plain["stringData"]["salt"]))}
    assert salts == {32}


def test_the_migration_and_the_entries_have_the_fernet_key() -> None:
    recording = run()
    for job in ("airflow-migrate-job", "airflow-entries-job"):
        assert "AIRFLOW__CORE__FERNET_KEY" in variables(recording, job)


def test_secret_entries_alone_make_a_job() -> None:
    recording = recorder.run({**config("celery"), "airflow:connections": SECRET["airflow:connections"]})
    assert variables(recording, "airflow-entries-job")["ENTRIES"] == "{}"


def test_the_script_imports_nothing_of_this_project() -> None:
    assert "components" not in (Path(SCRIPTS) / "apply_entries.py").read_text()
