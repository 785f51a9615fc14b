"""Stacks of the real program: their config, all output, and their objects in the cluster."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from lab.engine.stack import Run, Stack
from lab.engine.workspace import workspace
from lab.node.api import ApiError, Manifest
from lab.testing import new_stacks
from lab.testing.cluster import TestCluster, path

Config = Mapping[str, Any]
KINDS: Final = (
    ("v1", "Pod"),
    ("v1", "Service"),
    ("v1", "ServiceAccount"),
    ("v1", "Secret"),
    ("v1", "ConfigMap"),
    ("v1", "PersistentVolumeClaim"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("batch/v1", "Job"),
    ("rbac.authorization.k8s.io/v1", "Role"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
)
"""Every kind that the program creates in a namespace, and pods."""
COMMAND_SECONDS: Final = 240.0
"""Timeout of one command: a resource that never becomes ready is reported before the test's timeout."""
REPLACEMENT: Final = ("create-replacement", "replace", "delete-replaced")


def config(kubeconfig: Path, executor: str, **keys: Any) -> dict[str, Any]:
    """The config of a stack on an existing cluster, with Flower; further arguments are keys of the project."""
    cloud = {"kind": "existing", "kubeconfig": str(kubeconfig)}
    flower = {"flower": {"enabled": True}} if "celery" in executor else {}
    sections = {"cloud": cloud, "executor": {"kind": executor, **flower}, **keys}
    return {f"airflow:{key}": value for key, value in sections.items()}


def changed(config: Config, path: str, value: object) -> dict[str, Any]:
    """The config with a value at a path such as executor.workers.replicas."""
    result = deepcopy(dict(config))
    first, *rest = path.split(".")
    place, last = result, f"airflow:{first}"
    for part in rest:
        place, last = place.setdefault(last, {}), part
    place[last] = value
    return result


@dataclass(frozen=True, kw_only=True)
class RecordedStack(Stack):
    """A stack that records the output of its commands, except those that show secrets."""

    printed: list[str] = field(default_factory=list)

    def pulumi(self, *arguments: str, check: bool = True, **rest: Any) -> Run:
        """As of every stack."""
        run = super().pulumi(*arguments, check=check, **{"timeout_seconds": COMMAND_SECONDS, **rest})
        if "--show-secrets" not in arguments:
            self.printed.append(f"$ pulumi {' '.join(arguments)}\n{run.stdout}{run.stderr}")
        return run

    def configured(self, config: Config, name: str) -> tuple[str, str]:
        """Arguments that give one command another config than the stack's own."""
        own = yaml.safe_load((self.folder / f"Pulumi.{self.name}.yaml").read_text())
        path = self.folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump({"encryptionsalt": own["encryptionsalt"], "config": dict(config)}))
        return "--config-file", str(path)

    def urn(self, name: str) -> str:
        """The URN of the only resource with this logical name."""
        return str(self.resource(name)["urn"])


def program(
    folder: Path, environment: Mapping[str, str], config: Config | None, *, name: str = "test"
) -> RecordedStack:
    """A stack of the real program with its own backend; without a config it uses the checkout's stack file."""
    backend = folder / "stacks"
    backend.mkdir(parents=True)
    text = None if config is None else yaml.safe_dump({"config": dict(config)})
    own = {**environment, "PULUMI_BACKEND_URL": f"file://{backend}"}
    made = workspace(folder / "workspace", name, own, text, create=new_stacks.create)
    return RecordedStack(folder=made.folder, name=made.name, environment=made.environment)


@dataclass
class Life:
    """The record of one stack, by the name of the step."""

    name: str
    stack: RecordedStack
    runs: dict[str, Run] = field(default_factory=dict)
    live: dict[str, list[Manifest]] = field(default_factory=dict)
    """The objects in the cluster after a step."""
    exported: str = ""
    """The output of `pulumi stack export` after `up`."""
    shown: dict[str, Any] = field(default_factory=dict)
    """The output of `pulumi stack output` without secrets."""
    outputs: dict[str, Any] = field(default_factory=dict)
    """The outputs, secrets opened."""

    def run(self, step: str, command: str, *arguments: str) -> None:
        """Run a command of the engine and record its events, whatever its result."""
        self.runs[step] = getattr(self.stack, command)(*arguments, check=False)

    def look(self, step: str, cluster: TestCluster, *namespaces: str) -> None:
        """Record the objects of the namespaces."""
        self.live[step] = objects(cluster, *namespaces)

    def tell(self) -> None:
        """Record the stack's state and outputs."""
        self.exported = self.stack.pulumi("stack", "export", "--stack", self.stack.name).stdout
        self.shown = json.loads(self.stack.pulumi("stack", "output", "--json", "--stack", self.stack.name).stdout)
        self.outputs = self.stack.outputs()


def objects(cluster: TestCluster, *namespaces: str) -> list[Manifest]:
    """Everything of KINDS in the namespaces, and the namespaces themselves."""
    found: list[Manifest] = []
    for namespace in namespaces:
        try:
            found.append({"kind": "Namespace", **cluster.api.get(path("v1", "Namespace", name=namespace))})
        except ApiError as error:
            if error.status != 404:
                raise
        for api_version, kind in KINDS:
            items = cluster.api.get(path(api_version, kind, namespace))["items"]
            found += [{"apiVersion": api_version, "kind": kind, **item} for item in items]
    return found


def identities(found: Sequence[Manifest], *kinds: str) -> set[tuple[str, str, str]]:
    """Kind, name and uid of the objects of these kinds: an object that was replaced has another uid."""
    return {
        (each["kind"], each["metadata"]["name"], each["metadata"]["uid"]) for each in found if each["kind"] in kinds
    }


def names(found: Sequence[Manifest], *kinds: str) -> set[str]:
    """The names of the objects of these kinds."""
    return {name for _, name, _ in identities(found, *kinds)}


def secret_values(found: Sequence[Manifest]) -> dict[str, str]:
    """Every value of every Secret by its path, plain and in base64; with passwords in URLs and JSON."""
    values: dict[str, str] = {}
    for each in found:
        if each["kind"] != "Secret":
            continue
        for key, encoded in each["data"].items():
            place, text = f"{each['metadata']['name']}/{key}", base64.b64decode(encoded).decode()
            values |= {place: text, f"{place} in base64": encoded}
            if "://" in text:
                values[f"{place}, password"] = text.rpartition("@")[0].rpartition(":")[2]
            if text.startswith("["):
                values |= {f"{place}, {owner['user']}": owner["password"] for owner in json.loads(text)}
    return values


def done(run: Run) -> dict[str, set[str]]:
    """Logical names by operation: create, update, delete or replace."""
    table = run.changes()
    replaced = table.get("replace", set())
    assert all(table.get(op, set()) == replaced for op in REPLACEMENT), f"half a replacement: {table}"
    return {op: found for op, found in table.items() if op == "replace" or op not in REPLACEMENT}


def reported(life: Life) -> str:
    """All events of all runs, as texts that hold values as they are."""
    told = "".join(run.event_log for run in life.runs.values())
    # Characters that Go escapes in another way.
    for written, meant in (("\\u003c", "<"), ("\\u003e", ">"), ("\\u0026", "&")):
        told = told.replace(written, meant)
    return told


def moments(run: Run) -> dict[tuple[str, str], int]:
    """Order of operations in a run: ("start" or "end", logical name) to a position; the first start, the last end."""
    times: dict[tuple[str, str], int] = {}
    for position, event in enumerate(run.events("resourcePreEvent", "resOutputsEvent")):
        for kind, point in (("resourcePreEvent", "start"), ("resOutputsEvent", "end")):
            if kind in event:
                name = event[kind]["metadata"]["urn"].rpartition("::")[2]
                if point == "end" or (point, name) not in times:
                    times[point, name] = position
    return times
