"""A plain program that registers the resources of a preview: SDK classes with literal inputs.

Additional time of the real program is its own overhead: settings, components, ordering.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from lab.engine.stack import Run, Stack
from lab.paths import PROJECT

UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""The engine's marker of a value that is unknown in a preview."""
MARKED: Final = "4dabf18193072939515e22adb298388d"
"""The key that marks an object as a secret."""
PROVIDERS: Final = "pulumi:providers:"

PROGRAM: Final = """\
import importlib
import inspect
import json
from pathlib import Path

import pulumi
import pulumi_random

plan = json.loads((Path(__file__).parent / "plan.json").read_text())
unknown = pulumi_random.RandomId("unknown", byte_length=4).hex
providers = {}


def opened(value):
    if isinstance(value, dict):
        if plan["marked"] in value:
            return pulumi.Output.secret(unknown)
        return {key: opened(item) for key, item in value.items()}
    if isinstance(value, list):
        return [opened(item) for item in value]
    return unknown if value == plan["unknown"] else value


def arguments(resource, inputs):
    known = {name.replace("_", "").lower(): name for name in inspect.signature(resource._internal_init).parameters}
    return {known[key.lower()]: value for key, value in inputs.items() if not key.startswith("__")}


for entry in plan["resources"]:
    inputs = opened(entry["inputs"])
    if "package" in entry:
        opts = pulumi.ResourceOptions(version=inputs.pop("version", None))
        providers[entry["urn"]] = pulumi.ProviderResource(entry["package"], entry["name"], inputs, opts)
    else:
        resource = getattr(importlib.import_module(entry["module"]), entry["class"])
        opts = pulumi.ResourceOptions(provider=providers.get(entry["provider"]))
        resource(entry["name"], **arguments(resource, inputs), opts=opts)
"""


def program(folder: Path, previewed: Run, environment: Mapping[str, str]) -> Stack:
    """The stack of a plain program with a preview's custom resources, in a new folder."""
    folder.mkdir()
    runtime = {"name": "python", "options": {"toolchain": "pip", "virtualenv": str(PROJECT / ".venv")}}
    (folder / "Pulumi.yaml").write_text(json.dumps({"name": "plain", "runtime": runtime}))
    (folder / "__main__.py").write_text(PROGRAM)
    resources = [_entry(step) for step in _registered(previewed)]
    plan = {"unknown": UNKNOWN, "marked": MARKED, "resources": resources}
    (folder / "plan.json").write_text(json.dumps(plan))
    stack = Stack(folder=folder, name="plain", environment=dict(environment))
    stack.create()
    return stack


def _registered(previewed: Run) -> list[Mapping[str, Any]]:
    """The registrations of all custom resources and providers, providers first."""
    found = [event["resourcePreEvent"]["metadata"] for event in previewed.events("resourcePreEvent")]
    known = {each["urn"]: each for each in found if each["new"] and each["new"].get("custom") and not _implied(each)}
    return sorted(known.values(), key=lambda each: not each["type"].startswith(PROVIDERS))


def _implied(metadata: Mapping[str, Any]) -> bool:
    """Whether the engine created it itself."""
    return metadata["type"].startswith(PROVIDERS) and metadata["urn"].rpartition("::")[2].startswith("default")


def _entry(metadata: Mapping[str, Any]) -> dict[str, Any]:
    entry = {"urn": metadata["urn"], "type": metadata["type"], "inputs": metadata["new"].get("inputs") or {}}
    # Resources have no parents here, so names that differ only in their parents would be equal.
    entry["name"] = metadata["urn"].rpartition("::")[2]
    if metadata["type"].startswith(PROVIDERS):
        return {**entry, "package": metadata["type"].removeprefix(PROVIDERS)}
    entry |= {"module": _module(metadata["type"]), "class": metadata["type"].rpartition(":")[2]}
    return {**entry, "provider": metadata["provider"].rpartition("::")[0]}


def _module(token: str) -> str:
    """The SDK's module of a type: kubernetes:apps/v1:Deployment is in pulumi_kubernetes.apps.v1."""
    package, where, _ = token.split(":")
    first, *rest = where.split("/")
    if package == "kubernetes":
        group = first.removesuffix(".k8s.io").removesuffix(".authorization")
        return ".".join(["pulumi_kubernetes", group, *rest])
    # In other packages the next part is the resource, as in gcp:container/cluster:Cluster.
    return ".".join([f"pulumi_{package.replace('-', '_')}", *([] if first == "index" else [first])])
