"""The stack dev with the real Cloud SQL Auth Proxy as a sidecar: `up`, DAGs, `destroy`, and nothing is left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from components.contract.workloads import WORKLOADS
from lab import images
from lab.images import names
from lab.kubectl import kubectl
from lab.node.node import Node
from lab.services import database
from lab.stack_file import StackFile
from tests.cluster.cluster import COMPONENT, Object, objects
from tests.cluster.deployed import NAMESPACE, Deployed, deployed_stack

pytestmark = [
    pytest.mark.sql_proxy,
    pytest.mark.timeout(1800),
    pytest.mark.lab_node("simulated clouds stand beside the lab's node"),
]

PROXY = "database-proxy"
DATABASE_CLIENTS = {workload for workload, traits in WORKLOADS.items() if traits.connects}
# Both executors: workers have their own proxy, task pods have no database connection.
EXECUTOR = {
    "kind": "celery+kubernetes",
    "workers": {"replicas": 1, "concurrency": 4, "cpu_milli": 50},
    "task_pods": {"cpu_milli": 50},
}


def config() -> str:
    content: dict[str, Any] = yaml.safe_load(StackFile.named("dev").text(examples=True, protect=False))
    content["config"]["airflow:cloud"]["database"]["proxy_image"] = names.SQL_PROXY
    content["config"]["airflow:executor"] = EXECUTOR
    # With bytecode Airflow starts in half the time.
    content["config"]["airflow:image"] = {"reference": names.COMPILED}
    return yaml.safe_dump(content)


@pytest.fixture(scope="module")
def deployed(node: Node, airflow_images: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """The tests run in the order of this file; the last test destroys the stack."""
    node.import_images([images.database_proxy(), images.compiled()])
    with deployed_stack("dev", config(), node, tmp_path_factory.mktemp("dev")) as made:
        yield made


def with_proxy() -> dict[str, Object]:
    """The pods with a proxy, by component."""
    return {
        pod["metadata"]["labels"][COMPONENT]: pod
        for pod in objects("pods", NAMESPACE)
        if PROXY in {each["name"] for each in pod["spec"].get("initContainers", [])}
    }


def state_of(pod: Object) -> dict[str, Any]:
    [found] = [each for each in pod["status"]["initContainerStatuses"] if each["name"] == PROXY]
    return found


def test_every_workload_that_talks_to_the_database_has_a_proxy_that_runs(deployed: Deployed) -> None:
    pods = with_proxy()
    assert pods.keys() == DATABASE_CLIENTS
    assert {part: state_of(pod)["restartCount"] for part, pod in pods.items()} == dict.fromkeys(pods, 0)
    running = {part for part, pod in pods.items() if "running" in state_of(pod)["state"]}
    assert running == DATABASE_CLIENTS - {"migration"}


def test_the_migration_ended_and_its_proxy_with_it(deployed: Deployed) -> None:
    pod = with_proxy()["migration"]
    assert pod["status"]["phase"] == "Succeeded"
    assert state_of(pod)["state"]["terminated"]["exitCode"] == 0


def test_tasks_ran_on_workers_and_in_pods_of_their_own(deployed: Deployed) -> None:
    assert {task["executor"] or "CeleryExecutor" for task in deployed.tasks()} == {
        "CeleryExecutor",
        "KubernetesExecutor",
    }
    assert "task" not in with_proxy()


def test_every_connection_to_the_server_comes_through_its_connectors_port(deployed: Deployed, node: Node) -> None:
    [record] = (database.folder(node)).glob("*/server.json")
    assert json.loads(record.read_text())["connectors"] == "required"
    query = "SELECT DISTINCT usename || ' ' || host(client_addr) FROM pg_stat_activity WHERE client_addr IS NOT NULL"
    address = deployed.inventory.read().of("gcp:sql/databaseInstance:DatabaseInstance")[0].outputs["privateIpAddress"]
    found = database.ask(deployed.server, query, node).splitlines()
    assert {line.split()[1] for line in found} == {address}
    assert "airflow" in {line.split()[0] for line in found}


def test_no_proxy_was_refused_anything(deployed: Deployed) -> None:
    said = {
        (part, line["message"])
        for part, pod in with_proxy().items()
        for line in map(
            json.loads,
            kubectl("logs", "--namespace", NAMESPACE, pod["metadata"]["name"], "--container", PROXY).splitlines(),
        )
        if line["severity"] == "ERROR"
    }
    assert said == set()


def test_destroy_leaves_nothing_in_the_cloud_and_nothing_in_the_cluster(deployed: Deployed, node: Node) -> None:
    deployed.destroy(node)
