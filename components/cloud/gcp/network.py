"""The private network of a stack, with Cloud NAT for outbound traffic."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Final

import pulumi
from pulumi_gcp import compute, servicenetworking

from components.cloud.gcp import lateness
from components.cloud.gcp.apis import Apis
from components.cloud.gcp.names import ResourceNames
from components.settings.gcp.cloud import Addresses

PODS_RANGE: Final = "pods"
SERVICES_RANGE: Final = "services"
NAT_PORTS: Final = (256, 8192)
"""Minimum and maximum of NAT ports for each node, which limit its concurrent connections to one destination,
https://cloud.google.com/nat/docs/ports-and-addresses."""


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """Arguments of the network."""

    names: ResourceNames
    apis: Apis
    region: str
    addresses: Addresses
    flow_logs: bool
    """Whether traffic is sampled into Cloud Logging."""


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
        child = pulumi.ResourceOptions(parent=self, hooks=args.apis.hooks)
        # For deletes while the program runs. Plain `destroy` has no hooks and relies on order: a Gateway is deleted,
        # and awaited with its finalizers, before the cluster; the cluster before subnet and network.
        emptied = args.apis.hooks_for("leftovers", lateness.LEFTOVERS)
        names, addresses = args.names, args.addresses
        network = compute.Network(
            f"{name}-network",
            name=names.physical_name("network"),
            auto_create_subnetworks=False,
            routing_mode="REGIONAL",
            opts=pulumi.ResourceOptions(
                parent=self,
                hooks=emptied,
                depends_on=args.apis.of("compute"),
            ),
        )
        subnet = compute.Subnetwork(
            f"{name}-subnet",
            name=names.physical_name("nodes"),
            network=network.id,
            region=args.region,
            ip_cidr_range=addresses.nodes,
            secondary_ip_ranges=[
                compute.SubnetworkSecondaryIpRangeArgs(range_name=PODS_RANGE, ip_cidr_range=addresses.pods),
                compute.SubnetworkSecondaryIpRangeArgs(range_name=SERVICES_RANGE, ip_cidr_range=addresses.services),
            ],
            private_ip_google_access=True,
            log_config=compute.SubnetworkLogConfigArgs(
                aggregation_interval="INTERVAL_10_MIN", flow_sampling=0.5, metadata="INCLUDE_ALL_METADATA"
            )
            if args.flow_logs
            else None,
            opts=pulumi.ResourceOptions(
                parent=self,
                hooks=emptied,
                # Ranges used by a cluster are immutable: a change replaces the subnet and the cluster.
                replace_on_changes=["secondaryIpRanges"],
            ),
        )
        router = compute.Router(
            f"{name}-router", name=names.physical_name("router"), network=network.id, region=args.region, opts=child
        )
        least, most = NAT_PORTS
        self.egress = compute.RouterNat(
            f"{name}-nat",
            name=names.physical_name("nat"),
            router=router.name,
            region=args.region,
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
            opts=pulumi.ResourceOptions(parent=self, hooks=args.apis.hooks, replace_on_changes=["subnetworks"]),
        )
        private = IPv4Network(addresses.private_services)
        reserved = compute.GlobalAddress(
            f"{name}-private-services",
            name=names.physical_name("private-services"),
            purpose="VPC_PEERING",
            address_type="INTERNAL",
            address=str(private.network_address),
            prefix_length=private.prefixlen,
            network=network.id,
            opts=child,
        )
        connection = servicenetworking.Connection(
            f"{name}-connection",
            network=network.id,
            service="servicenetworking.googleapis.com",
            reserved_peering_ranges=[reserved.name],
            # Google keeps using the connection for hours after the last database is deleted.
            deletion_policy="REMOVE_PEERING",
            update_on_creation_fail=True,
            opts=pulumi.ResourceOptions(
                parent=self,
                hooks=args.apis.hooks_for("agent", lateness.AGENT),
                depends_on=args.apis.of("networking"),
                custom_timeouts=pulumi.CustomTimeouts(create="20m", delete="30m"),
            ),
        )
        self.id = network.id
        self.subnet = subnet.id
        self.private_network = pulumi.Output.all(network.id, connection.id).apply(lambda values: str(values[0]))
        self.private_range = pulumi.Output.all(reserved.name, connection.id).apply(lambda values: str(values[0]))
        self.register_outputs({"id": self.id})
