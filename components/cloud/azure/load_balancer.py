"""External access: a reserved address, and Gateways of the application routing add-on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi
from pulumi_azure_native import containerservice, network, resources

from components.cloud.azure import role_assignments
from components.cloud.azure.scope import AzureScope
from components.cloud.ordering import after
from components.contract import cloud as contract

GATEWAY_CLASS: Final = "approuting-istio"
"""https://learn.microsoft.com/azure/aks/app-routing-gateway-api"""
CLUSTER_API: Final = "2026-03-01"
"""The first version of the cluster's API with the settings of Gateways; the SDK's version is older. When the SDK
supports them, move them to the cluster's arguments and remove `create_gateway_api`."""
CLUSTER_TYPE: Final = "Microsoft.ContainerService/managedClusters"
TEMPLATE_SCHEMA: Final = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"


@dataclass(frozen=True, kw_only=True)
class AddressArgs:
    """Arguments of the address."""

    scope: AzureScope
    group_id: pulumi.Input[str]
    principal: pulumi.Input[str]
    """The cluster's identity, which attaches a load balancer to the address."""
    trusted_proxies: Sequence[pulumi.Input[str]]
    """Source ranges of the Gateway's pods."""


class Address(pulumi.ComponentResource):
    """A public address that the cluster may use; annotations of a Gateway's Service select it."""

    value: pulumi.Output[str]
    resources: tuple[pulumi.Resource, ...]
    """Resources that must exist before a cluster that uses the address."""

    def __init__(self, name: str, args: AddressArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:azure:Address", name, None, opts)
        child, scope = pulumi.ResourceOptions(parent=self), args.scope
        # In state as "<name>-address": renaming gives another address, and DNS names point to the old one.
        address = network.PublicIPAddress(
            f"{name}-address",
            public_ip_address_name=scope.names.physical_name("address"),
            resource_group_name=scope.group,
            location=scope.settings.region,
            sku=network.PublicIPAddressSkuArgs(name="Standard", tier="Regional"),
            public_ip_allocation_method="Static",
            public_ip_address_version="IPv4",
            zones=[*scope.location_zones] or None,
            tags=scope.names.tags(),
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=scope.protect,
                # The cluster writes a tag with the name of the Service.
                ignore_changes=["tags"],
                # Azure refuses to delete an address that a load balancer still uses; a longer timeout does not help.
                # When the whole stack is deleted, the cluster is deleted first.
                hooks=scope.late,
            ),
        )
        # To find the address, the cluster lists the addresses of the group; to use it, it writes to this one.
        roles = [
            role_assignments.assigned(
                f"{name}-{use}-role",
                subscription_id=args.scope.settings.subscription_id,
                role=role,
                scope=scope,
                principal=args.principal,
                opts=child,
            )
            for use, role, scope in (
                ("address", role_assignments.NETWORK_USER, address.id),
                ("list", role_assignments.READER, args.group_id),
            )
        ]
        self._args, self._physical_name = args, address.name
        self.resources = (address, *roles)
        self.value = address.ip_address.apply(lambda value: value or "")
        self.register_outputs({"address": self.value})

    def load_balancer(self, gateways: pulumi.Resource) -> contract.LoadBalancer:
        """The load balancer, which resolves after the cluster supports Gateways."""
        return contract.LoadBalancer(
            gateway_class=GATEWAY_CLASS,
            address=self.value,
            infrastructure_annotations={
                "service.beta.kubernetes.io/azure-load-balancer-resource-group": self._args.scope.group,
                "service.beta.kubernetes.io/azure-pip-name": after(self._physical_name, [gateways.urn]),
                # An HTTP probe would request "/", which no host answers.
                "service.beta.kubernetes.io/port_80_health-probe_protocol": "tcp",
                "service.beta.kubernetes.io/port_443_health-probe_protocol": "tcp",
            },
            trusted_proxies=self._args.trusted_proxies,
        )


def create_gateway_api(
    name: str,
    *,
    scope: AzureScope,
    cluster: containerservice.ManagedCluster,
    pools: Sequence[pulumi.Resource],
    opts: pulumi.ResourceOptions,
) -> resources.Deployment:
    """Enable Gateways in a cluster: the API's object kinds, and their controller."""
    return resources.Deployment(
        f"{name}-gateways",
        deployment_name=scope.names.physical_name("gateways"),
        resource_group_name=scope.group,
        properties=resources.DeploymentPropertiesArgs(
            mode=resources.DeploymentMode.INCREMENTAL,
            template=template(),
            parameters={"cluster": resources.DeploymentParameterArgs(value=cluster.name)},
        ),
        opts=pulumi.ResourceOptions(
            parent=opts.parent,
            provider=opts.provider,
            # It writes the whole cluster, and AKS refuses an operation on a cluster during one on a pool, and vice
            # versa, https://github.com/Azure/AKS/issues/2880.
            depends_on=[*pools],
            hooks=scope.late,
            # A new cluster of the same name has no Gateways, but no input changes.
            replace_with=[cluster],
        ),
    )


def template() -> dict[str, Any]:
    """A template that adds the settings of Gateways to an existing cluster.

    Templates only write whole resources: the inner template gets the current resource and writes it back with the
    addition.
    """
    addition = {
        "ingressProfile": {
            "gatewayAPI": {"installation": "Standard"},
            "webAppRouting": {"enabled": True, "gatewayAPIImplementations": {"appRoutingIstio": {"mode": "Enabled"}}},
        }
    }
    copied = ("location", "sku", "identity", "tags")
    inner = {
        "$schema": TEMPLATE_SCHEMA,
        "contentVersion": "1.0.0.0",
        "parameters": {"name": {"type": "string"}, "now": {"type": "object"}},
        "resources": [
            {
                "type": CLUSTER_TYPE,
                "apiVersion": CLUSTER_API,
                "name": "[parameters('name')]",
                **{key: f"[parameters('now').{key}]" for key in copied},
                "properties": f"[union(parameters('now').properties, json('{_text(addition)}'))]",
            }
        ],
    }
    current = f"reference(resourceId('{CLUSTER_TYPE}', parameters('cluster')), '{CLUSTER_API}', 'Full')"
    return {
        "$schema": TEMPLATE_SCHEMA,
        "contentVersion": "1.0.0.0",
        "parameters": {"cluster": {"type": "string"}},
        "resources": [
            {
                "type": "Microsoft.Resources/deployments",
                "apiVersion": "2022-09-01",
                "name": "[concat(deployment().name, '-cluster')]",
                "properties": {
                    "mode": "Incremental",
                    "expressionEvaluationOptions": {"scope": "inner"},
                    "parameters": {"name": {"value": "[parameters('cluster')]"}, "now": {"value": f"[{current}]"}},
                    "template": inner,
                },
            }
        ],
    }


def _text(value: object) -> str:
    return json.dumps(value)
