"""The image registry of a stack in Artifact Registry."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_gcp import artifactregistry

from components.cloud.gcp.scope import GcpScope


@dataclass(frozen=True, kw_only=True)
class RegistryArgs:
    """Arguments of the registry."""

    scope: GcpScope
    node_account: pulumi.Input[str]
    """E-mail address of the nodes' service account, which pulls images."""


class Registry(pulumi.ComponentResource):
    """A registry for the stack's own images, with immutable tags."""

    address: pulumi.Output[str]
    """Prefix of image references."""

    def __init__(self, name: str, args: RegistryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:gcp:Registry", name, None, opts)
        scope = args.scope
        # In state as "<name>-repository": renaming loses all images.
        repository = artifactregistry.Repository(
            f"{name}-repository",
            repository_id=scope.names.physical_name("images"),
            location=scope.settings.region,
            format="DOCKER",
            docker_config=artifactregistry.RepositoryDockerConfigArgs(immutable_tags=True),
            labels=scope.names.labels(),
            opts=pulumi.ResourceOptions(
                parent=self, hooks=scope.apis.hooks, protect=scope.protect, depends_on=scope.apis.of("artifacts")
            ),
        )
        artifactregistry.RepositoryIamMember(
            f"{name}-readers",
            repository=repository.name,
            location=scope.settings.region,
            role="roles/artifactregistry.reader",
            member=pulumi.Output.concat("serviceAccount:", args.node_account),
            opts=pulumi.ResourceOptions(parent=self, hooks=scope.apis.hooks),
        )
        self.address = repository.registry_uri
        self.register_outputs({"address": self.address})
