"""The demonstration on a cluster that is not the lab's: official command line, plugins and images.

The stack's state is a folder of the lab, so no login to a Pulumi back end is required.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import yaml

from lab.access import forward
from lab.airflow_client import logged_in
from lab.daemon import Daemon
from lab.engine.environment import LEFT_OUT, passphrase
from lab.engine.stack import Stack
from lab.engine.watched import watched
from lab.engine.workspace import workspace
from lab.errors import LabError
from lab.examples import run_examples
from lab.own_cluster import OwnCluster, named
from lab.paths import PROJECT, state_dir
from lab.progress import say, step

STACK: Final = "local"
FORWARD: Final = "port-forward"
KEPT: Final = frozenset({"KUBECONFIG"})


def run(cluster: str) -> None:
    """Create the cluster if it is kind or Minikube, deploy the stack `local`, and run the example DAGs.

    Raises:
        LabError: a tool is missing, or a step failed.
    """
    own = named(cluster)
    own.require()
    if own.create and not own.is_there():
        _logged(own.create, f"Create the cluster {own.context}", own)
    stack = _stack(own)
    watched(stack, "up")
    outputs = stack.outputs()
    url = forward(_forward(own), shlex.split(outputs["port_forward_command"]))
    run_examples(logged_in(url, outputs["admin_user"], outputs["admin_password"]))
    say(
        f"""
Airflow runs on the cluster {own.context}.

  URL       {url}
  user      {outputs["admin_user"]}
  password  .venv/bin/python -m lab pulumi --cluster {cluster} stack output admin_password --show-secrets
  pods      kubectl --context {own.context} get pods --namespace {outputs["namespace"]}
  end it    make demo-down CLUSTER={cluster}
"""
    )


def end(cluster: str) -> None:
    """Destroy the stack, and delete the cluster if the demonstration created it.

    Raises:
        LabError: a command failed.
    """
    own = named(cluster)
    own.require()
    folder = _folder(own)
    _forward(own).stop()
    if folder.exists() and (not own.create or own.is_there()):
        stack = _stack(own)
        watched(stack, "destroy")
        stack.pulumi("stack", "rm", "--yes", "--stack", STACK)
    if own.create and own.is_there():
        _logged(own.delete, f"Delete the cluster {own.context}", own)
    shutil.rmtree(folder, ignore_errors=True)


def pulumi(cluster: str, arguments: Sequence[str]) -> int:
    """Run `pulumi` on the demonstration's stack. Returns the exit code."""
    stack = _stack(named(cluster))
    command = ["pulumi", *arguments]
    return subprocess.run(command, check=False, cwd=stack.folder, env=dict(stack.environment)).returncode


def config(context: str) -> str:
    """The stack file `local` for a context."""
    content = yaml.safe_load((PROJECT / f"Pulumi.{STACK}.yaml").read_text())
    content["config"]["airflow:cloud"]["context"] = context
    return yaml.safe_dump(content, sort_keys=False)


def _stack(own: OwnCluster) -> Stack:
    folder = _folder(own)
    backend = folder / "stacks"
    backend.mkdir(parents=True, exist_ok=True)
    kept = {key: value for key, value in os.environ.items() if key not in LEFT_OUT - KEPT}
    variables = {
        **kept,
        "PULUMI_BACKEND_URL": f"file://{backend}",
        "PULUMI_CONFIG_PASSPHRASE": passphrase(folder),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    return workspace(folder / "program", STACK, variables, config(own.context))


def _logged(command: Sequence[str], title: str, own: OwnCluster) -> None:
    folder = _folder(own)
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"{command[0]}.log"
    with step(title), log.open("w") as output:
        done = subprocess.run(command, check=False, stdout=output, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            last = " / ".join(log.read_text(errors="replace").strip().splitlines()[-3:])
            raise LabError(f"`{shlex.join(command)}` failed: {last}", remedy=f"The whole output is in {log}.")


def _forward(own: OwnCluster) -> Daemon:
    return Daemon(name=FORWARD, folder=_folder(own))


def _folder(own: OwnCluster) -> Path:
    return state_dir() / "clusters" / own.context
