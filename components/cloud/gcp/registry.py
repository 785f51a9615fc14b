"""The image registry of a stack in Artifact Registry."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_gcp import artifactregistry

from components.cloud.gcp.apis import Apis
from components.cloud.gcp.names import ResourceNames


@dataclass(frozen=True, kw_only=True)
class RegistryArgs:
    """Arguments of the registry."""

    names: ResourceNames
    apis: Apis
    region: str
    node_account: pulumi.Input[str]
    """E-mail address of the nodes' service account, which pulls images."""
    protect: bool


class Registry(pulumi.ComponentResource):
    """A registry for the stack's own images, with immutable tags."""

    address: pulumi.Output[str]
    """Prefix of image references."""

    def __init__(self, name: str, args: RegistryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:gcp:Registry", name, None, opts)
        # In state as "<name>-repository": renaming loses all images.
        repository = artifactregistry.Repository(
            f"{name}-repository",
            repository_id=args.names.physical_name("images"),
            location=args.region,
            format="DOCKER",
            docker_config=artifactregistry.RepositoryDockerConfigArgs(immutable_tags=True),
            labels=args.names.labels(),
            opts=pulumi.ResourceOptions(
                parent=self, hooks=args.apis.hooks, protect=args.protect, depends_on=args.apis.of("artifacts")
            ),
        )
        artifactregistry.RepositoryIamMember(
            f"{name}-readers",
            repository=repository.name,
            location=args.region,
            role="roles/artifactregistry.reader",
            member=pulumi.Output.concat("serviceAccount:", args.node_account),
            opts=pulumi.ResourceOptions(parent=self, hooks=args.apis.hooks),
        )
        self.address = repository.registry_uri
        self.register_outputs({"address": self.address})
