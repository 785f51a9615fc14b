"""The stacks dev and prod on simulated clouds: `up`, DAGs, logs from the store, `destroy`, and nothing is left.

The program and the stack files are those of the checkout; cluster, database, volumes and object storage are real.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

import pytest

from lab import demo
from lab.node.node import Node
from lab.services import database
from lab.stack_file import StackFile
from tests.cluster.cluster import objects
from tests.cluster.deployed import NAMESPACE, Deployed, deployed_stack

pytestmark = [pytest.mark.timeout(1800), pytest.mark.lab_node("simulated clouds stand beside the lab's node")]

EXECUTORS = {"dev": "CeleryExecutor", "prod": "KubernetesExecutor"}


@pytest.fixture(scope="module", params=EXECUTORS)
def deployed(
    request: pytest.FixtureRequest, node: Node, airflow_images: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployed]:
    """The tests of one stack run in the order of this file; the last test destroys it."""
    file = StackFile.named(request.param)
    # Engine tests cover protection; here everything must be deleted at the end.
    config = file.text(examples=True, protect=False)
    with deployed_stack(file.name, config, node, tmp_path_factory.mktemp(request.param)) as made:
        yield made


def test_tasks_run_by_the_stacks_executor(deployed: Deployed) -> None:
    # Workers are identified by address, task pods by name.
    task_pods = {task["hostname"] for task in deployed.tasks() if not re.fullmatch(r"[0-9.]+", task["hostname"])}
    expected = {"CeleryExecutor": 0, "KubernetesExecutor": len(deployed.tasks())}
    assert len(task_pods) == expected[EXECUTORS[deployed.name]]


def test_every_connection_to_the_database_is_encrypted(deployed: Deployed, node: Node) -> None:
    query = "SELECT ssl, count(*) > 3 FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE client_addr IS NOT NULL"
    assert database.ask(deployed.server, f"{query} GROUP BY ssl", node) == "t|t"


def test_the_broker_keeps_its_messages_on_the_clouds_disk(deployed: Deployed) -> None:
    volumes = objects("persistentvolumes")
    drivers = {volume["spec"]["csi"]["driver"] for volume in volumes if "csi" in volume["spec"]}
    assert drivers == ({"pd.csi.storage.gke.io"} if deployed.name == "dev" else set())


def test_no_pod_or_secret_holds_a_key_of_the_cloud(deployed: Deployed) -> None:
    words = ("private_key", "account_key", "AccountKey", "client_secret", "SharedAccessSignature")
    shown = {
        each["metadata"]["name"]: str(each) for kind in ("pods", "configmaps") for each in objects(kind, NAMESPACE)
    }
    for secret in objects("secrets", NAMESPACE):
        values = [base64.b64decode(value) for value in (secret.get("data") or {}).values()]
        shown[secret["metadata"]["name"]] = str(values)
    assert [name for name, text in shown.items() for word in words if word in text] == []


def test_logs_are_read_from_the_store_when_the_pods_that_wrote_them_are_gone(deployed: Deployed) -> None:
    demo.read_from_store(deployed.client, deployed.runs, NAMESPACE)
    ran = {
        pod["metadata"]["name"]: pod["metadata"]["creationTimestamp"]
        for space in demo.spaces(NAMESPACE)
        for pod in objects("pods", space)
    }
    addresses = {task["hostname"] for task in deployed.tasks()}
    hosts = {name for space in demo.spaces(NAMESPACE) for name in demo.pods_at(space, addresses)}
    ended = max(task["end_date"] for task in deployed.tasks())
    assert [name for name in hosts & ran.keys() if ran[name] < ended[:19]] == []


def test_destroy_leaves_nothing_in_the_cloud_and_nothing_in_the_cluster(deployed: Deployed, node: Node) -> None:
    deployed.destroy(node)
