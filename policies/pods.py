"""The pods that objects of Kubernetes create, including task pods, whose template is the content of a ConfigMap."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from policies.conditions import listed
from policies.resource import Resource, at, mapping

TEMPLATES: Final[Mapping[str, str]] = {
    "kubernetes:core/v1:Pod": "",
    "kubernetes:apps/v1:Deployment": "spec.template",
    "kubernetes:apps/v1:StatefulSet": "spec.template",
    "kubernetes:apps/v1:DaemonSet": "spec.template",
    "kubernetes:batch/v1:Job": "spec.template",
    "kubernetes:batch/v1:CronJob": "spec.jobTemplate.spec.template",
}
"""The path of the pod's template, by type."""
CONFIG_MAP: Final = "kubernetes:core/v1:ConfigMap"
TYPES: Final = (*TEMPLATES, CONFIG_MAP)
"""The types whose objects can hold pods."""
CONTAINERS: Final = ("containers", "initContainers", "ephemeralContainers")


@dataclass(frozen=True)
class Pod:
    """The template of a pod."""

    path: str
    """Where it is in the properties of its object."""
    content: Mapping[str, Any]

    @property
    def spec(self) -> Mapping[str, Any]:
        """The spec; empty if it is unknown."""
        return mapping(at(self.content, "spec"))

    @property
    def containers(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Main and init containers, each with its path."""
        for kind in CONTAINERS:
            for index, container in enumerate(listed(at(self.spec, kind))):
                name = at(container, "name") or index
                yield f"{self.path}spec.{kind}[{name}]", mapping(container)


def pods(resource: Resource) -> Iterator[Pod]:
    """The pods of one object."""
    if resource.kind == CONFIG_MAP:
        for key, text in mapping(at(resource.props, "data")).items():
            if (manifest := _manifest(text)) is not None:
                yield Pod(f"data[{key}].", manifest)
        return
    path = TEMPLATES.get(resource.kind)
    if path is not None and (content := mapping(at(resource.props, path) if path else resource.props)):
        yield Pod(f"{path}." if path else "", content)


def _manifest(text: Any) -> Mapping[str, Any] | None:
    """A text as the manifest of a pod, if it is one."""
    if not isinstance(text, str) or "kind: Pod" not in text:
        return None
    try:
        found = mapping(yaml.safe_load(text))
    except yaml.YAMLError:
        return None
    return found if found.get("kind") == "Pod" else None
