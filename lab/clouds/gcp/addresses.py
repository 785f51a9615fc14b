"""Reserved addresses of the simulated Google Cloud."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from typing import Any, ClassVar

from lab.clouds.backing import invented_address
from lab.clouds.gcp.network import ranges
from lab.clouds.gcp.resource import COMPUTE_NAME, GcpKind, fingerprint, last, require_quota
from lab.clouds.gcp.tokens import ADDRESS, GLOBAL_ADDRESS, NETWORK, SUBNETWORK
from lab.clouds.kind import ApiError, Call, Choices, Reference
from lab.clouds.schema_check import Fault


class GlobalAddress(GcpKind):
    """A global address, or a range for Google's own services."""

    token = GLOBAL_ADDRESS
    grammar = COMPUTE_NAME
    path = "projects/{project}/global/addresses/{name}"
    immutable = (
        "name",
        "project",
        "address",
        "addressType",
        "description",
        "ipVersion",
        "network",
        "prefixLength",
        "purpose",
    )
    values: ClassVar[Choices] = {
        "addressType": ("EXTERNAL", "INTERNAL"),
        "ipVersion": ("IPV4", "IPV6"),
        "purpose": ("VPC_PEERING", "PRIVATE_SERVICE_CONNECT"),
    }
    references = (Reference(path="network", to=(NETWORK,), way="holds"),)

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """A range requires a network and a length."""
        yield from super().faults(inputs, config)
        if inputs.get("purpose") == "VPC_PEERING":
            for name in ("network", "prefixLength"):
                if inputs.get(name) is None:
                    yield name, "is required with purpose=VPC_PEERING"
            if inputs.get("addressType") != "INTERNAL":
                yield "addressType", "has to be INTERNAL with purpose=VPC_PEERING"

    def accept(self, call: Call) -> None:
        """Refuse addresses beyond the quota, and ranges that overlap with the network's."""
        if call.get("addressType", "EXTERNAL") == "EXTERNAL":
            external = [item for item in call.world.of(GLOBAL_ADDRESS) if item.inputs.get("addressType") != "INTERNAL"]
            require_quota("STATIC_ADDRESSES", len(external), 1, "global")
            return
        if call.get("address") is None:
            return
        own = IPv4Network(f"{call.inputs['address']}/{call.inputs.get('prefixLength', 32)}")
        for other in call.world.of(SUBNETWORK):
            if last(other.inputs["network"]) == last(call.inputs["network"]):
                for text in ranges(other.inputs):
                    if own.overlaps(IPv4Network(text)):
                        raise ApiError(
                            400, f"The IP range {own} overlaps with subnetwork '{other.id}'", reason="invalid"
                        )

    def outputs(self, call: Call) -> dict[str, Any]:
        """The assigned address."""
        return {
            "address": call.get("address") or invented_address(call.id, "34.54"),
            "creationTimestamp": "2026-01-01T00:00:00.000-08:00",
            "labelFingerprint": fingerprint(str(call.get("labels"))),
            "selfLink": self.self_link(call),
        }


class Address(GcpKind):
    """A regional address."""

    token = ADDRESS
    grammar = COMPUTE_NAME
    path = "projects/{project}/regions/{region}/addresses/{name}"
    placed = ("region",)
    immutable = (
        "name",
        "project",
        "region",
        "address",
        "addressType",
        "description",
        "network",
        "networkTier",
        "purpose",
        "subnetwork",
    )
    values: ClassVar[Choices] = {"addressType": ("EXTERNAL", "INTERNAL"), "networkTier": ("PREMIUM", "STANDARD")}
    references = (
        Reference(path="network", to=(NETWORK,), way="holds"),
        Reference(path="subnetwork", to=(SUBNETWORK,), way="holds"),
    )

    def accept(self, call: Call) -> None:
        """Refuse addresses beyond the quota."""
        require_quota("STATIC_ADDRESSES", len(call.world.of(ADDRESS)), 1, str(call.get("region")))

    def outputs(self, call: Call) -> dict[str, Any]:
        """The assigned address."""
        return {
            "address": call.get("address") or invented_address(call.id, "34.72"),
            "creationTimestamp": "2026-01-01T00:00:00.000-08:00",
            "networkTier": call.get("networkTier", "PREMIUM"),
            "labelFingerprint": fingerprint(str(call.get("labels"))),
            "selfLink": self.self_link(call),
        }
