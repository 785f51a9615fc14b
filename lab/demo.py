"""The demonstration: a node, `pulumi up` of a stack, example DAGs, and instructions for the next steps."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lab import builds, node
from lab.access import port_forward
from lab.airflow_client import AirflowClient, logged_in
from lab.clouds import latency
from lab.clouds.inventory import Inventory
from lab.daemon import Daemon
from lab.engine import plugins
from lab.engine.environment import NO_PREFLIGHT, environment
from lab.engine.stack import Stack
from lab.engine.watched import watched
from lab.engine.workspace import workspace
from lab.errors import LabError
from lab.examples import run_examples
from lab.kubectl import kubectl
from lab.paths import PROJECT, state_dir
from lab.progress import say, step
from lab.stack_file import StackFile

if TYPE_CHECKING:
    from lab.services.standins import StandIns

API_PORT: Final = 8080
POD_END_SECONDS: Final = 300
POLL_SECONDS: Final = 0.5
TASK_PODS: Final = "app.kubernetes.io/component=task"


def start_lab() -> None:
    """Build and start the engine's tools and the node, and import the images.

    Raises:
        LabError: this machine cannot run a node, or a daemon did not start.
    """
    tools, archives = builds.for_node()
    for line in tools.describe():
        say(f"  {line}")
    node.up()
    node.import_images(archives)


def lab_stack(file: StackFile, config: str | None = None) -> Stack:
    """The stack of a stack file on the lab's node, with a simulated cloud if the file configures one.

    Args:
        config: text of the stack file; by default the file's own text, with the example DAGs.
    """
    config = config or file.text(examples=True)
    if file.simulated:
        return workspace(_folder(file.name), file.name, simulated_variables(state_dir() / "pulumi"), config)
    return node_stack(file.name, config)


def node_stack(name: str, config: str) -> Stack:
    """A stack of the program whose cluster is the lab's node."""
    return workspace(_folder(name), name, {**environment(), "KUBECONFIG": str(node.kubeconfig())}, config)


def simulated_variables(state: Path) -> dict[str, str]:
    """An environment for `pulumi` with simulated clouds, whose clusters are the lab's node.

    `state` is the folder of the stacks. It contains a separate engine home for simulated clouds.
    """
    home = state / "home-with-simulated-clouds"
    variables = environment(state=state, home=home)
    plugins.install_clouds(home)
    services = _stand_ins().environment()
    return {**variables, **services, **NO_PREFLIGHT, "PATH": os.pathsep.join([services["PATH"], variables["PATH"]])}


def run(name: str, *, keep: bool = False) -> None:
    """Deploy a stack, run the example DAGs on it, and print the next steps.

    A stack on a simulated cloud is destroyed at the end unless `keep` is set.

    Raises:
        LabError: a step failed; the message says which and why.
    """
    file = StackFile.named(name)
    start_lab()
    if file.simulated:
        say(
            f"  {file.cloud} is simulated, with durations divided by {latency.speed():.0f}; its cluster, database, "
            "volumes and object storage are real programs on this machine"
        )
        _stand_ins().up()
    stack = lab_stack(file)
    if file.simulated:
        _preflight(stack)
    watched(stack, "up")
    outputs = stack.outputs()
    _, url = port_forward(
        _folder(file.name) / ".lab",
        kubeconfig=node.kubeconfig(),
        namespace=outputs["namespace"],
        service=f"{outputs['name']}-api-server",
        port=API_PORT,
        local_port=API_PORT,
    )
    client = logged_in(url, outputs["admin_user"], outputs["admin_password"])
    runs = run_examples(client)
    if file.simulated:
        read_from_store(client, runs, outputs["namespace"])
        if not keep:
            destroy(file)
            say(f"The node keeps running; end it with make demo-down STACK={name}. KEEP=1 keeps the stack as well.")
            return
    python = ".venv/bin/python -m lab"
    stack_option = "" if file.name == "local" else f" --stack {name}"
    say(
        f"""
Airflow runs on this machine's own Kubernetes node.

  URL       {url}
  user      {outputs["admin_user"]}
  password  {python} pulumi{stack_option} stack output admin_password --show-secrets
  pods      {python} kubectl get pods --namespace {outputs["namespace"]}
  end it    make demo-down{"" if file.name == "local" else f" STACK={name}"}
"""
    )


def _stand_ins() -> StandIns:
    # Imported here: stacks without a simulated cloud do not need it.
    from lab.services.standins import StandIns

    return StandIns.default()


def _preflight(stack: Stack) -> None:
    from lab.services import management

    with (
        step("Run the preflight checks against the simulated cloud"),
        management.serving(Inventory.default()) as variables,
    ):
        done = subprocess.run(
            [sys.executable, "-m", "operations", "preflight", "--stack", stack.name],
            cwd=stack.folder,
            env={**stack.environment, **variables, "PYTHONPATH": str(PROJECT)},
            check=False,
        )
    if done.returncode not in (0, 1):
        raise LabError("The preflight failed.", remedy="Its message is above.")


def read_from_store(client: AirflowClient, runs: Mapping[str, str], namespace: str) -> None:
    """Read logs again after the pods that wrote them are deleted.

    Raises:
        LabError: a log is missing, or was read from another source.
    """
    with step("Delete the pods that ran the tasks, and read their logs from the store"):
        tasks = [(dag, run, task) for dag, run in runs.items() for task in client.tasks(dag, run)]
        hosts = {str(task["hostname"]) for _, _, task in tasks}
        found = {space: pods_at(space, hosts) for space in spaces(namespace)}
        for space, names in found.items():
            _wait_until_ended(space, names)
            if names:
                _delete_pods(space, names)
        for dag, run, task in tasks:
            log, sources = client.log(dag, run, task), client.log_sources(dag, run, task)
            if not log.strip() or not sources or not all("://" in source for source in sources):
                raise LabError(f"The log of {dag}.{task['task_id']} is not in the store: read from {sources}.")
    say(f"  {len(tasks)} logs, the last one from {sources[0]}")


def spaces(namespace: str) -> tuple[str, str]:
    """The namespaces in which tasks run: the instance's, with its workers, and the one for tasks."""
    return namespace, f"{namespace}-tasks"


def pods_at(namespace: str, hosts: Collection[str]) -> set[str]:
    """The names of the pods with these host names in Airflow, which are addresses of workers and names of task pods."""
    form = 'jsonpath={range .items[*]}{.metadata.name} {.status.podIP}{"\\n"}{end}'
    pods = [line.split() for line in kubectl("get", "pods", "-n", namespace, "-o", form).splitlines()]
    names = {host.partition(".")[0] for host in hosts}
    return {name for name, *address in pods if name in names or set(address) & set(hosts)}


def _wait_until_ended(namespace: str, names: set[str]) -> None:
    """Wait for the end of the task pods among these: a pod stores its log after its task has succeeded."""
    deadline = time.monotonic() + POD_END_SECONDS
    running = "--field-selector=status.phase!=Succeeded,status.phase!=Failed"
    listed = ["get", "pods", "-n", namespace, "-l", TASK_PODS, running, "-o", "jsonpath={.items[*].metadata.name}"]
    while left := names.intersection(kubectl(*listed).split()):
        if time.monotonic() > deadline:
            raise LabError(f"Pods of ended tasks still run after {POD_END_SECONDS} s: {', '.join(sorted(left))}.")
        time.sleep(POLL_SECONDS)


def _delete_pods(namespace: str, names: set[str]) -> None:
    """Delete the pods that still exist, and wait until they are deleted."""
    command = [str(node.kubectl()), "--kubeconfig", str(node.kubeconfig()), "--namespace", namespace, "delete", "pod"]
    command += ["--ignore-not-found", f"--timeout={POD_END_SECONDS}s", *sorted(names)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise LabError(f"Pods could not be deleted: {done.stderr.strip()[-300:]}")


def end(name: str) -> None:
    """Destroy a stack, stop the node, and remove both completely.

    Raises:
        LabError: the simulated cloud still has resources after the stack is destroyed.
    """
    file = StackFile.named(name)
    if (_folder(file.name) / f"Pulumi.{file.name}.yaml").exists() and node.ready():
        if file.simulated:
            _stand_ins().up()
        destroy(file)
    _stop_forwards(file.name)
    node.down()
    _forget(file.name)


def destroy(file: StackFile) -> None:
    """Remove a stack's protection, then destroy the stack.

    Raises:
        LabError: the simulated cloud still has resources.
    """
    stack = lab_stack(file, file.text(examples=True, protect=False))
    if file.simulated and file.protected and stack.outputs():
        say("  the stack is protected: airflow:protect is set to false and applied first")
        watched(stack, "up")
    watched(stack, "destroy")
    stack.pulumi("stack", "rm", "--yes", "--stack", file.name)
    if file.simulated:
        _require_nothing_left()
    _stop_forwards(file.name)
    _forget(file.name)


def _stop_forwards(name: str) -> None:
    for record in _folder(name).glob(".lab/*.pid"):
        Daemon(name=record.stem, folder=record.parent).stop()


def _require_nothing_left() -> None:
    inventory = Inventory.default()
    left = [item.key for item in inventory.read().items.values()]
    if left:
        raise LabError(f"The simulated cloud still has {len(left)} resources: {', '.join(left[:5])}.")
    say("  the simulated cloud has no resources left")
    shutil.rmtree(inventory.folder, ignore_errors=True)


def _forget(name: str) -> None:
    """Delete the state of a stack whose cluster no longer exists."""
    for path in (state_dir() / "pulumi" / "stacks").rglob(f"{name}.json*"):
        path.unlink()
    folder = _folder(name)
    if folder.exists():
        subprocess.run(["rm", "-rf", "--one-file-system", str(folder)], check=True)


def _folder(name: str) -> Path:
    return state_dir() / "stacks" / name
