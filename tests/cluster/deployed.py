"""A stack on a simulated cloud, deployed completely for the tests of one module."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from lab import demo
from lab.access import port_forward
from lab.airflow_client import AirflowClient, logged_in
from lab.clouds.inventory import FOLDER_VARIABLE, Inventory
from lab.engine.stack import Stack
from lab.engine.workspace import workspace
from lab.examples import run_examples
from lab.node.node import Node
from lab.services import database
from lab.services.standins import StandIns
from tests.cluster.cluster import COMPONENT, objects, wait_until
from tests.cluster.installation import Installation

SERVERS: Final = ("gcp:sql/databaseInstance:DatabaseInstance", "azure-native:dbforpostgresql:Server")
NAMESPACE: Final = "airflow"


@dataclass(frozen=True)
class Deployed:
    """A deployed stack, and one run of each example DAG on it."""

    name: str
    stack: Stack
    client: AirflowClient
    runs: dict[str, str]
    inventory: Inventory

    def tasks(self) -> list[dict[str, Any]]:
        return [task for dag, run in self.runs.items() for task in self.client.tasks(dag, run)]

    @property
    def server(self) -> str:
        """The name of its database server."""
        [server] = self.inventory.read().of(*SERVERS)
        return server.id.rpartition("/")[2]

    def destroy(self, node: Node) -> None:
        """Run `pulumi destroy`, and check that nothing is left in the cloud, in the cluster or on the node."""
        wait_until("the task pods are gone", lambda: not objects("pods", None, f"{COMPONENT}=task"))
        self.stack.destroy()
        assert list(self.inventory.read().items) == []
        assert not {NAMESPACE, f"{NAMESPACE}-tasks"} & {space["metadata"]["name"] for space in objects("namespaces")}
        assert [volume["metadata"]["name"] for volume in objects("persistentvolumes") if "csi" in volume["spec"]] == []
        folders = [node.instance.folder / name for name in ("databases", "cloud-volumes")]
        with suppress(FileNotFoundError):
            wait_until("contents are gone", lambda: not [path for folder in folders for path in folder.iterdir()])


@contextmanager
def deployed_stack(name: str, config: str, node: Node, folder: Path) -> Iterator[Deployed]:
    """Deploy a stack from the text of its file, with its own simulated cloud, and run the example DAGs."""
    clouds = Inventory(folder / "clouds")
    leftovers = Installation(name=NAMESPACE, executor="celery", folder=folder)
    leftovers.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, str(clouds.folder))
        StandIns(node, clouds).up()
        stack = workspace(folder / "program", name, demo.simulated_variables(folder / "pulumi"), config)
        forward = None
        try:
            stack.up()
            outputs = stack.outputs()
            service = f"{outputs['name']}-api-server"
            forward, url = port_forward(
                folder, kubeconfig=node.kubeconfig, namespace=NAMESPACE, service=service, port=demo.API_PORT
            )
            client = logged_in(url, outputs["admin_user"], outputs["admin_password"])
            yield Deployed(name, stack, client, run_examples(client), clouds)
        finally:
            if forward is not None:
                forward.stop()
            leftovers.clear()
            for item in clouds.read().of(*SERVERS):
                database.stop(item.id.rpartition("/")[2], node)
