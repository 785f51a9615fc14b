"""Datasets of BigQuery in the simulated Google Cloud."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from lab.clouds.gcp.regions import ZONES
from lab.clouds.gcp.resource import GcpKind, fingerprint, project_of
from lab.clouds.gcp.tokens import DATASET
from lab.clouds.kind import ApiError, Call, Grammar

MULTI_REGIONS: Final = ("EU", "US")
"""https://cloud.google.com/bigquery/docs/locations#multi-regions."""


class Dataset(GcpKind):
    """A dataset. Its name is unique in the project.

    Rules of the provider: google/services/bigquery/resource_bigquery_dataset.go (validateDatasetId, ForceNew,
    CaseDiffSuppress, `delete_contents_on_destroy`).
    """

    token = DATASET
    api = "bigquery.googleapis.com"
    name = "datasetId"
    path = "projects/{project}/datasets/{datasetId}"
    link = "https://bigquery.googleapis.com/bigquery/v2"
    grammar = Grammar(pattern=r"[0-9A-Za-z_]{1,1024}", words="1 to 1024 letters, digits and _")
    required = ("datasetId",)
    immutable = ("datasetId", "project", "location")
    defaults: ClassVar[Mapping[str, Any]] = {"deleteContentsOnDestroy": False, "location": "US"}

    def canonical(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Locations are not case-sensitive."""
        result = super().canonical(inputs)
        return {**result, "location": str(result["location"]).upper()}

    def accept(self, call: Call) -> None:
        """Refuse unknown locations."""
        location = str(call.get("location", "US"))
        if location.lower() not in ZONES and location.upper() not in MULTI_REGIONS:
            raise ApiError(400, f"Invalid value for location: {location} is not a valid value", reason="invalid")

    def exists(self, call: Call) -> ApiError:
        """The refusal of a second one of the same name."""
        name = f"{project_of(call)}:{call.inputs['datasetId']}"
        return ApiError(409, f"Already Exists: Dataset {name}", reason="duplicate")

    def outputs(self, call: Call) -> dict[str, Any]:
        """Links, time stamps and defaults."""
        location = str(call.get("location", "US"))
        return {
            "accesses": [
                {"role": "WRITER", "specialGroup": "projectWriters"},
                {"role": "OWNER", "specialGroup": "projectOwners"},
                {"role": "READER", "specialGroup": "projectReaders"},
            ],
            "creationTime": 1_767_225_600_000,
            "defaultCollation": call.get("defaultCollation", ""),
            "etag": fingerprint(call.id),
            "isCaseInsensitive": call.get("isCaseInsensitive", False),
            "lastModifiedTime": 1_767_225_600_000,
            "location": location,
            "maxTimeTravelHours": call.get("maxTimeTravelHours", "168"),
            "selfLink": self.self_link(call),
            "storageBillingModel": call.get("storageBillingModel", ""),
        }

    def release(self, call: Call) -> None:
        """Refuse while it contains tables, unless the last update allowed to delete them.

        https://cloud.google.com/bigquery/docs/reference/rest/v2/datasets/delete.
        """
        tables = call.world.facts.get("tables", {}).get(call.id, [])
        if tables and not call.old.get("deleteContentsOnDestroy", False):
            name = f"{project_of(call)}:{call.old['datasetId']}"
            raise ApiError(400, f"Dataset {name} is still in use", reason="resourceInUse")

    def gone(self, call: Call) -> None:
        """Its tables go with it."""
        call.world.facts.get("tables", {}).pop(call.id, None)
