"""The virtual network of a stack on Azure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_azure_native import network, privatedns

from components.cloud import ordering
from components.cloud.azure.scope import AzureScope
from components.settings.azure.network import Network as Ranges

POSTGRES_PORTS: Final = ("5432", "6432")
"""PostgreSQL, and the built-in connection pooler of Flexible Server."""
WEB_PORTS: Final = ("80", "443")
DATABASE_SERVICE: Final = "Microsoft.DBforPostgreSQL/flexibleServers"
DATABASE_ZONE: Final = "private.postgres.database.azure.com"
"""Zone of a server's private name. It must differ from the server's name."""
ALLOW_INSIDE: Final = 100
DENY_INSIDE: Final = 4000
"""After every allow rule, before Azure's default rule that admits the whole network."""


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """Arguments of the network."""

    scope: AzureScope
    web: bool
    """Whether browsers connect from the internet."""


class Network(pulumi.ComponentResource):
    """A virtual network with subnets for nodes, the database and, if there are any, private endpoints."""

    id: pulumi.Output[str]
    nodes: pulumi.Output[str]
    """Id of the nodes' subnet."""
    nodes_subnet: pulumi.Resource
    """The nodes' subnet."""
    database: pulumi.Output[str]
    """Id of the database's subnet."""
    endpoints: pulumi.Output[str] | None
    """Id of the subnet of private endpoints."""
    database_zone: pulumi.Output[str]
    """Id of the private DNS zone of the database; resolves after the network is linked to it."""
    outbound_address: pulumi.Output[str] | None
    """Public outbound address of the nodes, if it is known before the cluster exists."""
    egress: pulumi.Resource | None
    """The NAT gateway; None if the cluster's load balancer provides outbound access."""

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:azure:Network", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self._scope, ranges = args.scope, args.scope.settings.network
        self.outbound_address = None
        vnet = network.VirtualNetwork(
            f"{name}-vnet",
            virtual_network_name=args.scope.names.physical_name(),
            resource_group_name=args.scope.group,
            address_space=network.AddressSpaceArgs(address_prefixes=[ranges.network]),
            tags=args.scope.names.tags(),
            opts=pulumi.ResourceOptions(
                parent=self,
                # Subnets are separate resources.
                ignore_changes=["subnets"],
            ),
        )
        self.id = vnet.id
        database = self._subnet(
            f"{name}-database",
            vnet,
            prefix=ranges.database,
            rules=_database_rules(ranges),
            delegations=[network.DelegationArgs(name="postgres", service_name=DATABASE_SERVICE)],
            # The server archives its write-ahead log to storage; Microsoft recommends the endpoint for a standby,
            # https://learn.microsoft.com/azure/postgresql/network/concepts-networking-private.
            service_endpoints=[network.ServiceEndpointPropertiesFormatArgs(service="Microsoft.Storage")],
        )
        self.egress = gateway = self._gateway(name) if ranges.outbound == "nat_gateway" else None
        nodes = self._subnet(
            f"{name}-nodes",
            vnet,
            prefix=ranges.nodes,
            rules=[_web_rule()] if args.web else [],
            nat_gateway=network.SubResourceArgs(id=gateway.id) if gateway is not None else None,
            service_endpoints=None
            if ranges.private_endpoints
            else [network.ServiceEndpointPropertiesFormatArgs(service="Microsoft.Storage")],
            after=[database],
        )
        self.endpoints = (
            self._subnet(f"{name}-endpoints", vnet, prefix=ranges.endpoints, rules=[], after=[nodes]).id
            if ranges.private_endpoints
            else None
        )
        self.database, self.nodes, self.nodes_subnet = database.id, nodes.id, nodes
        # The link is deleted before the subnet. A deleted server leaves a service association, which blocks the subnet
        # for about as long as the link's deletion takes,
        # https://github.com/hashicorp/terraform-provider-azurerm/pull/24593.
        self.database_zone = self.zone(f"{name}-database", DATABASE_ZONE, after=[database])
        self.register_outputs({"id": self.id})

    def zone(self, name: str, domain: str, after: Sequence[pulumi.Resource] = ()) -> pulumi.Output[str]:
        """Id of a private DNS zone, which resolves after the network is linked to it; the link waits for `after`."""
        zone = privatedns.PrivateZone(
            f"{name}-zone",
            private_zone_name=domain,
            resource_group_name=self._scope.group,
            location="global",
            tags=self._scope.names.dns_tags(),
            opts=self._child,
        )
        link = privatedns.VirtualNetworkLink(
            f"{name}-link",
            virtual_network_link_name=self._scope.names.physical_name(),
            private_zone_name=zone.name,
            resource_group_name=self._scope.group,
            location="global",
            registration_enabled=False,
            virtual_network=privatedns.SubResourceArgs(id=self.id),
            tags=self._scope.names.dns_tags(),
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )
        return ordering.after(zone.id, [link.id])

    def endpoint(self, name: str, *, of: pulumi.Input[str], service: str, zone: pulumi.Input[str]) -> pulumi.Resource:
        """A private endpoint of one service of a storage account, with its name in the DNS zone.

        Raises:
            ValueError: the network has no private endpoints.
        """
        if self.endpoints is None:
            raise ValueError("the network has no subnet for private endpoints")
        endpoint = network.PrivateEndpoint(
            f"{name}-endpoint",
            private_endpoint_name=self._scope.names.physical_name(service),
            resource_group_name=self._scope.group,
            subnet=network.SubnetArgs(id=self.endpoints),
            private_link_service_connections=[
                network.PrivateLinkServiceConnectionArgs(name=service, private_link_service_id=of, group_ids=[service])
            ],
            tags=self._scope.names.tags(),
            opts=self._child,
        )
        return network.PrivateDnsZoneGroup(
            f"{name}-names",
            private_dns_zone_group_name="default",
            private_endpoint_name=endpoint.name,
            resource_group_name=self._scope.group,
            private_dns_zone_configs=[network.PrivateDnsZoneConfigArgs(name=service, private_dns_zone_id=zone)],
            opts=self._child,
        )

    def _subnet(
        self,
        name: str,
        vnet: network.VirtualNetwork,
        *,
        prefix: str,
        rules: Sequence[network.SecurityRuleArgs],
        delegations: Sequence[network.DelegationArgs] | None = None,
        nat_gateway: network.SubResourceArgs | None = None,
        service_endpoints: Sequence[network.ServiceEndpointPropertiesFormatArgs] | None = None,
        after: Sequence[pulumi.Resource] = (),
    ) -> network.Subnet:
        use = name.rpartition("-")[2]
        group = network.NetworkSecurityGroup(
            f"{name}-rules",
            network_security_group_name=self._scope.names.physical_name(use),
            resource_group_name=self._scope.group,
            security_rules=list(rules),
            tags=self._scope.names.tags(),
            opts=self._child,
        )
        return network.Subnet(
            f"{name}-subnet",
            subnet_name=use,
            virtual_network_name=vnet.name,
            resource_group_name=self._scope.group,
            address_prefix=prefix,
            # The service of a delegated subnet manages its outbound access itself.
            default_outbound_access=False if delegations is None else None,
            network_security_group=network.NetworkSecurityGroupArgs(id=group.id),
            delegations=list(delegations) if delegations is not None else None,
            nat_gateway=nat_gateway,
            service_endpoints=list(service_endpoints) if service_endpoints is not None else None,
            opts=pulumi.ResourceOptions(
                parent=self,
                # Azure allows only one subnet operation in a network at a time.
                depends_on=list(after),
                # The address range of a subnet in use is immutable: a change replaces the subnet and everything in it.
                replace_on_changes=["addressPrefix"],
                delete_before_replace=True,
                # Azure refuses to delete a subnet in use, and the plugin does not retry, whatever the timeout.
                hooks=self._scope.late,
            ),
        )

    def _gateway(self, name: str) -> network.NatGateway:
        address = network.PublicIPAddress(
            f"{name}-outbound-address",
            public_ip_address_name=self._scope.names.physical_name("outbound"),
            resource_group_name=self._scope.group,
            sku=network.PublicIPAddressSkuArgs(name="Standard", tier="Regional"),
            public_ip_allocation_method="Static",
            public_ip_address_version="IPv4",
            zones=[*self._scope.location_zones] or None,
            tags=self._scope.names.tags(),
            opts=self._child,
        )
        self.outbound_address = address.ip_address.apply(lambda value: value or "")
        return network.NatGateway(
            f"{name}-outbound",
            nat_gateway_name=self._scope.names.physical_name("outbound"),
            resource_group_name=self._scope.group,
            sku=network.NatGatewaySkuArgs(name="Standard"),
            public_ip_addresses=[network.SubResourceArgs(id=address.id)],
            idle_timeout_in_minutes=10,
            tags=self._scope.names.tags(),
            opts=self._child,
        )


def _web_rule() -> network.SecurityRuleArgs:
    """Allow browsers to reach the load balancer's public address."""
    return network.SecurityRuleArgs(
        name="allow-web",
        priority=ALLOW_INSIDE,
        direction="Inbound",
        access="Allow",
        protocol="Tcp",
        source_address_prefix="Internet",
        source_port_range="*",
        destination_address_prefix="*",
        destination_port_ranges=list(WEB_PORTS),
    )


def _database_rules(ranges: Ranges) -> list[network.SecurityRuleArgs]:
    """Allow only the nodes and the server's standby to reach the database."""
    return [
        network.SecurityRuleArgs(
            name="allow-nodes",
            priority=ALLOW_INSIDE,
            direction="Inbound",
            access="Allow",
            protocol="Tcp",
            source_address_prefixes=[ranges.nodes, ranges.database],
            source_port_range="*",
            destination_address_prefix=ranges.database,
            destination_port_ranges=list(POSTGRES_PORTS),
        ),
        network.SecurityRuleArgs(
            name="deny-others",
            priority=DENY_INSIDE,
            direction="Inbound",
            access="Deny",
            protocol="*",
            source_address_prefix="VirtualNetwork",
            source_port_range="*",
            destination_address_prefix="*",
            destination_port_range="*",
        ),
    ]
