"""The private network of a stack, with Cloud NAT for outbound traffic."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Final

import pulumi
from pulumi_gcp import compute, servicenetworking

from components.cloud.gcp import lateness
from components.cloud.gcp.scope import GcpScope
from components.cloud.ordering import after

PODS_RANGE: Final = "pods"
SERVICES_RANGE: Final = "services"
NAT_PORTS: Final = (256, 8192)
"""Minimum and maximum of NAT ports for each node, which limit its concurrent connections to one destination,
https://cloud.google.com/nat/docs/ports-and-addresses."""


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """Arguments of the network."""

    scope: GcpScope


class Network(pulumi.ComponentResource):
    """A network with one subnet, Cloud NAT, and a peering to Google's network of databases and shares."""

    id: pulumi.Output[str]
    subnet: pulumi.Output[str]
    private_network: pulumi.Output[str]
    """The network's id; resolves after the connection to Google's services exists."""
    private_range: pulumi.Output[str]
    """Name of the address range of these services; resolves after the connection exists."""
    egress: pulumi.Resource
    """The NAT; without it nodes, which have no public addresses, cannot reach the internet."""

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:gcp:Network", name, None, opts)
        self._name, self._scope = name, args.scope
        # For deletes while the program runs. Plain `destroy` has no hooks and relies on order: a Gateway is deleted,
        # and awaited with its finalizers, before the cluster; the cluster before subnet and network.
        emptied = args.scope.apis.hooks_for("leftovers", lateness.LEFTOVERS)
        network = compute.Network(
            f"{name}-network",
            name=args.scope.names.physical_name("network"),
            auto_create_subnetworks=False,
            routing_mode="REGIONAL",
            opts=pulumi.ResourceOptions(
                parent=self,
                hooks=emptied,
                depends_on=args.scope.apis.of("compute"),
            ),
        )
        subnet = self._create_subnet(network, emptied)
        self.egress = self._create_egress(network, subnet)
        reserved, connection = self._create_connection(network)
        self.id = network.id
        self.subnet = subnet.id
        self.private_network = after(network.id, [connection.id])
        self.private_range = after(reserved.name, [connection.id])
        self.register_outputs({"id": self.id})

    def _create_subnet(self, network: compute.Network, emptied: pulumi.ResourceHookBinding) -> compute.Subnetwork:
        addresses = self._scope.settings.network
        return compute.Subnetwork(
            f"{self._name}-subnet",
            name=self._scope.names.physical_name("nodes"),
            network=network.id,
            region=self._scope.settings.region,
            ip_cidr_range=addresses.nodes,
            secondary_ip_ranges=[
                compute.SubnetworkSecondaryIpRangeArgs(range_name=PODS_RANGE, ip_cidr_range=addresses.pods),
                compute.SubnetworkSecondaryIpRangeArgs(range_name=SERVICES_RANGE, ip_cidr_range=addresses.services),
            ],
            private_ip_google_access=True,
            # Flow logs: a sample of the traffic, in Cloud Logging.
            log_config=compute.SubnetworkLogConfigArgs(
                aggregation_interval="INTERVAL_10_MIN", flow_sampling=0.5, metadata="INCLUDE_ALL_METADATA"
            )
            if self._scope.settings.cluster.observe == "everything"
            else None,
            opts=pulumi.ResourceOptions(
                parent=self,
                hooks=emptied,
                # Ranges used by a cluster are immutable: a change replaces the subnet and the cluster.
                replace_on_changes=["secondaryIpRanges"],
            ),
        )

    def _create_egress(self, network: compute.Network, subnet: compute.Subnetwork) -> compute.RouterNat:
        """Cloud NAT, by which nodes without public addresses reach the internet."""
        names, region, hooks = self._scope.names, self._scope.settings.region, self._scope.apis.hooks
        router = compute.Router(
            f"{self._name}-router",
            name=names.physical_name("router"),
            network=network.id,
            region=region,
            opts=pulumi.ResourceOptions(parent=self, hooks=hooks),
        )
        least, most = NAT_PORTS
        return compute.RouterNat(
            f"{self._name}-nat",
            name=names.physical_name("nat"),
            router=router.name,
            region=region,
            nat_ip_allocate_option="AUTO_ONLY",
            source_subnetwork_ip_ranges_to_nat="LIST_OF_SUBNETWORKS",
            subnetworks=[compute.RouterNatSubnetworkArgs(name=subnet.id, source_ip_ranges_to_nats=["ALL_IP_RANGES"])],
            enable_dynamic_port_allocation=True,
            # Not compatible with dynamic port allocation.
            enable_endpoint_independent_mapping=False,
            min_ports_per_vm=least,
            max_ports_per_vm=most,
            log_config=compute.RouterNatLogConfigArgs(enable=True, filter="ERRORS_ONLY"),
            # A subnet cannot be deleted while the NAT refers to it.
            opts=pulumi.ResourceOptions(parent=self, hooks=hooks, replace_on_changes=["subnetworks"]),
        )

    def _create_connection(
        self, network: compute.Network
    ) -> tuple[compute.GlobalAddress, servicenetworking.Connection]:
        """The range that Google's services take addresses from, and the connection to them."""
        apis, private = self._scope.apis, IPv4Network(self._scope.settings.network.private_services)
        reserved = compute.GlobalAddress(
            f"{self._name}-private-services",
            name=self._scope.names.physical_name("private-services"),
            purpose="VPC_PEERING",
            address_type="INTERNAL",
            address=str(private.network_address),
            prefix_length=private.prefixlen,
            network=network.id,
            opts=pulumi.ResourceOptions(parent=self, hooks=apis.hooks),
        )
        connection = servicenetworking.Connection(
            f"{self._name}-connection",
            network=network.id,
            service="servicenetworking.googleapis.com",
            reserved_peering_ranges=[reserved.name],
            # Google keeps using the connection for hours after the last database is deleted.
            deletion_policy="REMOVE_PEERING",
            update_on_creation_fail=True,
            opts=pulumi.ResourceOptions(
                parent=self,
                hooks=apis.hooks_for("agent", lateness.AGENT),
                depends_on=apis.of("networking"),
                custom_timeouts=pulumi.CustomTimeouts(create="20m", delete="30m"),
            ),
        )
        return reserved, connection
