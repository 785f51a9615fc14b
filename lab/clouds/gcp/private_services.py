"""Private services access: the peering of a network with Google's databases and file servers."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote_plus

from lab.clouds.gcp.network import network_link
from lab.clouds.gcp.resource import GcpKind, is_late, last, late_agent, project_number, project_of
from lab.clouds.gcp.tokens import CONNECTION, GLOBAL_ADDRESS, NETWORK
from lab.clouds.inventory import Item
from lab.clouds.kind import ApiError, Call, Reference

PRODUCERS_GRACE_SECONDS: Final = 4 * 3600
"""Time for which Google keeps using a connection after the deletion of its last service,
https://github.com/hashicorp/terraform-provider-google/issues/16275."""


class Connection(GcpKind):
    """The peering with the network of Google's databases and file servers."""

    token = CONNECTION
    api = "servicenetworking.googleapis.com"
    name = ""
    link = ""
    immutable = ("network", "service")
    policies = ("REMOVE_PEERING",)
    references = (
        # Its peering blocks the network even after the stack abandoned it, see the SDK's `deletionPolicy`.
        Reference(path="network", to=(NETWORK,), way="holds"),
        Reference(path="reservedPeeringRanges[*]", to=(GLOBAL_ADDRESS,), way="holds"),
    )

    def id(self, call: Call) -> str:
        """Network and service, escaped like the plugin's ids."""
        network = network_link(call).removeprefix("https://www.googleapis.com/compute/v1/")
        return f"{quote_plus(network)}:{quote_plus(call.inputs['service'])}"

    def accept(self, call: Call) -> None:
        """Refuse ranges of another kind or network, and a call before the service agent exists.

        https://github.com/GoogleCloudPlatform/cloud-foundation-fabric/issues/1399.
        """
        project = project_of(call)
        if is_late(call.world, late_agent(project, self.api)):
            raise ApiError(
                403,
                "Error waiting for Create Service Networking Connection: Error code 7, message: Required "
                f"'compute.globalAddresses.list' permission for 'projects/{project_number(project)}'",
            )
        for name in call.inputs["reservedPeeringRanges"]:
            item = call.world.find(GLOBAL_ADDRESS, name)
            if item is None or item.inputs.get("purpose") != "VPC_PEERING":
                raise ApiError(
                    400, f"The range '{name}' is not an allocated range for VPC peering", reason="badRequest"
                )

    def outputs(self, call: Call) -> dict[str, Any]:
        """The peering's name."""
        return {"peering": "servicenetworking-googleapis-com"}

    def release(self, call: Call) -> None:
        """Google uses it for hours after its last service was deleted; removing the peering is still possible."""
        if call.old.get("deletionPolicy") == "REMOVE_PEERING" or call.item is None:
            return
        lately = call.world.blocked(f"producers {last(call.item.inputs['network'])}")
        if lately or call.world.users(call.item, "ignores"):
            raise ApiError(
                400,
                "Failed to delete connection; Producer services (e.g. CloudSQL, Cloud Memstore, etc.) are still using "
                "this connection.",
                reason="FAILED_PRECONDITION",
            )


def connection_of(call: Call, network: str) -> Item:
    """The connection of a network to Google's services.

    Raises:
        ApiError: there is none.
    """
    wanted = last(network)
    found = next((item for item in call.world.of(CONNECTION) if last(item.inputs["network"]) == wanted), None)
    if found is None:
        project = project_of(call)
        raise ApiError(
            400,
            "Invalid request: Incorrect Service Networking config for instance: "
            f"{project}:{call.get('name')}:SERVICE_NETWORKING_NOT_ENABLED. Please create Service Networking connection "
            f"with service 'servicenetworking.googleapis.com' from consumer project '{project_number(project)}' "
            f"network '{wanted}' again.",
            reason="invalidRequest",
        )
    return found


def leave_producers(call: Call, network: str) -> None:
    """Record the time of a service's deletion."""
    call.world.block(f"producers {last(network)}", PRODUCERS_GRACE_SECONDS)
