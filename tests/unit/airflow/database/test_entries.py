"""Pools that the stack writes to the metadata database."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

from components.airflow.database.migration import KEEPS_ENTRIES
from components.airflow.pods.scripts import SCRIPTS
from tests.unit.program.test_order import waits_for
from tests.unit.recording import recorder
from tests.unit.recording.recorder import Recording
from tests.unit.recording.stacks import config, recorded
from tests.unit.recording.workloads import pods

MARK: Final = "Written by the Pulumi stack"


class Pool:
    """A stand-in for Airflow's model, with a table in memory; the node tests use the real one."""

    table: Final[dict[str, Pool]] = {}

    def __init__(self, pool: str, slots: int, description: str | None, include_deferred: bool = False) -> None:
        self.pool, self.slots, self.description, self.include_deferred = pool, slots, description, include_deferred

    @staticmethod
    def get_pools() -> list[Pool]:
        return [*Pool.table.values()]

    @staticmethod
    def create_or_update_pool(*, name: str, slots: int, description: str, include_deferred: bool) -> None:
        Pool.table[name] = Pool(name, slots, description, include_deferred)

    @staticmethod
    def delete_pool(name: str) -> None:
        del Pool.table[name]


@pytest.fixture
def apply(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The function of the script, on a table with Airflow's own pool and one that a person made."""
    module = ModuleType("airflow.models.pool")
    module.Pool = Pool  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "airflow.models.pool", module)
    Pool.table.clear()
    for pool in (Pool("default_pool", 128, "Default pool"), Pool("people", 3, None, include_deferred=True)):
        Pool.table[pool.pool] = pool
    scope: dict[str, Any] = {"__name__": "apply_entries"}
    exec((SCRIPTS / "apply_entries.py").read_text(), scope)
    return scope["apply_pools"]


def table() -> dict[str, tuple[int, str | None, bool]]:
    return {name: (pool.slots, pool.description, pool.include_deferred) for name, pool in Pool.table.items()}


def test_pools_come_change_and_go_and_those_of_people_stay(apply: Any) -> None:
    before = table()
    apply({"sales": {"slots": 4, "description": "project sales"}})
    assert table() == {**before, "sales": (4, f"{MARK}: project sales", False)}
    apply({"sales": {"slots": 5, "description": "project sales"}})
    assert table()["sales"][0] == 5
    apply({})
    assert table() == before


def test_a_second_run_changes_nothing(apply: Any, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = {"sales": {"slots": 4, "description": "project sales"}}
    apply(wanted)
    apply(wanted)
    assert capsys.readouterr().out.splitlines() == ["pool sales has 4 slots", "pool sales is unchanged"]


def test_a_pool_of_a_person_with_the_name_of_a_project_belongs_to_the_stack_from_then_on(apply: Any) -> None:
    apply({"people": {"slots": 4, "description": "project people"}})
    assert table()["people"] == (4, f"{MARK}: project people", True)


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


def test_the_script_imports_nothing_of_this_project() -> None:
    assert "components" not in (Path(SCRIPTS) / "apply_entries.py").read_text()
