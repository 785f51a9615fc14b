"""The virtual network of a stack on Azure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_azure_native import network, privatedns

from components.cloud.azure.names import ResourceNames
from components.settings.azure.network import Network as Ranges

POSTGRES_PORTS: Final = ("5432", "6432")
"""PostgreSQL, and the pooler that Flexible Server has inside."""
WEB_PORTS: Final = ("80", "443")
DATABASE_SERVICE: Final = "Microsoft.DBforPostgreSQL/flexibleServers"
DATABASE_ZONE: Final = "private.postgres.database.azure.com"
"""Zone of a server's private name. It may not be the server's own name."""
ALLOW_INSIDE: Final = 100
DENY_INSIDE: Final = 4000
"""After every rule that lets someone in, before Azure's own that lets the whole network in."""


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """Arguments of the network."""

    names: ResourceNames
    group: pulumi.Input[str]
    ranges: Ranges
    zones: Sequence[str]
    """Availability zones of the location; empty is none."""
    web: bool
    """Whether browsers come in from the internet."""
    late: pulumi.ResourceHookBinding


class Network(pulumi.ComponentResource):
    """A virtual network: a subnet for nodes, one for the database, one for private endpoints where there are any."""

    id: pulumi.Output[str]
    nodes: pulumi.Output[str]
    """Id of the nodes' subnet."""
    nodes_subnet: pulumi.Resource
    """That subnet."""
    database: pulumi.Output[str]
    """Id of the database's subnet."""
    endpoints: pulumi.Output[str] | None
    """Id of the subnet of private endpoints."""
    database_zone: pulumi.Output[str]
    """Id of the private DNS zone of the database, known once the network can ask it."""
    outbound_address: pulumi.Output[str] | None
    """The address that nodes come from on the internet, where it is known beforehand."""
    egress: pulumi.Resource | None
    """What nodes need to reach the internet, where that is not the cluster's own."""

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:azure:Network", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self._args, ranges = args, args.ranges
        self.outbound_address = None
        whole = network.VirtualNetwork(
            f"{name}-vnet",
            virtual_network_name=args.names.physical_name(),
            resource_group_name=args.group,
            address_space=network.AddressSpaceArgs(address_prefixes=[ranges.network]),
            tags=args.names.tags(),
            opts=pulumi.ResourceOptions(
                parent=self,
                # Subnets are resources of their own.
                ignore_changes=["subnets"],
            ),
        )
        self.id = whole.id
        database = self._subnet(
            f"{name}-database",
            whole,
            prefix=ranges.database,
            rules=_database_rules(ranges),
            delegations=[network.DelegationArgs(name="postgres", service_name=DATABASE_SERVICE)],
            # The server archives its log to storage; Microsoft's advice for a standby,
            # https://learn.microsoft.com/azure/postgresql/network/concepts-networking-private.
            service_endpoints=[network.ServiceEndpointPropertiesFormatArgs(service="Microsoft.Storage")],
        )
        self.egress = gateway = self._gateway(name) if ranges.outbound == "nat_gateway" else None
        nodes = self._subnet(
            f"{name}-nodes",
            whole,
            prefix=ranges.nodes,
            rules=[_web_rule()] if args.web else [],
            nat_gateway=network.SubResourceArgs(id=gateway.id) if gateway is not None else None,
            service_endpoints=None
            if ranges.private_endpoints
            else [network.ServiceEndpointPropertiesFormatArgs(service="Microsoft.Storage")],
            after=[database],
        )
        self.endpoints = (
            self._subnet(f"{name}-endpoints", whole, prefix=ranges.endpoints, rules=[], after=[nodes]).id
            if ranges.private_endpoints
            else None
        )
        self.database, self.nodes, self.nodes_subnet = database.id, nodes.id, nodes
        # The link goes before the subnet: a deleted server leaves a service association in the subnet, which is in use
        # until that is gone, and the link's deletion takes about as long,
        # https://github.com/hashicorp/terraform-provider-azurerm/pull/24593.
        self.database_zone = self.zone(f"{name}-database", DATABASE_ZONE, after=[database])
        self.register_outputs({"id": self.id})

    def zone(self, name: str, domain: str, after: Sequence[pulumi.Resource] = ()) -> pulumi.Output[str]:
        """Id of a private DNS zone, known once the network can ask it; its link is made after something else."""
        zone = privatedns.PrivateZone(
            f"{name}-zone",
            private_zone_name=domain,
            resource_group_name=self._args.group,
            location="global",
            tags=self._args.names.dns_tags(),
            opts=self._child,
        )
        link = privatedns.VirtualNetworkLink(
            f"{name}-link",
            virtual_network_link_name=self._args.names.physical_name(),
            private_zone_name=zone.name,
            resource_group_name=self._args.group,
            location="global",
            registration_enabled=False,
            virtual_network=privatedns.SubResourceArgs(id=self.id),
            tags=self._args.names.dns_tags(),
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )
        return pulumi.Output.all(zone.id, link.id).apply(lambda known: str(known[0]))

    def endpoint(self, name: str, *, of: pulumi.Input[str], part: str, zone: pulumi.Input[str]) -> pulumi.Resource:
        """A private address of one part of a storage account, which the zone's name leads to.

        Raises:
            ValueError: the network has no private endpoints.
        """
        if self.endpoints is None:
            raise ValueError("a network without a subnet of private endpoints has none")
        endpoint = network.PrivateEndpoint(
            f"{name}-endpoint",
            private_endpoint_name=self._args.names.physical_name(part),
            resource_group_name=self._args.group,
            subnet=network.SubnetArgs(id=self.endpoints),
            private_link_service_connections=[
                network.PrivateLinkServiceConnectionArgs(name=part, private_link_service_id=of, group_ids=[part])
            ],
            tags=self._args.names.tags(),
            opts=self._child,
        )
        return network.PrivateDnsZoneGroup(
            f"{name}-names",
            private_dns_zone_group_name="default",
            private_endpoint_name=endpoint.name,
            resource_group_name=self._args.group,
            private_dns_zone_configs=[network.PrivateDnsZoneConfigArgs(name=part, private_dns_zone_id=zone)],
            opts=self._child,
        )

    def _subnet(
        self,
        name: str,
        whole: network.VirtualNetwork,
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
            network_security_group_name=self._args.names.physical_name(use),
            resource_group_name=self._args.group,
            security_rules=list(rules),
            tags=self._args.names.tags(),
            opts=self._child,
        )
        return network.Subnet(
            f"{name}-subnet",
            subnet_name=use,
            virtual_network_name=whole.name,
            resource_group_name=self._args.group,
            address_prefix=prefix,
            # A delegated subnet's way out is its service's own.
            default_outbound_access=False if delegations is None else None,
            network_security_group=network.NetworkSecurityGroupArgs(id=group.id),
            delegations=list(delegations) if delegations is not None else None,
            nat_gateway=nat_gateway,
            service_endpoints=list(service_endpoints) if service_endpoints is not None else None,
            opts=pulumi.ResourceOptions(
                parent=self,
                # Azure changes one subnet of a network at a time.
                depends_on=list(after),
                # A range in use cannot change: with another one comes another subnet, and another of what lies in it.
                replace_on_changes=["addressPrefix"],
                delete_before_replace=True,
                # Azure refuses at once what is in use, and the plugin does not ask again, whatever the time limit.
                hooks=self._args.late,
            ),
        )

    def _gateway(self, name: str) -> network.NatGateway:
        address = network.PublicIPAddress(
            f"{name}-outbound-address",
            public_ip_address_name=self._args.names.physical_name("outbound"),
            resource_group_name=self._args.group,
            sku=network.PublicIPAddressSkuArgs(name="Standard", tier="Regional"),
            public_ip_allocation_method="Static",
            public_ip_address_version="IPv4",
            zones=[*self._args.zones] or None,
            tags=self._args.names.tags(),
            opts=self._child,
        )
        self.outbound_address = address.ip_address.apply(lambda known: known or "")
        return network.NatGateway(
            f"{name}-outbound",
            nat_gateway_name=self._args.names.physical_name("outbound"),
            resource_group_name=self._args.group,
            sku=network.NatGatewaySkuArgs(name="Standard"),
            public_ip_addresses=[network.SubResourceArgs(id=address.id)],
            idle_timeout_in_minutes=10,
            tags=self._args.names.tags(),
            opts=self._child,
        )


def _web_rule() -> network.SecurityRuleArgs:
    """Let browsers reach the load balancer's public address."""
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
    """Let the nodes, and the server's own standby, reach the database; nobody else in the network."""
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
