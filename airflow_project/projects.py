"""The projects of a stack, and the arguments of their pods."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from airflow_project.errors import ProjectError
from airflow_project.files import open_files

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fsspec import AbstractFileSystem  # pyright: ignore[reportMissingTypeStubs]

FACTS: Final = Path(__file__).with_name("projects.json")
"""What the stack writes beside this package: its projects by name."""
LABEL: Final = "airflow.apache.org/project"
BASE_CONTAINER: Final = "base"
"""The KubernetesPodOperator's own name of its container."""
DATA_FOLDER: Final = "/opt/data"


def project(name: str, facts: Path = FACTS) -> Project:
    """A project of the stack.

    Args:
        name: its name in `airflow:projects`.
        facts: the file with all projects.

    Raises:
        ProjectError: the stack has no such project.
    """
    found: dict[str, dict[str, Any]] = {}
    # The stack writes the file only if it has projects.
    if facts.exists():
        found = json.loads(facts.read_text())
    if name not in found:
        known = f"has {', '.join(sorted(found))}" if found else "has no projects"
        raise ProjectError(
            f"Project {name!r} is not a project of this stack, which {known}; correct the name in the DAG, or add the "
            "project to airflow:projects and run `pulumi up`."
        )
    return Project(name=name, facts=found[name])


@dataclass(frozen=True)
class Project:
    """One project of the stack."""

    name: str
    facts: Mapping[str, Any]
    """The project's entry in the file of the stack."""

    def pod(self, image: str | None = None) -> dict[str, Any]:
        """Arguments of a KubernetesPodOperator whose pod gets everything of the project.

        The pod has the project's ConfigMap and Secret as variables, its data at /opt/data or its identity for the
        bucket, its ServiceAccount, its nodes, and the task takes a slot of the project's pool. They are in
        `pod_template_dict`, so further arguments such as `env_vars`, `volumes` or `labels` add to them.

        Args:
            image: the image; default: the project's.

        Raises:
            ProjectError: neither the call nor the stack names an image.
        """
        image = image if image is not None else self.facts["image"]
        if image is None:
            raise ProjectError(
                f"Project {self.name!r} has no image, and the task names none; call pod(image=…), or set "
                "airflow:projects[…].image in the stack."
            )
        arguments: dict[str, Any] = {
            "namespace": self.facts["namespace"],
            "image": image,
            "pod_template_dict": self.template(),
        }
        if self.facts["pool"]:
            arguments["pool"] = self.name
        return arguments

    def template(self) -> dict[str, Any]:
        """The pod that the operator's own arguments are merged into, as a manifest."""
        container: dict[str, Any] = {
            "name": BASE_CONTAINER,
            "envFrom": [{"configMapRef": {"name": self.name}}],
        }
        spec: dict[str, Any] = {"serviceAccountName": self.name, "containers": [container]}
        if self.facts["secret"]:
            container["envFrom"].append({"secretRef": {"name": self.name}})
        if self.facts["claim"]:
            container["volumeMounts"] = [{"name": "data", "mountPath": DATA_FOLDER}]
            spec["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": self.name}}]
        if self.facts["node_selector"]:
            spec["nodeSelector"] = dict(self.facts["node_selector"])
        if self.facts["tolerations"]:
            spec["tolerations"] = list(self.facts["tolerations"])
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"labels": {**self.facts["labels"], LABEL: self.name}},
            "spec": spec,
        }

    @cached_property
    def files(self) -> AbstractFileSystem:
        """The file system of the project's data, whose root is the data's own folder; see `open_files`.

        Raises:
            ProjectError: the project has no data, or has it on a volume that is not mounted here.
        """
        if self.facts["data"] is None:
            raise ProjectError(
                f"Project {self.name!r} has no data; set airflow:projects[…].data in the stack and run `pulumi up`."
            )
        return open_files(self.facts["data"], self.facts["storage_options"])
