"""Rules for networks, firewalls and APIs on Google Cloud."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from policies.conditions import all_of, is_everywhere, listed, must_be, must_be_at_least, must_be_set
from policies.resource import Resource, at
from policies.rule import NO_SETTING, Rule

NETWORK: Final = "gcp:compute/network:Network"
SUBNETWORK: Final = "gcp:compute/subnetwork:Subnetwork"
FIREWALL: Final = "gcp:compute/firewall:Firewall"
NAT: Final = "gcp:compute/routerNat:RouterNat"
CONNECTION: Final = "gcp:servicenetworking/connection:Connection"
API: Final = "gcp:projects/service:Service"
MODULE: Final = NO_SETTING.format("components/cloud/gcp/network.py")
PORTS_MIN: Final = 64
"""Cloud NAT's own default for a machine, https://cloud.google.com/nat/docs/ports-and-addresses."""


def _open_firewall(resource: Resource) -> Iterator[str]:
    props = resource.props
    if at(props, "direction") == "EGRESS" or at(props, "disabled") is True or not listed(at(props, "allows")):
        return
    for source in filter(is_everywhere, listed(at(props, "sourceRanges"))):
        yield f"sourceRanges has {source} and must be limited to known ranges"
    limits = ("sourceRanges", "sourceTags", "sourceServiceAccounts")
    if all(at(props, limit) in (None, []) for limit in limits):
        yield "sourceRanges is not set, which means 0.0.0.0/0, and must be limited to known ranges"


RULES: Final = (
    Rule(
        id="gcp-own-network",
        title="The network has only the stack's own subnet.",
        prod="mandatory",
        dev="mandatory",
        remedy=MODULE,
        source="https://cloud.google.com/vpc/docs/vpc#auto-mode-considerations",
        rows=("G22",),
        checks={NETWORK: must_be("autoCreateSubnetworks", False)},
    ),
    Rule(
        id="gcp-private-google-access",
        title="Nodes reach Google's APIs without the internet.",
        prod="mandatory",
        dev="mandatory",
        remedy=MODULE,
        source="https://cloud.google.com/vpc/docs/private-google-access",
        rows=("G22",),
        checks={SUBNETWORK: must_be("privateIpGoogleAccess", True)},
    ),
    Rule(
        id="gcp-open-firewall",
        title="No firewall rule admits the whole internet.",
        prod="mandatory",
        dev="mandatory",
        remedy="Limit the rule's ranges. The program itself creates no firewall rule.",
        source="https://cloud.google.com/firewall/docs/firewalls",
        rows=("G22",),
        checks={FIREWALL: _open_firewall},
    ),
    Rule(
        id="gcp-flow-logs",
        title="A sample of the subnet's traffic is logged.",
        prod="mandatory",
        dev="off",
        remedy="Set airflow:cloud.cluster.observe to everything.",
        source="https://cloud.google.com/vpc/docs/flow-logs",
        rows=("G13",),
        checks={SUBNETWORK: must_be_set("logConfig")},
    ),
    Rule(
        id="gcp-nat",
        title="The NAT gateway logs errors, and each node has enough ports.",
        prod="mandatory",
        dev="off",
        remedy=MODULE,
        source="https://cloud.google.com/nat/docs/monitoring",
        rows=("G23",),
        checks={NAT: all_of(must_be("logConfig.enable", True), must_be_at_least("minPortsPerVm", PORTS_MIN))},
    ),
    Rule(
        id="gcp-service-connection",
        title="The connection to Google's services can be removed while they still use it.",
        prod="mandatory",
        dev="mandatory",
        remedy=MODULE,
        source="https://www.pulumi.com/registry/packages/gcp/api-docs/servicenetworking/connection/",
        rows=("S12",),
        checks={CONNECTION: must_be("deletionPolicy", "REMOVE_PEERING")},
    ),
    Rule(
        id="gcp-apis-stay-enabled",
        title="APIs stay enabled when the stack is destroyed: others in the project may use them.",
        prod="mandatory",
        dev="mandatory",
        remedy=NO_SETTING.format("components/cloud/gcp/apis.py"),
        source="https://www.pulumi.com/registry/packages/gcp/api-docs/projects/service/",
        rows=("B6",),
        checks={API: must_be("disableOnDestroy", False)},
    ),
)
