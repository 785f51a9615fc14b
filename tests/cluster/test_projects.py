"""Two projects on a real node: their pods have what is theirs, and reach nothing of the other's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from components.contract.requirements import PROJECT_LABEL
from lab.errors import LabError
from lab.images.names import AIRFLOW
from lab.testing.target import kubectl
from tests.cluster.cluster import objects, wait_until
from tests.cluster.installation import Installation, node_folder

pytestmark = [pytest.mark.dags, pytest.mark.timeout(1200), pytest.mark.lab_node("reads folders of the node")]

NAME: Final = "test-projects"
DAGS: Final = Path(__file__).parent / "dags" / "projects.py"
SECRETS: Final = {"sales": {"BIG_SECRET": "secret of sales"}, "weather": {"BIG_SECRET": "secret of weather"}}
VOLUME: Final = {"kind": "volume", "size_gib": 1}
UNKNOWN: Final = """
from airflow.sdk import dag

from airflow_project import project

project("snow").pod()
"""
"""With the words by which Airflow takes a file for one of DAGs."""
REFUSED: Final = {
    "secret": "this Secret belongs to a project",
    "config": "this ConfigMap belongs to a project",
    "claim": "this claim belongs to a project",
    "account": "this ServiceAccount belongs to a project",
    "other_project": "tasks of a project start and change pods of their own project only",
}
"""Tasks of project `sales`, and the refusal of the API server in their log."""
BY_API: Final = {
    "exec": "tasks of a project reach pods of their own project only",
    "delete": "tasks of a project reach pods of their own project only",
    "read secret": 'cannot get resource \\"secrets\\"',
}
OTHERS_POD: Final[dict[str, Any]] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "weather--any", "namespace": f"{NAME}-tasks", "labels": {PROJECT_LABEL: "weather"}},
    "spec": {
        "containers": [
            {
                "name": "base",
                "image": "alpine:3.24.1",
                "command": ["sleep", "3600"],
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            }
        ],
        "securityContext": {"runAsNonRoot": True, "runAsUser": 50_000, "seccompProfile": {"type": "RuntimeDefault"}},
        "terminationGracePeriodSeconds": 0,
    },
}
"""A pod of the other project: an API server asks admission about the deletion of what exists only."""
MARK: Final = "Written by the Pulumi stack: project"


def projects(**slots: int) -> list[dict[str, Any]]:
    """The settings of the projects with these pools."""
    return [
        {
            "name": name,
            "dags": name,
            "config": {"dummy_key": f"value of {name}"},
            "secrets": ["BIG_SECRET"],
            "data": VOLUME,
            "pool": {"slots": number},
            "image": AIRFLOW,
        }
        for name, number in slots.items()
    ]


@pytest.fixture(scope="module")
def installation(airflow_images: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with node_folder() as folder:
        for name in ("sales", "weather"):
            (folder / name).mkdir(mode=0o755)
        (folder / "sales" / DAGS.name).write_text(DAGS.read_text().replace("NAME", NAME))
        made = Installation(
            name=NAME,
            executor="kubernetes",
            folder=tmp_path_factory.mktemp(NAME),
            settings={
                "dags": [
                    {"kind": "host_path", "name": name, "path": str(folder / name)} for name in ("sales", "weather")
                ],
                "example_dags": False,
                "projects": projects(sales=4, weather=2),
            },
            secrets={"project_secrets": json.dumps(SECRETS)},
        )
        made.clear()
        try:
            made.up()
            made.client.wait_for_dags(["sales_pods", "sales_attacks"])
            yield made
            made.destroy()
        finally:
            made.clear()


@pytest.fixture(scope="module")
def works(installation: Installation) -> dict[str, str]:
    """The logs of the DAG that must succeed."""
    run = installation.client.trigger("sales_pods")
    tasks = installation.finish("sales_pods", run)
    return {task["task_id"]: installation.client.log("sales_pods", run, task) for task in tasks}


@pytest.fixture(scope="module")
def attacks(installation: Installation, works: object) -> dict[str, dict[str, Any]]:
    """The tasks of the DAG that must fail, with their logs."""
    client = installation.client
    kubectl("apply", "--filename", "-", text=json.dumps(OTHERS_POD))
    try:
        run = client.trigger("sales_attacks")
        assert client.wait_for_run("sales_attacks", run, timeout_seconds=600) == "failed"
        tasks = client.tasks("sales_attacks", run)
    finally:
        kubectl("delete", "pod", OTHERS_POD["metadata"]["name"], "--namespace", f"{NAME}-tasks", "--ignore-not-found")
    return {task["task_id"]: {**task, "log": client.log("sales_attacks", run, task)} for task in tasks}


def said(log: str, word: str) -> str:
    """The rest of the only line of a log that begins with a word."""
    [line] = [line for line in log.splitlines() if line.startswith(f"{word} ")]
    return line.removeprefix(f"{word} ")


def test_a_pod_has_config_secret_and_data_of_its_project_and_returns_a_result(works: dict[str, str]) -> None:
    assert json.loads(said(works["check"], "ANSWER")) == {
        "config": "value of sales",
        "secret": "secret of sales",
        "data": "7",
        "project": "sales",
    }


@pytest.mark.parametrize("task", ["check", "overridden"])
def test_tasks_of_a_projects_dags_run_under_its_account_whatever_their_author_says(
    works: dict[str, str], task: str
) -> None:
    assert said(works[task], "ACCOUNT") == f"system:serviceaccount:{NAME}:sales"


@pytest.mark.parametrize("task", REFUSED)
def test_a_pod_that_reaches_for_another_project_is_refused(attacks: dict[str, dict[str, Any]], task: str) -> None:
    assert attacks[task]["state"] == "failed"
    assert "403" in attacks[task]["log"]
    assert REFUSED[task] in attacks[task]["log"]


def test_a_task_with_arguments_of_its_author_does_not_start(
    installation: Installation, attacks: dict[str, dict[str, Any]]
) -> None:
    """Nobody knows whose it is."""
    assert attacks["forged_arguments"]["state"] == "failed"
    scheduler = installation.pod("scheduler")["metadata"]["name"]
    logs = kubectl("logs", "--namespace", NAME, scheduler, "--container", "scheduler")
    assert "The arguments of this task's pod are not those of the executor" in logs


def test_the_token_of_a_projects_task_opens_nothing_of_another_project(attacks: dict[str, dict[str, Any]]) -> None:
    answers = json.loads(said(attacks["by_api"]["log"], "ANSWERS"))
    assert answers.keys() == BY_API.keys()
    assert {what: answer for what, answer in answers.items() if BY_API[what] not in answer} == {}


def test_an_unknown_project_is_an_import_error_that_names_the_known_ones(
    installation: Installation, works: object
) -> None:
    folder = Path(next(source["path"] for source in installation.settings["dags"] if source["name"] == "weather"))
    (folder / "snow.py").write_text(UNKNOWN)
    with pytest.raises(LabError, match=r"Project 'snow' is not a project of this stack, which has sales, weather"):
        installation.client.wait_for_dags(["snow"])
    (folder / "snow.py").unlink()


def pools(installation: Installation) -> dict[str, tuple[int, str | None]]:
    found = installation.client.request("GET", "pools")["pools"]
    return {pool["name"]: (pool["slots"], pool["description"]) for pool in found if pool["name"] != "default_pool"}


def test_pools_come_and_go_with_their_projects_and_those_of_people_stay(
    installation: Installation, attacks: object
) -> None:
    assert pools(installation) == {"sales": (4, f"{MARK} sales"), "weather": (2, f"{MARK} weather")}
    installation.client.request("POST", "pools", {"name": "people", "slots": 3})
    wait_until("the pods of tasks are gone", lambda: not objects("pods", f"{NAME}-tasks"))
    installation.change("projects", projects(sales=5))
    installation.secrets["project_secrets"] = json.dumps({"sales": SECRETS["sales"]})
    installation.change("projects", projects(sales=5))
    installation.up()
    assert {name: slots for name, (slots, _) in pools(installation).items()} == {"sales": 5, "people": 3}
    names = {found["metadata"]["name"] for found in objects("configmaps", f"{NAME}-tasks")}
    assert "weather" not in names
    assert "sales" in names
    [without] = projects(sales=5)
    del without["pool"]
    installation.change("projects", [without])
    installation.up()
    assert {name: slots for name, (slots, _) in pools(installation).items()} == {"people": 3}
