"""The plugin `gcp` of the simulated Google Cloud."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from lab.clouds.gcp import latency
from lab.clouds.gcp.catalogue import FUNCTIONS, KINDS
from lab.clouds.kind import ApiError, Call, Function, Kind
from lab.clouds.latency import Table
from lab.clouds.provider import CloudProvider

ATTRIBUTION: Final = {"goog-pulumi-provisioned": "true"}
"""The label that the plugin adds to all resources with labels by default."""


class GcpProvider(CloudProvider):
    """Google Cloud: one project, all regions."""

    kinds: ClassVar[Mapping[str, Kind]] = KINDS
    functions: ClassVar[Mapping[str, Function]] = FUNCTIONS
    seconds: ClassVar[Table] = latency.SECONDS

    def __init__(self) -> None:
        super().__init__("gcp")

    def described(self, op: str, call: Call, error: ApiError) -> str:
        """The official plugin's message: one error with the API's text."""
        reason = f", {error.reason}" if error.reason else ""
        doing = {"create": "creating", "update": "updating", "delete": "deleting", "read": "reading"}.get(op, op)
        subject = call.urn.rpartition("::")[2] or "the answer"
        return f"1 error occurred:\n\t* Error {doing} {subject}: googleapi: Error {error.code}: {error}{reason}\n\n"

    def standard_outputs(self, kind: Kind, call: Call) -> dict[str, Any]:
        """Inputs completed with project, region, zone and labels."""
        labels = {**call.config_map("defaultLabels"), **call.inputs.get(kind.labels, {})}
        own = {} if str(call.config.get("addPulumiAttributionLabel", "true")).lower() == "false" else ATTRIBUTION
        return {
            "project": call.get("project") or call.config.get("project"),
            "region": call.get("region") or call.config.get("region"),
            "zone": call.get("zone") or call.config.get("zone"),
            "deletionPolicy": call.get("deletionPolicy", "DELETE"),
            "pulumiLabels": {**own, **labels},
            "effectiveLabels": {**own, **labels},
        }
