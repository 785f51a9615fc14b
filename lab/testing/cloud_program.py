"""Programs on a simulated cloud, described as data and run by the real engine."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lab.clouds.faults import FAULTS_VARIABLE
from lab.clouds.inventory import FOLDER_VARIABLE, Inventory
from lab.clouds.journal import Journal
from lab.clouds.latency import SPEED_VARIABLE
from lab.engine.environment import environment
from lab.engine.launcher import sdk_version
from lab.engine.stack import Stack
from lab.engine.toolchain import Toolchain
from lab.paths import PROJECT
from lab.testing import new_stacks

# Without the SDK's classes, whose import would take most of a run's time.
_PROGRAM: Final = """
import json
import pathlib
import sys

import pulumi


def opened(item):
    if isinstance(item, dict):
        if "$secret" in item:
            return pulumi.Output.secret(item["$secret"])
        if "$of" in item:
            return pulumi.get(made[item["$of"]], item["output"])
        return {key: opened(value) for key, value in item.items()}
    return [opened(value) for value in item] if isinstance(item, list) else item


class Made(pulumi.CustomResource):
    def __init__(self, entry, name, options):
        outputs = dict.fromkeys(entry["outputs"]) | opened(entry["inputs"])
        super().__init__(entry["type"], name, outputs, options)


spec = json.loads(pathlib.Path("program.json").read_text())
hooks = None
sys.path.append(spec["project"])
exec(spec["hooks"])
provider = pulumi.ProviderResource(
    spec["plugin"], "cloud", spec["config"], pulumi.ResourceOptions(version=spec["version"])
)
made = {}
for name, entry in spec["resources"].items():
    options = pulumi.ResourceOptions(
        provider=provider,
        depends_on=[made[other] for other in entry["after"]],
        ignore_changes=entry["ignore"],
        protect=entry["protect"],
        hooks=hooks,
    )
    made[name] = Made(entry, name, options)
"""


def declared(
    token: str,
    inputs: Mapping[str, Any],
    *,
    outputs: Sequence[str] = (),
    after: Sequence[str] = (),
    ignore: Sequence[str] = (),
    protect: bool = False,
) -> dict[str, Any]:
    """One resource of a program; `outputs` are those that other resources refer to with `output_of`."""
    return {
        "type": token,
        "inputs": inputs,
        "outputs": list(outputs),
        "after": list(after),
        "ignore": list(ignore),
        "protect": protect,
    }


def output_of(name: str, output: str) -> dict[str, str]:
    """An input that is the output of an earlier resource."""
    return {"$of": name, "output": output}


def secret(value: str) -> dict[str, str]:
    """A secret input."""
    return {"$secret": value}


@dataclass(frozen=True)
class CloudTrial:
    """A stack with a program described as data, in its own simulated clouds."""

    stack: Stack
    folder: Path
    plugin: str
    config: Mapping[str, str]

    def declare(self, resources: Mapping[str, Mapping[str, Any]], hooks: str = "") -> CloudTrial:
        """Write the program; `hooks` are statements that assign a ResourceHookBinding of all resources to `hooks`."""
        spec = {
            "plugin": self.plugin,
            "version": sdk_version(self.plugin),
            "config": self.config,
            "resources": resources,
            "hooks": hooks,
            "project": str(PROJECT),
        }
        (self.stack.folder / "program.json").write_text(json.dumps(spec))
        return self

    def plan(self, *faults: Mapping[str, Any]) -> None:
        """Request exactly these faults."""
        (self.folder / "faults.json").write_text(json.dumps(faults))

    @property
    def inventory(self) -> Inventory:
        return Inventory(self.folder / "clouds")

    @property
    def journal(self) -> Journal:
        return Journal(self.folder / "clouds")

    def names(self) -> set[str]:
        """Logical names of the resources in the cloud."""
        return {item.urn.rpartition("::")[2] for item in self.inventory.read().items.values()}

    def recorded(self) -> set[str]:
        """Logical names of the resources in state, without provider and stack."""
        entries = self.stack.state().get("resources", [])
        return {entry["urn"].rpartition("::")[2] for entry in entries if not entry["type"].startswith("pulumi:")}


def cloud_trial(
    tools: Toolchain,
    python: Mapping[str, str],
    folder: Path,
    plugin: str,
    config: Mapping[str, str],
    *,
    enabled: Sequence[str] = (),
) -> CloudTrial:
    """A new stack in a folder; `python` are variables that select the Python of program and plugins.

    `enabled` are APIs of Google Cloud that were enabled long ago.
    """
    program, backend, faults = folder / "program", folder / "stacks", folder / "faults.json"
    program.mkdir(parents=True)
    backend.mkdir()
    faults.write_text("[]")
    settings = {"toolchain": "pip", "virtualenv": str(PROJECT / ".venv")}
    project = {"name": "trial", "runtime": {"name": "python", "options": settings}}
    (program / "Pulumi.yaml").write_text(json.dumps(project))
    (program / "__main__.py").write_text(_PROGRAM)
    variables = {
        **environment(state=folder / "pulumi", tools=tools, simulated_clouds=True, engine_log=False),
        **python,
        FOLDER_VARIABLE: str(folder / "clouds"),
        FAULTS_VARIABLE: str(faults),
        SPEED_VARIABLE: "inf",
        "PULUMI_CONFIG_PASSPHRASE": "the same for all",
    }
    stack = Stack(folder=program, name="test", environment={**variables, "PULUMI_BACKEND_URL": f"file://{backend}"})
    new_stacks.create(stack)
    if enabled:
        with Inventory(folder / "clouds").changing() as world:
            world.facts["apis"] = {config["project"]: [f"{name}.googleapis.com" for name in enabled]}
    return CloudTrial(stack, folder, plugin, config)
