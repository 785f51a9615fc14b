"""An Airflow installation on the cluster of the tests: a stack with its own namespace, deployed, used and destroyed."""

from __future__ import annotations

import copy
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import yaml

from lab.airflow_client import AirflowClient, logged_in
from lab.engine.environment import environment
from lab.engine.stack import Run, Stack
from lab.engine.workspace import workspace
from lab.testing import target
from lab.testing.target import kubectl
from tests.cluster.cluster import COMPONENT, Object, execute, objects, wait_until

NAMESPACE_END_SECONDS: Final = 180.0
RUN_SECONDS: Final = 300.0
OWNERS: Final = "deployments,statefulsets,jobs"
"""Kinds of objects that create pods."""
SMALL: Final[dict[str, Any]] = {
    "cloud": {"kind": "existing", "context": target.context(), "database": {"kind": "in_cluster", "size_gib": 1}},
    "logs": {"kind": "volume", "size_gib": 1, "access_mode": "ReadWriteOnce"},
    "exposure": {"kind": "node_port"},
    "example_dags": True,
    # The node has two processors, and may run other pods: requests only decide scheduling.
    "components": {part: {"cpu_milli": 20} for part in ("api_server", "scheduler", "dag_processor", "triggerer")},
}
"""The settings that all installations of the tests share."""
SMALL_CELERY: Final[dict[str, Any]] = {
    "workers": {"cpu_milli": 20, "memory_mib": 1536, "concurrency": 4},
    "broker": {"cpu_milli": 10},
    "flower": {"cpu_milli": 10, "enabled": True},
}
SMALL_TASK_PODS: Final[dict[str, Any]] = {"task_pods": {"cpu_milli": 50}}
EXECUTORS: Final[dict[str, dict[str, Any]]] = {
    "celery": {"kind": "celery", **SMALL_CELERY},
    "kubernetes": {"kind": "kubernetes", **SMALL_TASK_PODS},
    "celery+kubernetes": {"kind": "celery+kubernetes", **SMALL_CELERY, **SMALL_TASK_PODS},
}


@contextmanager
def node_folder() -> Iterator[Path]:
    """A folder that pods may mount from the node. Not pytest's folder, which only its owner may read."""
    folder = Path(tempfile.mkdtemp(prefix="dags-", dir="/var/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@dataclass(kw_only=True)
class Installation:
    """A stack; its name is the instance's name and the namespace's."""

    name: str
    executor: str
    folder: Path
    """Folder of its stack file and Pulumi's state, which later runs do not reuse."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Differences from the shared settings, by key of the stack file."""
    secrets: dict[str, str] = field(default_factory=dict)
    """Secret keys of the stack file."""
    outputs: dict[str, Any] = field(default_factory=dict)
    seen_pods: set[str] = field(default_factory=set)
    """The uids of all pods that ran, to check afterwards that nothing of them is left."""

    @property
    def namespace(self) -> str:
        return self.name

    @property
    def namespaces(self) -> list[str]:
        """All namespaces that it may have."""
        return [self.name, f"{self.name}-tasks", f"{self.name}-database", f"{self.name}-gateway"]

    @cached_property
    def stack(self) -> Stack:
        return self._write()

    def _write(self) -> Stack:
        """Write the settings to the stack file."""
        content = {"name": self.name, "namespace": self.name, "executor": EXECUTORS[self.executor], **SMALL}
        config = {f"airflow:{key}": value for key, value in {**content, **self.settings}.items()}
        variables = {**environment(state=self.folder / "pulumi"), "KUBECONFIG": str(target.kubeconfig())}
        stack = workspace(self.folder / "program", self.name, variables, yaml.safe_dump({"config": config}))
        for key, value in self.secrets.items():
            stack.configure(f"airflow:{key}", value, secret=True)
        return stack

    def change(self, key: str, value: Any) -> None:
        """Change one setting by its path, for the next `up`."""
        first, *rest = key.split(".")
        base = EXECUTORS[self.executor] if first == "executor" else SMALL.get(first, {})
        place = self.settings.setdefault(first, copy.deepcopy(base))
        for part in rest[:-1]:
            place = place.setdefault(part, {})
        if rest:
            place[rest[-1]] = value
        else:
            self.settings[first] = value
        self._write()

    def up(self) -> Run:
        """Run `pulumi up`, and read the outputs.

        Raises:
            LabError: it failed.
        """
        run = self.stack.up()
        self.outputs = self.stack.outputs()
        self.remember_pods()
        return run

    @property
    def url(self) -> str:
        """URL of the API, through the node's port."""
        [service] = objects("services", self.namespace, f"{COMPONENT}=api-server")
        return f"http://{target.address()}:{service['spec']['ports'][0]['nodePort']}"

    @cached_property
    def client(self) -> AirflowClient:
        return logged_in(self.url, self.outputs["admin_user"], self.outputs["admin_password"])

    def pod(self, component: str) -> Object:
        """The only pod of a component that is not terminating."""
        pods = objects("pods", self.namespace, f"{COMPONENT}={component}")
        [found] = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
        return found

    def execute(self, component: str, *command: str, check: bool = True) -> str:
        """Output of a command in the pod of a component."""
        return execute(self.namespace, self.pod(component)["metadata"]["name"], *command, check=check)

    def run_dag(self, dag: str, conf: dict[str, Any] | None = None) -> str:
        """Run a DAG until its success. Returns the run's id."""
        run = self.client.trigger(dag, conf)
        self.finish(dag, run)
        return run

    def finish(self, dag: str, run: str) -> list[Object]:
        """The tasks of a run that must succeed; otherwise the failure shows the logs of failed tasks."""
        state = self.client.wait_for_run(dag, run, timeout_seconds=RUN_SECONDS)
        tasks = self.client.tasks(dag, run)
        failed = [task for task in tasks if task["state"] != "success"]
        # A task whose upstream task failed has not run: it has no log.
        logs = {
            task["task_id"]: self.client.log(dag, run, task)[-2000:] for task in failed if task["state"] == "failed"
        }
        assert (state, failed) == ("success", []), logs
        return tasks

    def destroy(self) -> None:
        """Run `pulumi destroy`, and remove the stack, which requires that it has no resources.

        Raises:
            LabError: it failed.
        """
        self.remember_pods()
        self.stack.destroy()
        self.stack.pulumi("stack", "rm", "--yes", "--stack", self.name)

    def remember_pods(self) -> None:
        """Record the current pods."""
        self.seen_pods |= {pod["metadata"]["uid"] for space in self.namespaces for pod in objects("pods", space)}

    def clear(self) -> None:
        """Remove everything that is left of it, also of an earlier killed run; does nothing if nothing is left."""
        for namespace in self.namespaces:
            # The namespace controller checks again only after half of the longest grace period among the pods.
            kubectl("delete", OWNERS, "--all", "--namespace", namespace, "--wait=false")
            kubectl("delete", "pods", "--all", "--namespace", namespace, "--force", "--grace-period=0", check=False)
            kubectl("delete", "namespace", namespace, "--ignore-not-found", "--wait=false")
        wait_until(f"the namespaces of {self.name} are gone", self._is_gone, timeout_seconds=NAMESPACE_END_SECONDS)

    def _is_gone(self) -> bool:
        return not {space["metadata"]["name"] for space in objects("namespaces")}.intersection(self.namespaces)
