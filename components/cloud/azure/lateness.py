"""Calls that Azure refuses for some minutes after it reported success, and that the plugin does not repeat."""

from __future__ import annotations

from typing import Final

import pulumi

from components.cloud.retries import Late, retry_hook

ADDRESS: Final = Late(
    what="the cluster's load balancer to release a public address",
    patterns=["PublicIPAddressCannotBeDeleted"],
    bound_seconds=900,
)
"""This happens some minutes after the Gateway's Service is deleted."""
SUBNET: Final = Late(
    what="a subnet to become free",
    patterns=["InUseSubnetCannotBeDeleted"],
    bound_seconds=900,
)
"""A deleted server leaves a service association for a while,
https://github.com/hashicorp/terraform-provider-azurerm/issues/15728."""
CLUSTER: Final = Late(
    what="another operation on the cluster to end",
    patterns=["OperationNotAllowed.*in progress"],
    bound_seconds=1800,
)
"""For example an automatic upgrade, https://github.com/Azure/AKS/issues/2880."""
ROLE: Final = Late(
    what="a new role of the cluster's identity to take effect",
    patterns=["ResourceMissingPermissionError"],
    bound_seconds=900,
)
"""This can take minutes, https://learn.microsoft.com/azure/role-based-access-control/troubleshooting. AKS's checks of
the identity before it creates a cluster are not fully documented."""


def waiting(name: str) -> pulumi.ResourceHookBinding:
    """Hooks that repeat calls refused for one of these reasons. Every run registers them, because deletes need them."""
    return pulumi.ResourceHookBinding(on_error=[retry_hook(name, ADDRESS, SUBNET, CLUSTER, ROLE)])
