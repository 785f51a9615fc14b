"""The real Cloud SQL Auth Proxy connects to a simulated instance with its role, and direct connections are refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from components.cloud.gcp.database import proxy
from lab import images
from lab.clouds.gcp.server_certificates import AUTHORITIES
from lab.clouds.inventory import Inventory
from lab.images import names
from lab.kubectl import kubectl
from lab.node.node import Node
from lab.services import database, google
from lab.services.sql_admin import SERVER
from lab.services.standins import StandIns
from lab.testing.space import Space, eventually
from lab.testing.sql_instances import requiring_connectors
from lab.testing.worlds import Worlds

pytestmark = [
    pytest.mark.sql_proxy,
    pytest.mark.lab_node("simulated clouds stand beside the lab's node"),
]

PROJECT = "sql-project"
NAME = "test-sql"
SPACE = "sql-test"
CONNECTION = f"{PROJECT}:europe-west1:{NAME}"
INSTANCE = requiring_connectors(PROJECT, NAME)
DENIED = "Error 403: The client is not authorized to make this request., notAuthorized"
CLIENTS = ("client", "stranger", "neighbour", "viewer")
WHERE_FROM = "SELECT host(client_addr) || ' ' || ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE pid = "


def condition(instance: str) -> dict[str, str]:
    name = f"resource.name == 'projects/{PROJECT}/instances/{instance}'"
    return {"expression": f"{name} && resource.service == 'sqladmin.googleapis.com'"}


GRANTS: dict[str, dict[str, Any]] = {
    "client": {"role": "roles/cloudsql.client", "condition": condition(NAME)},
    "neighbour": {"role": "roles/cloudsql.client", "condition": condition("another")},
    "viewer": {"role": "roles/cloudsql.viewer"},
}


@pytest.fixture(scope="module")
def endpoint(node: Node) -> Iterator[database.Endpoint]:
    database.stop(NAME, node)
    yield database.start(INSTANCE, node)
    database.stop(NAME, node)


@pytest.fixture(scope="module")
def worlds(
    node: Node, airflow_images: None, endpoint: database.Endpoint, tmp_path_factory: pytest.TempPathFactory
) -> Worlds:
    node.import_images([images.database_proxy()])
    made = Worlds(StandIns(node, Inventory(tmp_path_factory.mktemp("clouds"))))
    made.services.up()
    made.services.furnish("gcp")
    made.hold(google.CLUSTER, "cluster", workloadIdentityConfig={"workloadPool": f"{PROJECT}.svc.id.goog"})
    addresses = [{"type": "PRIVATE", "ipAddress": endpoint.address}]
    outputs = {"connectionName": CONNECTION, "ipAddresses": addresses}
    made.hold(SERVER, NAME, name=NAME, region="europe-west1", databaseVersion="POSTGRES_17", outputs=outputs)
    made.remember(AUTHORITIES, {NAME: [endpoint.authority]})
    for client in CLIENTS:
        email = f"{client}@{PROJECT}.iam.gserviceaccount.com"
        account = f"projects/{PROJECT}/serviceAccounts/{email}"
        made.hold(google.ACCOUNT, account, outputs={"email": email})
        pod = f"serviceAccount:{PROJECT}.svc.id.goog[{SPACE}/{client}]"
        made.hold(
            google.ACCOUNT_MEMBER, f"binding-{client}", serviceAccountId=account, role=google.USER_ROLE, member=pod
        )
        if client in GRANTS:
            member = f"serviceAccount:{email}"
            made.hold(google.PROJECT_MEMBER, f"access-{client}", project=PROJECT, member=member, **GRANTS[client])
    return made


@pytest.fixture(scope="module")
def space(node: Node, worlds: Worlds) -> Iterator[Space]:
    space = Space(node.api, SPACE)
    space.create()
    for client in (*CLIENTS, "thief"):
        email = f"{'client' if client == 'thief' else client}@{PROJECT}.iam.gserviceaccount.com"
        metadata = {"name": client, "annotations": {google.ANNOTATION: email}}
        space.api.create(f"{space.path}/serviceaccounts", {"metadata": metadata})
    yield space
    space.remove()


def asks(space: Space, client: str, query: str, *, user: str = "boss", name: str | None = None) -> str:
    """Start a pod whose client runs a query through the proxy sidecar of the program."""
    beside = proxy(names.SQL_PROXY, CONNECTION)
    hardened = {
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "imagePullPolicy": "IfNotPresent",
    }
    sidecar = {
        "name": "proxy",
        "image": beside.image,
        "args": ["--debug-logs", *beside.args],
        "env": [{"name": name, "value": value} for name, value in beside.environment.items()],
        "restartPolicy": "Always",
        "resources": {"limits": {"memory": f"{beside.memory_mib}Mi"}},
        "startupProbe": {"httpGet": {"path": beside.startup_path, "port": beside.health_port}, "periodSeconds": 1},
        **hardened,
    }
    psql = f"host=127.0.0.1 port=5432 user={user} dbname=postgres sslmode=disable"
    main = {
        "name": "client",
        "image": names.POSTGRES,
        "command": ["psql", "-XAtq", psql, "-c", query],
        "env": [{"name": "PGPASSWORD", "value": INSTANCE.password}],
        **hardened,
    }
    spec = {
        "serviceAccountName": client,
        "restartPolicy": "Never",
        "securityContext": {
            "runAsUser": 50000,
            "runAsGroup": 0,
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "initContainers": [sidecar],
        "containers": [main],
    }
    pod = name or client
    space.api.create(f"{space.path}/pods", {"metadata": {"name": pod}, "spec": spec})
    return pod


def log(space: Space, pod: str, container: str) -> str:
    return kubectl("logs", "--namespace", space.name, pod, "--container", container)


def ended(space: Space, pod: str) -> dict[str, Any]:
    """The end of a pod: its phase, and the result and time of each container."""
    found = eventually(
        f"pod {pod} has ended",
        lambda: (each := space.pod(pod))["status"]["phase"] in ("Succeeded", "Failed") and each,
    )["status"]
    states = [*found["initContainerStatuses"], *found["containerStatuses"]]
    return {"phase": found["phase"], **{state["name"]: state["state"]["terminated"] for state in states}}


def test_a_pod_with_the_role_reaches_the_server_and_ends_with_its_work(
    space: Space, endpoint: database.Endpoint
) -> None:
    pod = asks(space, "client", f"{WHERE_FROM} pg_backend_pid()")
    how = ended(space, pod)
    assert (how["phase"], how["proxy"]["exitCode"]) == ("Succeeded", 0), log(space, pod, "proxy")
    assert log(space, pod, "client") == f"{endpoint.address} false\n"
    said = [json.loads(line)["message"] for line in log(space, pod, "proxy").splitlines()]
    # The account may not write metrics, which the proxy would do by default and log.
    assert [message for message in said if "metric" in message] == []


@pytest.mark.parametrize("client", ["stranger", "neighbour", "viewer"])
def test_without_the_role_on_this_server_the_proxy_gets_no_certificate(space: Space, client: str) -> None:
    """No role, the role on another server, and a read-only role."""
    pod = asks(space, client, "SELECT 1")
    assert ended(space, pod)["client"]["exitCode"] != 0
    assert "server closed the connection unexpectedly" in log(space, pod, "client")
    assert DENIED in log(space, pod, "proxy")


def test_an_account_that_is_not_bound_to_the_pod_gives_its_proxy_no_token(space: Space) -> None:
    pod = asks(space, "thief", "SELECT 1")
    assert ended(space, pod)["client"]["exitCode"] != 0
    assert "has no roles/iam.workloadIdentityUser on it" in log(space, pod, "proxy")


def test_the_servers_own_superuser_is_out_of_reach_through_the_proxy(space: Space) -> None:
    pod = asks(space, "client", "SELECT 1", user="postgres", name="superuser")
    assert ended(space, pod)["client"]["exitCode"] != 0
    assert "pg_hba.conf rejects connection" in log(space, pod, "client")
