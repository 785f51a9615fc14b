"""Programs for the kubernetes plugin, described as data: manifests, written between two runs of the engine."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lab.engine.launcher import sdk_version
from lab.engine.stack import Run, Stack
from lab.paths import PROJECT
from lab.testing import new_stacks
from lab.testing.cluster import TestCluster, path

Object = dict[str, Any]

# Without the SDK's classes, whose import would take most of a run's time. The manifests contain what they add.
_PROGRAM: Final = """
import json
import pathlib

import pulumi


def opened(item):
    if isinstance(item, dict):
        if "$secret" in item:
            return pulumi.Output.secret(opened(item["$secret"]))
        if "$name" in item:
            return made[item["$name"]].metadata.apply(lambda found: found["name"])
        return {key: opened(value) for key, value in item.items()}
    return [opened(value) for value in item] if isinstance(item, list) else item


class Made(pulumi.CustomResource):
    def __init__(self, entry, name, inputs, options):
        outputs = {"metadata": None, "status": None} | inputs
        super().__init__(entry["type"], name, outputs, options)

    @property
    def metadata(self):
        return pulumi.get(self, "metadata")


spec = json.loads(pathlib.Path("program.json").read_text())
providers = {
    name: pulumi.ProviderResource("kubernetes", name, inputs, pulumi.ResourceOptions(version=spec["version"]))
    for name, inputs in spec["providers"].items()
}
made = {}
for name, entry in spec["objects"].items():
    options = pulumi.ResourceOptions(
        provider=providers[entry["provider"]],
        depends_on=[made[other] for other in entry["after"]],
        ignore_changes=entry["ignore"],
        import_=entry["adopt"],
        custom_timeouts=pulumi.CustomTimeouts(**dict.fromkeys(("create", "update", "delete"), entry["timeout"])),
    )
    made[name] = Made(entry, name, opened(entry["manifest"]), options)
"""


def declared(
    manifest: Object,
    *,
    provider: str = "cluster",
    after: Sequence[str] = (),
    ignore: Sequence[str] = (),
    timeout: str | None = None,
    adopt: str | None = None,
) -> Object:
    """One resource of a program; `adopt` is the id of a live object to import."""
    group, _, version = manifest["apiVersion"].rpartition("/")
    token = f"kubernetes:{group or 'core'}/{version}:{manifest['kind']}"
    return {
        "type": token,
        "manifest": manifest,
        "provider": provider,
        "after": list(after),
        "ignore": list(ignore),
        "timeout": timeout,
        "adopt": adopt,
    }


@dataclass(frozen=True)
class Trial:
    """A stack with a program described as data, and its own namespace in the cluster."""

    stack: Stack
    cluster: TestCluster
    namespace: str

    def declare(self, objects: Mapping[str, Object], **providers: Mapping[str, str]) -> Trial:
        """Write the program. Manifests are taken as resources without options; the default provider is `cluster`."""
        entries = {name: entry if "manifest" in entry else declared(entry) for name, entry in objects.items()}
        standard = {"kubeconfig": self.cluster.kubeconfig.read_text(), "namespace": self.namespace}
        spec = {
            "version": sdk_version("kubernetes"),
            "providers": {"cluster": standard} | {name: standard | dict(more) for name, more in providers.items()},
            "objects": entries,
        }
        (self.stack.folder / "program.json").write_text(json.dumps(spec))
        return self

    def live(self, *names: str) -> dict[str, Object]:
        """The live objects of the stack's resources."""
        found = {name: entry["outputs"] for name, entry in self.recorded().items() if name in names}
        return {name: self._get(outputs) for name, outputs in found.items()}

    def recorded(self) -> dict[str, Object]:
        """The stack's objects in state, by logical name."""
        resources = self.stack.state().get("resources", [])
        return {
            entry["urn"].rsplit("::", 1)[1]: entry for entry in resources if entry["type"].startswith("kubernetes:")
        }

    def _get(self, outputs: Object) -> Object:
        metadata = outputs["metadata"]
        where = path(outputs["apiVersion"], outputs["kind"], metadata.get("namespace", ""), metadata["name"])
        return self.cluster.api.get(where)


def trial(environment: Mapping[str, str], cluster: TestCluster, folder: Path) -> Trial:
    """A new stack in a folder, and a new namespace named after the folder."""
    program, backend = folder / "program", folder / "stacks"
    program.mkdir(parents=True)
    backend.mkdir()
    settings = {"toolchain": "pip", "virtualenv": str(PROJECT / ".venv")}
    project = {"name": "trial", "runtime": {"name": "python", "options": settings}}
    (program / "Pulumi.yaml").write_text(json.dumps(project))
    (program / "__main__.py").write_text(_PROGRAM)
    stack = Stack(folder=program, name="test", environment={**environment, "PULUMI_BACKEND_URL": f"file://{backend}"})
    new_stacks.create(stack)
    namespace = folder.name.replace("_", "-").lower()[:60].strip("-")
    cluster.api.create(path("v1", "Namespace"), {"metadata": {"name": namespace}})
    return Trial(stack, cluster, namespace)


def ops(run: Run) -> dict[str, list[str]]:
    """Operations by logical name, in order."""
    table: dict[str, list[str]] = {}
    for step in run.steps():
        table.setdefault(step.name, []).append(step.op)
    return table


def config_map(name: str | None = None, *, data: Mapping[str, Any] | None = None, **metadata: Any) -> Object:
    """A ConfigMap's manifest."""
    named = {"name": name} if name else {}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {**named, **metadata},
        "data": dict(data or {"a": "1"}),
    }


def pod_template(image: str = "app:1", *, app: str = "app", **spec: Any) -> Object:
    """A pod template with one container."""
    containers = [{"name": "main", "image": image}]
    return {"metadata": {"labels": {"app": app}}, "spec": {"containers": containers, **spec}}


def workload(kind: str, image: str = "app:1", *, app: str = "app", **spec: Any) -> Object:
    """A Deployment's or StatefulSet's manifest."""
    more = {"serviceName": "none"} if kind == "StatefulSet" else {}
    body = {"replicas": 1, "selector": {"matchLabels": {"app": app}}, "template": pod_template(image, app=app), **more}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {}, "spec": body | spec}


def job(image: str = "app:1", **spec: Any) -> Object:
    """A Job's manifest."""
    template = pod_template(image, restartPolicy="Never")
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {}, "spec": {"template": template, **spec}}


def annotated(manifest: Object, **annotations: str) -> Object:
    """The manifest with annotations `pulumi.com/…`."""
    found = {f"pulumi.com/{key}": value for key, value in annotations.items()}
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": found}}
