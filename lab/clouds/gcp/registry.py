"""Registries of the simulated Google Cloud."""

from __future__ import annotations

from typing import Any, ClassVar

from lab.clouds.gcp.resource import GcpKind, project_of
from lab.clouds.gcp.tokens import REPOSITORY
from lab.clouds.kind import ApiError, Call, Choices, Grammar


class Repository(GcpKind):
    """A repository of Artifact Registry. Deleting it deletes the images in it."""

    token = REPOSITORY
    api = "artifactregistry.googleapis.com"
    name = "repositoryId"
    path = "projects/{project}/locations/{location}/repositories/{repositoryId}"
    link = ""
    placed = ("location",)
    grammar = Grammar(
        pattern=r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?",
        words="1 to 63 of a-z, 0-9 and -, beginning with a letter and not ending with -",
    )
    required = ("location",)
    immutable = ("repositoryId", "project", "location", "format", "kmsKeyName", "mode", "mavenConfig")
    values: ClassVar[Choices] = {
        "format": ("DOCKER", "MAVEN", "NPM", "PYTHON", "APT", "YUM", "KFP", "GO", "GENERIC", "RUBY"),
    }

    def accept(self, call: Call) -> None:
        """Refuse settings of another format."""
        if call.get("dockerConfig") is not None and call.inputs["format"] != "DOCKER":
            raise ApiError(400, "Docker config is only for repositories of format DOCKER.", reason="badRequest")

    def outputs(self, call: Call) -> dict[str, Any]:
        """The prefix of its image references."""
        location, name = call.inputs["location"], call.inputs["repositoryId"]
        return {
            "name": name,
            "registryUri": f"{location}-docker.pkg.dev/{project_of(call)}/{name}",
            "createTime": "2026-01-01T00:00:00.000000Z",
            "updateTime": "2026-01-01T00:00:00.000000Z",
        }
