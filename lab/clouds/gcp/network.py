"""Networks of the simulated Google Cloud: VPC, subnets, NAT."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Network
from typing import Any, ClassVar

from lab.clouds.gcp.resource import COMPUTE_NAME, GcpKind, fingerprint, last, project_of, require_quota
from lab.clouds.gcp.tokens import ADDRESS, NAT, NETWORK, ROUTER, SUBNETWORK
from lab.clouds.kind import ApiError, Call, Choices, Reference, every
from lab.clouds.schema_check import Fault
from lab.engine.provider_diff import text_of
from lab.engine.provider_values import is_unknown


class Network(GcpKind):
    """A VPC network."""

    token = NETWORK
    grammar = COMPUTE_NAME
    path = "projects/{project}/global/networks/{name}"
    immutable = ("name", "project", "autoCreateSubnetworks", "description")
    values: ClassVar[Choices] = {"routingMode": ("REGIONAL", "GLOBAL")}
    defaults: ClassVar[Mapping[str, Any]] = {"autoCreateSubnetworks": True}

    def accept(self, call: Call) -> None:
        """Refuse networks beyond the quota."""
        require_quota("NETWORKS", len(call.world.of(NETWORK)), 1, project_of(call))

    def release(self, call: Call) -> None:
        """Refuse while resources of a deleted cluster remain."""
        left = call.world.facts.get("leftovers", {})
        group, times = left.get(last(call.id), ("", 0))
        if times:
            left[last(call.id)] = [group, times - 1]
            raise ApiError(
                400,
                f"The network resource '{call.id}' is already being used by 'projects/{project_of(call)}/{group}'",
                reason="resourceInUseByAnotherResource",
            )

    def outputs(self, call: Call) -> dict[str, Any]:
        """Links and a number."""
        return {
            "autoCreateSubnetworks": call.get("autoCreateSubnetworks", True),
            "mtu": call.get("mtu", 0),
            "networkId": str(int(fingerprint(call.id, 15), 16)),
            "numericId": str(int(fingerprint(call.id, 15), 16)),
            "routingMode": call.get("routingMode", "REGIONAL"),
            "selfLink": self.self_link(call),
            "networkFirewallPolicyEnforcementOrder": call.get(
                "networkFirewallPolicyEnforcementOrder", "AFTER_CLASSIC_FIREWALL"
            ),
        }


class Subnetwork(GcpKind):
    """A subnet of one region, with secondary ranges."""

    token = SUBNETWORK
    grammar = COMPUTE_NAME
    path = "projects/{project}/regions/{region}/subnetworks/{name}"
    placed = ("region",)
    immutable = ("name", "project", "network", "region", "description", "purpose")
    references = (Reference(path="network", to=(NETWORK,), way="holds"),)
    required = ("ipCidrRange",)

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Errors of invalid ranges."""
        yield from super().faults(inputs, config)
        for path in ("ipCidrRange", "secondaryIpRanges[*].ipCidrRange"):
            for place, text in every(inputs, path):
                if not is_unknown(text) and (problem := range_problem(text)):
                    yield text_of(place), problem

    def replaces(self, old: dict[str, Any], new: dict[str, Any]) -> Sequence[str]:
        """Only a larger range is possible in place."""
        before, after = old.get("ipCidrRange"), new.get("ipCidrRange")
        if before == after or is_unknown(after) or not before or not after:
            return ()
        return () if IPv4Network(before).subnet_of(IPv4Network(after)) else ("ipCidrRange",)

    def accept(self, call: Call) -> None:
        """Refuse ranges that overlap with others in the network."""
        self._require_free(call)

    def change(self, call: Call) -> None:
        """The same rules as at creation; secondary ranges in use cannot be removed."""
        self._require_free(call)
        kept = {(entry["rangeName"], entry["ipCidrRange"]) for entry in call.inputs.get("secondaryIpRanges", [])}
        before = {(entry["rangeName"], entry["ipCidrRange"]) for entry in call.old.get("secondaryIpRanges", [])}
        if before - kept and call.item is not None and call.world.users(call.item, "holds"):
            raise ApiError(
                400,
                f"Cannot remove secondary range {sorted(before - kept)[0][0]}: it is in use",
                reason="resourceInUseByAnotherResource",
            )

    def _require_free(self, call: Call) -> None:
        own = [IPv4Network(text) for text in ranges(call.inputs)]
        for i, each in enumerate(own):
            if any(each.overlaps(other) for other in own[i + 1 :]):
                raise ApiError(400, f"IP range {each} overlaps with another range of {call.id}", reason="invalid")
        network = last(call.inputs["network"])
        for other in call.world.of(SUBNETWORK):
            if other.id == call.id or last(other.inputs["network"]) != network:
                continue
            for text in ranges(other.inputs):
                if any(each.overlaps(IPv4Network(text)) for each in own):
                    raise ApiError(400, f"Invalid IPCidrRange: it conflicts with existing subnetwork '{other.id}'")

    def outputs(self, call: Call) -> dict[str, Any]:
        """Links and the gateway."""
        return {
            "gatewayAddress": str(IPv4Network(call.inputs["ipCidrRange"])[1]),
            "creationTimestamp": "2026-01-01T00:00:00.000-08:00",
            "fingerprint": fingerprint(str(call.inputs)),
            "network": network_link(call),
            "purpose": call.get("purpose", "PRIVATE"),
            "stackType": call.get("stackType", "IPV4_ONLY"),
            "privateIpv6GoogleAccess": call.get("privateIpv6GoogleAccess", "DISABLE_GOOGLE_ACCESS"),
            "selfLink": self.self_link(call),
            "state": "READY",
            "subnetworkId": int(fingerprint(call.id, 10), 16),
        }


class Router(GcpKind):
    """A Cloud Router."""

    token = ROUTER
    grammar = COMPUTE_NAME
    path = "projects/{project}/regions/{region}/routers/{name}"
    placed = ("region",)
    immutable = ("name", "project", "network", "region", "encryptedInterconnectRouter")
    references = (Reference(path="network", to=(NETWORK,), way="holds"),)

    def outputs(self, call: Call) -> dict[str, Any]:
        """Links."""
        return {
            "creationTimestamp": "2026-01-01T00:00:00.000-08:00",
            "network": network_link(call),
            "selfLink": self.self_link(call),
        }


class RouterNat(GcpKind):
    """Cloud NAT on a router."""

    token = NAT
    grammar = COMPUTE_NAME
    path = "{project}/{region}/{router}/{name}"
    link = ""
    placed = ("region",)
    immutable = ("name", "project", "region", "router")
    values: ClassVar[Choices] = {
        "sourceSubnetworkIpRangesToNat": (
            "ALL_SUBNETWORKS_ALL_IP_RANGES",
            "ALL_SUBNETWORKS_ALL_PRIMARY_IP_RANGES",
            "LIST_OF_SUBNETWORKS",
        ),
        "natIpAllocateOption": ("AUTO_ONLY", "MANUAL_ONLY"),
        "logConfig.filter": ("ERRORS_ONLY", "TRANSLATIONS_ONLY", "ALL"),
        "subnetworks[*].sourceIpRangesToNats[*]": (
            "ALL_IP_RANGES",
            "LIST_OF_SECONDARY_IP_RANGES",
            "PRIMARY_IP_RANGE",
        ),
    }
    references = (
        # Deleting a router also deletes its configuration.
        Reference(path="router", to=(ROUTER,), way="goes_with"),
        Reference(path="subnetworks[*].name", to=(SUBNETWORK,), way="holds"),
        Reference(path="natIps[*]", to=(ADDRESS,), way="holds"),
    )

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Errors of fields that exclude or require each other."""
        yield from super().faults(inputs, config)
        listed = inputs.get("sourceSubnetworkIpRangesToNat") == "LIST_OF_SUBNETWORKS"
        if listed != bool(inputs.get("subnetworks")):
            yield (
                "subnetworks",
                "goes together with sourceSubnetworkIpRangesToNat=LIST_OF_SUBNETWORKS, and only with it",
            )
        if inputs.get("natIpAllocateOption") == "MANUAL_ONLY" and not inputs.get("natIps"):
            yield "natIps", "is required with natIpAllocateOption=MANUAL_ONLY"

    def accept(self, call: Call) -> None:
        """https://cloud.google.com/nat/docs/ports-and-addresses."""
        dynamic = call.get("enableDynamicPortAllocation", False)
        least, most = call.get("minPortsPerVm", 32 if dynamic else 64), call.get("maxPortsPerVm")
        if dynamic and call.get("enableEndpointIndependentMapping", False):
            raise ApiError(
                400,
                "Endpoint-Independent Mapping cannot be enabled together with Dynamic Port Allocation.",
                reason="invalid",
            )
        if most is not None and not dynamic:
            raise ApiError(400, "maxPortsPerVm requires Dynamic Port Allocation.", reason="invalid")
        for ports in [least, most] if dynamic else []:
            if ports is not None and (ports & (ports - 1) or not 32 <= ports <= 65536):
                raise ApiError(400, f"{ports} ports per VM: must be a power of two from 32 to 65536.", reason="invalid")
        if most is not None and most <= least:
            raise ApiError(400, "maxPortsPerVm must be greater than minPortsPerVm.", reason="invalid")

    def change(self, call: Call) -> None:
        """The same rules as at creation."""
        self.accept(call)

    def outputs(self, call: Call) -> dict[str, Any]:
        """Defaults of the API."""
        return {
            "enableDynamicPortAllocation": call.get("enableDynamicPortAllocation", False),
            "enableEndpointIndependentMapping": call.get("enableEndpointIndependentMapping", False),
            "minPortsPerVm": call.get("minPortsPerVm", 0),
            "natIpAllocateOption": call.get("natIpAllocateOption", "AUTO_ONLY"),
            "autoNetworkTier": "PREMIUM",
            "endpointTypes": call.get("endpointTypes", ["ENDPOINT_TYPE_VM"]),
            "type": call.get("type", "PUBLIC"),
        }


def network_link(call: Call) -> str:
    """The link of the network in a call's inputs."""
    item = call.world.find(NETWORK, call.inputs["network"])
    return str(item.outputs.get("selfLink") or item.id) if item is not None else str(call.inputs["network"])


def ranges(inputs: Mapping[str, Any]) -> list[str]:
    """All address ranges of a subnet."""
    own = [inputs["ipCidrRange"]] if inputs.get("ipCidrRange") else []
    return [*own, *(entry["ipCidrRange"] for entry in inputs.get("secondaryIpRanges", []) if entry.get("ipCidrRange"))]


def range_problem(text: str) -> str:
    """The error of a subnet's range; "" if it is valid."""
    try:
        network = IPv4Network(text)
    except ValueError as error:
        return f"is {text!r}, no range: {error}"
    return "" if 4 <= network.prefixlen <= 29 else f"is {text!r}; a subnet has a prefix from /4 to /29"
