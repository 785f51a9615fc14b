"""A second installation in the same cluster: same name, another namespace, an external database, DAGs in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from lab.airflow_client import logged_in
from tests.cluster.cluster import execute, objects, services
from tests.cluster.installation import SMALL, Installation, node_folder

pytestmark = [
    pytest.mark.lab_node("reads a folder of the node"),
    pytest.mark.timeout(1800),
    pytest.mark.parametrize("airflow", ["celery+kubernetes"], indirect=True),
]

USER = "given@user"
PASSWORD = "p@ss:w/rd%"
DATABASE = "given"
DAG = """
from datetime import datetime

from airflow.sdk import dag, task


@dag(schedule=None, start_date=datetime(2026, 1, 1))
def from_folder():
    @task
    def told() -> None:
        print("told by a file on the node")

    told()


from_folder()
"""


@dataclass(frozen=True)
class Neighbours:
    """Two installations in one cluster."""

    first: Installation
    first_services: dict[str, set[str]]
    """Its pods before the other installation existed."""
    second: Installation
    dags: Path
    """The folder of the node with the second installation's DAGs."""


@pytest.fixture(scope="module")
def neighbours(airflow: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neighbours]:
    name = "test-neighbour"
    before = services(airflow.namespace)
    [server] = objects("pods", f"{airflow.namespace}-database")
    with node_folder() as dags:
        second = Installation(
            name=name,
            executor="kubernetes",
            folder=tmp_path_factory.mktemp(name),
            settings={
                "name": airflow.name,
                "cloud": {**SMALL["cloud"], "database": {"kind": "external"}},
                "dags": [{"kind": "host_path", "path": str(dags)}],
                "example_dags": False,
            },
            secrets={
                "metadata_database_url": f"postgresql://{quote(USER)}:{quote(PASSWORD, safe='')}@"
                f"{airflow.name}-postgres.{airflow.namespace}-database.svc:5432/{DATABASE}"
            },
        )
        second.clear()
        try:
            for statement in (
                f"CREATE ROLE \"{USER}\" LOGIN PASSWORD '{PASSWORD}'",
                f'CREATE DATABASE {DATABASE} OWNER "{USER}"',
            ):
                execute(server["metadata"]["namespace"], server["metadata"]["name"], *PSQL, statement)
            second.up()
            yield Neighbours(airflow, before, second, dags)
            second.destroy()
        finally:
            second.clear()


PSQL = ("psql", "--username=postgres", "--set=ON_ERROR_STOP=1", "--command")


def test_a_file_put_into_the_folder_becomes_a_dag_that_runs(neighbours: Neighbours) -> None:
    (neighbours.dags / "from_folder.py").write_text(DAG)
    client = neighbours.second.client
    client.wait_for_dags(["from_folder"])
    run = client.trigger("from_folder")
    [task] = neighbours.second.finish("from_folder", run)
    assert "told by a file on the node" in client.log("from_folder", run, task)


def test_the_given_database_is_the_one_that_is_used(neighbours: Neighbours) -> None:
    [server] = objects("pods", f"{neighbours.first.namespace}-database")
    command = (*PSQL[:-1], f"--dbname={DATABASE}", "--tuples-only", "--command", "SELECT count(*) FROM alembic_version")
    said = execute(server["metadata"]["namespace"], server["metadata"]["name"], *command)
    assert said.strip() == "1"
    assert [space for space in neighbours.second.namespaces if objects("statefulsets", space)] == []


def test_only_a_namespace_with_a_folder_of_the_node_gives_up_pod_security(neighbours: Neighbours) -> None:
    enforced = {
        space["metadata"]["name"]: space["metadata"]["labels"].get("pod-security.kubernetes.io/enforce")
        for space in objects("namespaces")
    }
    assert enforced[neighbours.second.namespace] == "privileged"
    assert enforced[neighbours.first.namespace] == "restricted"


def test_the_first_installation_runs_on_as_before(neighbours: Neighbours) -> None:
    assert services(neighbours.first.namespace) == neighbours.first_services
    neighbours.first.run_dag("hello")


def test_each_installation_has_secrets_of_its_own(neighbours: Neighbours) -> None:
    first, second = neighbours.first.outputs, neighbours.second.outputs
    assert first["name"] == second["name"]
    assert first["admin_password"] != second["admin_password"]
    with pytest.raises(OSError, match="401"):
        logged_in(neighbours.second.url, first["admin_user"], first["admin_password"])
