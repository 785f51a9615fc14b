"""The whole product on one machine: a node, `pulumi up` of a stack, DAGs that run, and what a user needs next."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from lab import images, machine, node
from lab.access import port_forward
from lab.airflow_client import AirflowClient, logged_in
from lab.daemon import Daemon
from lab.engine.environment import environment
from lab.engine.stack import Stack
from lab.engine.toolchain import toolchain
from lab.engine.workspace import workspace
from lab.errors import LabError
from lab.paths import state_dir
from lab.progress import say, step

API_PORT: Final = 8080
EXAMPLES: Final = ("hello", "fan_out", "deferred", "executors")
"""What the demonstration runs: data between tasks, mapped tasks, the triggerer, and each executor."""
SHOWN_LOG_LINES: Final = 3


def start_lab() -> None:
    """Everything that stacks run on: the engine, the node, and the images on it.

    Raises:
        LabError: this machine cannot run a node, or a part did not come up.
    """
    machine.require()
    for line in toolchain().describe():
        say(f"  {line}")
    archives = images.archives()
    node.up()
    node.import_images(archives)


def lab_stack(name: str, config: str | None = None) -> Stack:
    """A stack of the program on the lab's node."""
    variables = {**environment(), "KUBECONFIG": str(node.kubeconfig())}
    return workspace(_folder(name), name, variables, config)


def run(name: str) -> None:
    """Bring a stack up, run the example DAGs on it, and say how to go on.

    Raises:
        LabError: a step failed; the message says which and why.
    """
    start_lab()
    stack = lab_stack(name)
    with step(f"pulumi up of stack {name}"):
        shown = subprocess.run(
            ["pulumi", "up", "--yes", "--non-interactive", "--skip-preview", "--stack", name],
            cwd=stack.folder,
            env=dict(stack.environment),
            check=False,
        )
    if shown.returncode != 0:
        raise LabError(
            f"pulumi up of stack {name} failed.", remedy="Its messages are above; run the command again to go on."
        )
    outputs = stack.outputs()
    _, url = port_forward(
        _folder(name) / ".lab",
        kubeconfig=node.kubeconfig(),
        namespace=outputs["namespace"],
        service=f"{outputs['name']}-api-server",
        port=API_PORT,
        local_port=API_PORT,
    )
    client = logged_in(url, outputs["admin_user"], outputs["admin_password"])
    run_examples(client)
    python = ".venv/bin/python -m lab"
    say(
        f"""
Airflow runs on this machine's own Kubernetes node.

  URL       {url}
  user      {outputs["admin_user"]}
  password  {python} pulumi stack output admin_password --show-secrets
  pods      {python} kubectl get pods --namespace {outputs["namespace"]}
  end it    make demo-down
"""
    )


def run_examples(client: AirflowClient) -> None:
    """Run the example DAGs side by side and read a log of each.

    Raises:
        LabError: a DAG failed, or a log is empty.
    """
    with step(f"Parse the example DAGs {', '.join(EXAMPLES)}"):
        client.wait_for_dags(EXAMPLES)
    with step("Run them"):
        runs = {dag: client.trigger(dag) for dag in EXAMPLES}
        for dag, run_id in runs.items():
            if client.wait_for_run(dag, run_id) != "success":
                states = ", ".join(f"{task['task_id']}: {task['state']}" for task in client.tasks(dag, run_id))
                raise LabError(f"DAG {dag} failed ({states}).", remedy="Look at its logs in the UI.")
    for dag, run_id in runs.items():
        for task in client.tasks(dag, run_id)[-2:]:
            log = client.log(dag, run_id, task)
            if not log.strip():
                raise LabError(f"The log of {dag}.{task['task_id']} is empty.")
            last = log.strip().splitlines()[-SHOWN_LOG_LINES:]
            say(f"  {dag}.{task['task_id']} ({task['executor'] or 'default executor'}, {task['hostname']}): {last[0]}")


def end(name: str) -> None:
    """Destroy a stack and end the node; nothing of either stays."""
    if (_folder(name) / f"Pulumi.{name}.yaml").exists() and node.ready():
        stack = lab_stack(name)
        with step(f"pulumi destroy of stack {name}"):
            stack.destroy()
            stack.pulumi("stack", "rm", "--yes", "--stack", name)
    for record in _folder(name).glob(".lab/*.pid"):
        Daemon(name=record.stem, folder=record.parent).stop()
    node.down()
    _forget(name)


def _forget(name: str) -> None:
    """Drop the state of a stack whose cluster is gone."""
    for path in (state_dir() / "pulumi" / "stacks").rglob(f"{name}.json*"):
        path.unlink()
    folder = _folder(name)
    if folder.exists():
        subprocess.run(["rm", "-rf", "--one-file-system", str(folder)], check=True)


def _folder(name: str) -> Path:
    return state_dir() / "stacks" / name
