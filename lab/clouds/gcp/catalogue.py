"""Every resource type and function that the simulated Google Cloud models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lab.clouds.gcp import addresses, network, private_services, services
from lab.clouds.kind import Function, Kind

KINDS: Final[Mapping[str, Kind]] = {
    kind.token: kind
    for kind in (
        services.Service(),
        network.Network(),
        network.Subnetwork(),
        network.Router(),
        network.RouterNat(),
        addresses.GlobalAddress(),
        addresses.Address(),
        private_services.Connection(),
    )
}
FUNCTIONS: Final[Mapping[str, Function]] = {
    function.token: function for function in (services.GetClientConfig(), services.GetProject(), services.GetZones())
}
