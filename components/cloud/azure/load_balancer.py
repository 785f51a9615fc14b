"""External access: a reserved address, and Gateways of the application routing add-on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi
from pulumi_azure_native import containerservice, network, resources

from components.cloud.azure import role_assignments
from components.cloud.azure.names import ResourceNames
from components.cloud.ordering import after
from components.contract import cloud as contract

GATEWAY_CLASS: Final = "approuting-istio"
"""https://learn.microsoft.com/azure/aks/app-routing-gateway-api"""
CLUSTER_API: Final = "2026-03-01"
"""The first version of the cluster's API that takes the settings of Gateways; the SDK's own is older. With an SDK that
knows them they belong among the cluster's arguments, and `gateway_api` can go."""
CLUSTER_TYPE: Final = "Microsoft.ContainerService/managedClusters"
TEMPLATE_SCHEMA: Final = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"


@dataclass(frozen=True, kw_only=True)
class AddressArgs:
    """Arguments of the address."""

    names: ResourceNames
    group: pulumi.Input[str]
    group_id: pulumi.Input[str]
    subscription_id: str
    location: str
    zones: Sequence[str]
    """Availability zones of the location; empty is none."""
    principal: pulumi.Input[str]
    """The cluster's identity, which puts a load balancer behind the address."""
    trusted_proxies: Sequence[pulumi.Input[str]]
    """Where the Gateway's own pods send from."""
    late: pulumi.ResourceHookBinding
    protect: bool


class Address(pulumi.ComponentResource):
    """A public address that the cluster may use; a Gateway takes it by the annotations of its Service."""

    value: pulumi.Output[str]
    resources: tuple[pulumi.Resource, ...]
    """What a cluster that uses the address comes after."""

    def __init__(self, name: str, args: AddressArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:azure:Address", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        # In state as "<name>-address": renaming gives another address, and DNS names point to the old one.
        address = network.PublicIPAddress(
            f"{name}-address",
            public_ip_address_name=args.names.physical_name("address"),
            resource_group_name=args.group,
            location=args.location,
            sku=network.PublicIPAddressSkuArgs(name="Standard", tier="Regional"),
            public_ip_allocation_method="Static",
            public_ip_address_version="IPv4",
            zones=[*args.zones] or None,
            tags=args.names.tags(),
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=args.protect,
                # The cluster notes on it which Service has it.
                ignore_changes=["tags"],
                # Azure refuses at once, and for good, what a load balancer still has; time limits do not help. When the
                # whole stack goes, the cluster goes before it.
                hooks=args.late,
            ),
        )
        # To find the address the cluster lists those of the group; to use it, it writes to this one.
        rights = [
            role_assignments.assigned(
                f"{name}-{use}-role",
                subscription_id=args.subscription_id,
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
        self.resources = (address, *rights)
        self.value = address.ip_address.apply(lambda known: known or "")
        self.register_outputs({"address": self.value})

    def load_balancer(self, gateways: pulumi.Resource) -> contract.LoadBalancer:
        """The way in, once the cluster serves Gateways."""
        return contract.LoadBalancer(
            gateway_class=GATEWAY_CLASS,
            address=self.value,
            infrastructure_annotations={
                "service.beta.kubernetes.io/azure-load-balancer-resource-group": self._args.group,
                "service.beta.kubernetes.io/azure-pip-name": after(self._physical_name, [gateways]),
                # By HTTP the load balancer would ask for "/", which no host answers.
                "service.beta.kubernetes.io/port_80_health-probe_protocol": "tcp",
                "service.beta.kubernetes.io/port_443_health-probe_protocol": "tcp",
            },
            trusted_proxies=self._args.trusted_proxies,
        )


def gateway_api(
    name: str,
    *,
    names: ResourceNames,
    group: pulumi.Input[str],
    cluster: containerservice.ManagedCluster,
    pools: Sequence[pulumi.Resource],
    late: pulumi.ResourceHookBinding,
    opts: pulumi.ResourceOptions,
) -> resources.Deployment:
    """Switch on Gateways in a cluster: its kinds of objects, and what serves them."""
    return resources.Deployment(
        f"{name}-gateways",
        deployment_name=names.physical_name("gateways"),
        resource_group_name=group,
        properties=resources.DeploymentPropertiesArgs(
            mode=resources.DeploymentMode.INCREMENTAL,
            template=template(),
            parameters={"cluster": resources.DeploymentParameterArgs(value=cluster.name)},
        ),
        opts=pulumi.ResourceOptions(
            parent=opts.parent,
            provider=opts.provider,
            # It writes the whole cluster, and AKS refuses an operation on a cluster while one on a pool goes on, and
            # the other way round, https://github.com/Azure/AKS/issues/2880.
            depends_on=[*pools],
            hooks=late,
            # A new cluster of the same name has none, though no input says so.
            replace_with=[cluster],
        ),
    )


def template() -> dict[str, Any]:
    """A template that adds the settings of Gateways to what a cluster has already.

    Templates only write whole resources: the inner one is given what is there, and writes it back with the addition.
    """
    wanted = {
        "ingressProfile": {
            "gatewayAPI": {"installation": "Standard"},
            "webAppRouting": {"enabled": True, "gatewayAPIImplementations": {"appRoutingIstio": {"mode": "Enabled"}}},
        }
    }
    taken = ("properties", "location", "sku", "identity", "tags")
    inner = {
        "$schema": TEMPLATE_SCHEMA,
        "contentVersion": "1.0.0.0",
        "parameters": {"name": {"type": "string"}, "now": {"type": "object"}},
        "resources": [
            {
                "type": CLUSTER_TYPE,
                "apiVersion": CLUSTER_API,
                "name": "[parameters('name')]",
                **{key: f"[parameters('now').{key}]" for key in taken if key != "properties"},
                "properties": f"[union(parameters('now').properties, json('{_text(wanted)}'))]",
            }
        ],
    }
    found = f"reference(resourceId('{CLUSTER_TYPE}', parameters('cluster')), '{CLUSTER_API}', 'Full')"
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
                    "parameters": {"name": {"value": "[parameters('cluster')]"}, "now": {"value": f"[{found}]"}},
                    "template": inner,
                },
            }
        ],
    }


def _text(value: object) -> str:
    return json.dumps(value)
