"""The container registry for a stack's own images."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import containerregistry

from components.cloud.azure import role_assignments
from components.cloud.azure.names import REGISTRY_MAX
from components.cloud.azure.scope import AzureScope


@dataclass(frozen=True, kw_only=True)
class RegistryArgs:
    """Arguments of the registry."""

    scope: AzureScope
    kubelet: pulumi.Input[str]
    """Object id of the identity that nodes pull images with."""


class Registry(pulumi.ComponentResource):
    """A container registry that the nodes may pull from; it has no users."""

    id: pulumi.Output[str]
    address: pulumi.Output[str]
    """Prefix of image references."""
    pull: pulumi.Resource
    """The nodes' role assignment for pulling images."""

    def __init__(self, name: str, args: RegistryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:azure:Registry", name, None, opts)
        scope, cloud = args.scope, args.scope.settings
        # In state as "<name>-registry": renaming loses all images.
        registry = containerregistry.Registry(
            f"{name}-registry",
            registry_name=scope.names.alphanumeric_name("images", limit=REGISTRY_MAX),
            resource_group_name=scope.group,
            location=cloud.region,
            sku=containerregistry.SkuArgs(name=cloud.registry.capitalize()),
            admin_user_enabled=False,
            anonymous_pull_enabled=False,
            tags=scope.names.tags(),
            opts=pulumi.ResourceOptions(parent=self, protect=scope.protect),
        )
        self.pull = role_assignments.assigned(
            f"{name}-pull-role",
            subscription_id=cloud.subscription_id,
            role=role_assignments.IMAGE_PULLER,
            scope=registry.id,
            principal=args.kubelet,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.id, self.address = registry.id, registry.login_server
        self.register_outputs({"address": self.address})
