"""Access control: only valid credentials are accepted, and DAG code never reaches the metadata database."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http.cookiejar import CookieJar
from pathlib import Path

import pytest

from lab.access import port_forward
from lab.node import kubectl as kubectl_binary
from lab.node.node import Node
from lab.testing import target
from lab.testing.target import kubectl
from tests.cluster.cluster import COMPONENT, Object, execute, is_ready, objects, wait_until
from tests.cluster.installation import Installation

pytestmark = pytest.mark.timeout(1800)

WITH_CELERY = pytest.mark.parametrize("airflow", ["celery", "celery+kubernetes"], indirect=True)
WITH_TASK_PODS = pytest.mark.parametrize("airflow", ["kubernetes"], indirect=True)
SECONDS = 120
ELSEWHERE = """
apiVersion: v1
kind: Config
current-context: elsewhere
clusters: [{name: elsewhere, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: nobody, user: {}}]
contexts: [{name: elsewhere, context: {cluster: elsewhere, user: nobody}}]
"""
"""A kubeconfig whose current context is invalid."""


def status(
    url: str, *, method: str = "GET", body: object = None, headers: dict[str, str] | None = None, basic: str = ""
) -> int:
    """The status of an answer."""
    sent = {"Content-Type": "application/json", **(headers or {})}
    if basic:
        sent["Authorization"] = "Basic " + base64.b64encode(basic.encode()).decode()
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers=sent, method=method)
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_requests_without_a_token_or_with_a_wrong_one_are_refused(airflow: Installation) -> None:
    assert status(f"{airflow.url}/api/v2/dags", headers={"Authorization": f"Bearer {airflow.client.token}"}) == 200
    head, payload, signature = airflow.client.token.split(".")
    forged = ".".join((head, payload, signature[::-1]))
    answers = {
        "no token": status(f"{airflow.url}/api/v2/dags"),
        "the UI's own API": status(f"{airflow.url}/ui/dags"),
        "a forged token": status(f"{airflow.url}/api/v2/dags", headers={"Authorization": f"Bearer {forged}"}),
        "basic auth": status(f"{airflow.url}/api/v2/dags", basic=f"admin:{airflow.outputs['admin_password']}"),
        "the API of tasks": status(f"{airflow.url}/execution/variables/any"),
        "a user's token at the API of tasks": status(
            f"{airflow.url}/execution/variables/any", headers={"Authorization": f"Bearer {airflow.client.token}"}
        ),
    }
    assert {what: code for what, code in answers.items() if code not in {401, 403}} == {}


@pytest.mark.parametrize("password", ["admin", "airflow", ""])
def test_the_api_gives_no_token_for_a_wrong_password(airflow: Installation, password: str) -> None:
    credentials = {"username": airflow.outputs["admin_user"], "password": password}
    assert status(f"{airflow.url}/auth/token", method="POST", body=credentials) in {400, 401}


def logged_in(airflow: Installation, password: str) -> bool:
    """Whether the login page accepts a browser's login."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies := CookieJar()), _NoRedirect())
    page = f"{airflow.url}/auth/login/"
    with opener.open(page, timeout=SECONDS) as answer:
        [token] = re.findall(r'name="csrf_token" type="hidden" value="([^"]+)"', answer.read().decode())
    form = {"csrf_token": token, "username": airflow.outputs["admin_user"], "password": password}
    try:
        opener.open(page, urllib.parse.urlencode(form).encode(), timeout=SECONDS).close()
    except urllib.error.HTTPError as error:
        if error.code != 302:
            raise
    return "_token" in {cookie.name for cookie in cookies}


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def test_the_login_page_lets_in_the_right_password_only(airflow: Installation) -> None:
    assert logged_in(airflow, airflow.outputs["admin_password"])
    assert not logged_in(airflow, "admin")


@pytest.fixture
def flower_url(airflow: Installation) -> Iterator[str]:
    daemon, url = port_forward(
        airflow.folder,
        kubeconfig=target.kubeconfig(),
        namespace=airflow.namespace,
        service=f"{airflow.name}-flower",
        port=5555,
    )
    yield url
    daemon.stop()


@WITH_CELERY
def test_flower_opens_with_its_password_only(airflow: Installation, flower_url: str) -> None:
    right = airflow.outputs["flower_password"]
    workers = f"{flower_url}/api/workers"
    assert status(workers, basic=f"admin:{right}") == 200
    for page in (flower_url, workers):
        assert [status(page), status(page, basic="admin:admin"), status(page, basic=f"flower:{right}")] == [401] * 3


@WITH_CELERY
def test_the_broker_refuses_commands_without_its_password(airflow: Installation) -> None:
    script = f"""
import socket
connection = socket.create_connection(("{airflow.name}-redis", 6379), timeout=30)
for command in (b"KEYS *", b"AUTH wrong"):
    connection.sendall(command + b"\\r\\n")
    print(connection.recv(200).decode().split()[0])
"""
    assert airflow.execute("worker", "python", "-c", script).split() == ["-NOAUTH", "-WRONGPASS"]


@WITH_CELERY
def test_the_logs_of_a_worker_are_for_the_api_server_only(airflow: Installation) -> None:
    worker = airflow.pod("worker")["status"]["podIP"]
    script = f"""
import urllib.error, urllib.request
try:
    urllib.request.urlopen("http://{worker}:8793/log/any", timeout=60)
except urllib.error.HTTPError as error:
    print(error.code)
"""
    assert airflow.execute("scheduler", "python", "-c", script).split() == ["403"]


@WITH_CELERY
def test_the_user_of_celery_results_cannot_open_the_metadata_database(airflow: Installation) -> None:
    script = """
import os, psycopg2
results = os.environ["AIRFLOW__CELERY__RESULT_BACKEND"].removeprefix("db+").replace("postgresql+psycopg2", "postgresql")
psycopg2.connect(results).close()
print("results open")
psycopg2.connect(results.replace("/celery?", "/airflow?")).close()
print("metadata open")
"""
    said = airflow.execute("worker", "python", "-c", script, check=False)
    assert "results open" in said
    assert 'permission denied for database "airflow"' in said
    assert "metadata open" not in said


@pytest.fixture(scope="module")
def busy(airflow: Installation) -> Object:
    """The pod with a currently running task."""
    run = airflow.client.trigger("tutorial", {"seconds": 20})

    def runs() -> bool:
        states = {task["task_id"]: task["state"] for task in airflow.client.tasks("tutorial", run)}
        return states["sleep"] == "running"

    wait_until("the task sleep runs", runs)
    of_task = f"{COMPONENT}=task,dag_id=tutorial,task_id=sleep"
    selector = of_task if airflow.executor == "kubernetes" else f"{COMPONENT}=worker"
    [pod] = [found for found in objects("pods", airflow.namespace, selector) if is_ready(found)]
    airflow.remember_pods()
    return pod


def test_a_pod_that_runs_dag_code_knows_no_way_to_the_metadata_database(airflow: Installation, busy: Object) -> None:
    # Every process in the pod: the worker or supervisor, and its running task.
    read = "tr '\\0' '\\n' < /proc/1/environ; cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'"
    environment = execute(airflow.namespace, busy["metadata"]["name"], "sh", "-c", read)
    assert "AIRFLOW__CORE__EXECUTION_API_SERVER_URL" in environment
    assert _metadata_password(airflow) not in environment
    urls = [line for line in environment.splitlines() if "SQL_ALCHEMY_CONN" in line and "not-allowed" not in line]
    assert urls == []
    names = {line.partition("=")[0] for line in environment.splitlines()}
    assert not names & {"AIRFLOW__API_AUTH__JWT_SECRET", "ADMIN_PASSWORD"}


def _metadata_password(airflow: Installation) -> str:
    """The password in the scheduler's connection URL."""
    [container] = airflow.pod("scheduler")["spec"]["containers"]
    [source] = [
        entry["valueFrom"]["secretKeyRef"]
        for entry in container["env"]
        if entry["name"] == "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
    ]
    [secret] = [found for found in objects("secrets", airflow.namespace) if found["metadata"]["name"] == source["name"]]
    url = base64.b64decode(secret["data"][source["key"]]).decode()
    password = urllib.parse.urlsplit(url).password
    assert password
    return password


def test_no_account_of_the_installation_may_read_secrets(airflow: Installation) -> None:
    accounts = [found["metadata"]["name"] for found in objects("serviceaccounts", airflow.namespace)]
    assert f"{airflow.name}-scheduler" in accounts
    allowed = {
        account: kubectl(
            *("auth", "can-i", "get", "secrets", "--namespace", airflow.namespace),
            f"--as=system:serviceaccount:{airflow.namespace}:{account}",
            check=False,
        ).strip()
        for account in accounts
    }
    assert {account: answer for account, answer in allowed.items() if answer != "no"} == {}


@WITH_TASK_PODS
def test_a_task_pod_has_an_account_of_its_own_and_no_privilege(airflow: Installation, busy: Object) -> None:
    spec = busy["spec"]
    [container] = spec["containers"]
    assert container["name"] == "base"
    assert spec["serviceAccountName"] == f"{airflow.name}-task"
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_the_node_port_is_the_only_way_in_from_outside(airflow: Installation) -> None:
    outside = {
        service["metadata"]["name"]: service["spec"]["type"]
        for space in airflow.namespaces
        for service in objects("services", space)
        if service["spec"]["type"] != "ClusterIP"
    }
    assert outside == {f"{airflow.name}-api-server": "NodePort"}
    assert airflow.url.startswith(f"http://{target.address()}:")


@dataclass(frozen=True)
class Shell:
    """A user's shell in the network of the node, whose current context is another cluster.

    There the ports of the commands are free, whatever runs on this machine.
    """

    node: Node
    home: Path

    def start(self, *command: str) -> subprocess.Popen[str]:
        path = f"{kubectl_binary().parent}:/usr/bin:/bin"
        kubeconfig = self.home / "kubeconfig"
        kubeconfig.write_text(ELSEWHERE)
        return subprocess.Popen(
            self.node.namespaces.command(command),
            env={"PATH": path, "HOME": str(self.home), "KUBECONFIG": str(kubeconfig), "NO_PROXY": "*"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, command: str, *, seconds: int) -> tuple[str, int]:
        """Output and exit code of a command; 124 if it was ended by the timeout."""
        with self.start("timeout", str(seconds), "sh", "-c", command) as child:
            said, _ = child.communicate()
        return said, child.returncode

    def answer(self, url: str, *, basic: str = "") -> str:
        """The answer of a URL; empty while no server listens."""
        script = """
import sys, urllib.error, urllib.request
request = urllib.request.Request(sys.argv[1], headers={"Authorization": sys.argv[2]})
try:
    print(urllib.request.urlopen(request, timeout=60).read().decode())
except urllib.error.HTTPError:
    raise
except OSError:
    pass
"""
        sent = "Basic " + base64.b64encode(basic.encode()).decode()
        with self.start(sys.executable, "-c", script, url, sent) as child:
            said, _ = child.communicate()
        assert child.returncode == 0, said
        return said.strip()


@pytest.fixture
def shell(node: Node, tmp_path: Path) -> Shell:
    return Shell(node, tmp_path)


def check_logs(airflow: Installation, shell: Shell) -> None:
    said, code = shell.run(airflow.outputs["logs_command"], seconds=10)
    pod = airflow.pod("scheduler")["metadata"]["name"]
    first = kubectl("logs", "--namespace", airflow.namespace, pod).splitlines()[:3]
    assert first
    assert [line for line in first if line not in said.splitlines()] == [], said
    assert code == 124, "it follows the log until it is ended"


def check_exec(airflow: Installation, shell: Shell) -> None:
    said, code = shell.run(airflow.outputs["exec_command"], seconds=SECONDS)
    assert code == 0, said
    executors = re.search(r"^executor +\| (.*?) *$", said, re.MULTILINE)
    assert executors is not None, said
    assert executors[1] == "CeleryExecutor,KubernetesExecutor"


def forwarded(shell: Shell, command: str, url: str, *, basic: str = "") -> str:
    """The answer of a server through a command that forwards a port, while it runs."""
    assert shell.answer(url, basic=basic) == ""
    with shell.start("timeout", str(SECONDS), "sh", "-c", command) as child:
        found: list[str] = []

        def answers() -> bool:
            assert child.poll() is None, child.communicate()[0]
            found[:] = [shell.answer(url, basic=basic)]
            return bool(found[0])

        try:
            wait_until(f"{url} answers", answers)
        finally:
            child.terminate()
    return found[0]


def check_port_forward(airflow: Installation, shell: Shell) -> None:
    said = forwarded(shell, airflow.outputs["port_forward_command"], "http://127.0.0.1:8080/api/v2/version")
    assert json.loads(said)["version"] == "3.3.2"


def check_flower_port_forward(airflow: Installation, shell: Shell) -> None:
    said = forwarded(
        shell,
        airflow.outputs["flower_port_forward_command"],
        "http://127.0.0.1:5555/api/workers",
        basic=f"admin:{airflow.outputs['flower_password']}",
    )
    assert [name.split("@")[0] for name in json.loads(said)] == ["celery"]


COMMANDS = {
    "logs_command": check_logs,
    "exec_command": check_exec,
    "port_forward_command": check_port_forward,
    "flower_port_forward_command": check_flower_port_forward,
}


@pytest.mark.parametrize("airflow", ["celery+kubernetes"], indirect=True)
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_of_the_outputs_reaches_this_cluster_whatever_the_current_context_is(
    airflow: Installation, shell: Shell, name: str
) -> None:
    """The commands run with `sh`, as in the README."""
    assert {output for output in airflow.outputs if output.endswith("_command")} == COMMANDS.keys()
    COMMANDS[name](airflow, shell)
