"""APIs of a project in the simulated Google Cloud, and functions of the plugin."""

from __future__ import annotations

from typing import Any

from lab.clouds.gcp.regions import ZONES
from lab.clouds.gcp.resource import GcpKind, late_agent, late_api, project_number, project_of
from lab.clouds.gcp.tokens import SERVICE
from lab.clouds.kind import ApiError, Call, Function

DEPENDENTS = {
    "compute.googleapis.com": ("container.googleapis.com",),
}
"""APIs that depend on another one."""
AGENTS = ("servicenetworking.googleapis.com",)
"""APIs whose first use needs a service agent, which is created some time after they are enabled,
https://github.com/GoogleCloudPlatform/cloud-foundation-fabric/issues/1399."""


class Service(GcpKind):
    """One enabled API of a project. It stays enabled unless the stack asks to disable it."""

    token = SERVICE
    name = "service"
    api = "serviceusage.googleapis.com"
    path = "{project}/{service}"
    link = ""
    immutable = ("service", "project")

    def accept(self, call: Call) -> None:
        """Refuse invalid names of APIs."""
        if not call.inputs["service"].endswith(".googleapis.com") or "/" in call.inputs["service"]:
            raise ApiError(
                400,
                f"Service {call.inputs['service']} not found or permission denied.",
                reason="SERVICE_CONFIG_NOT_FOUND",
            )

    def exists(self, call: Call) -> None:
        """No refusal: enabling it twice has no effect."""

    def outputs(self, call: Call) -> dict[str, Any]:
        """Enable it."""
        enabled = call.world.facts.setdefault("apis", {}).setdefault(project_of(call), [])
        if (api := call.inputs["service"]) not in enabled:
            enabled.append(api)
            # The list of services contains it immediately; the API itself and its agent are late.
            late = call.world.facts.setdefault("late", {})
            late[late_api(project_of(call), api)] = 1
            if api in AGENTS:
                late[late_agent(project_of(call), api)] = 1
        return {
            "disableOnDestroy": call.get("disableOnDestroy", False),
            "checkIfServiceHasUsageOnDestroy": call.get("checkIfServiceHasUsageOnDestroy", False),
        }

    def release(self, call: Call) -> None:
        """Refuse while another API depends on it, unless that is disabled as well."""
        if not call.old.get("disableOnDestroy", False) or call.old.get("disableDependentServices", False):
            return
        enabled = call.world.facts.get("apis", {}).get(project_of(call), [])
        needing = [api for api in DEPENDENTS.get(call.old["service"], ()) if api in enabled]
        if needing:
            raise ApiError(
                400,
                f"The service {call.old['service']} is depended on by the following active service(s): {needing[0]}; "
                "Please specify disable_dependent_services=true if you want to proceed with disabling all services.",
                reason="failedPrecondition",
            )

    def gone(self, call: Call) -> None:
        """Disable it only if the stack asks for it."""
        if call.inputs.get("disableOnDestroy", False):
            call.world.facts["apis"][project_of(call)].remove(call.inputs["service"])


class GetClientConfig(Function):
    """Project, region and an invalid token."""

    token = "gcp:organizations/getClientConfig:getClientConfig"  # noqa: S105 - a type token
    secret = frozenset({"accessToken"})

    def result(self, call: Call) -> dict[str, Any]:
        """The values of the config."""
        return {
            "id": f"projects/{project_of(call)}",
            "project": project_of(call),
            "region": call.config.get("region", ""),
            "zone": call.config.get("zone", ""),
            "accessToken": "simulated",
            "defaultLabels": {},
        }


class GetProject(Function):
    """The project."""

    token = "gcp:organizations/getProject:getProject"  # noqa: S105

    def result(self, call: Call) -> dict[str, Any]:
        """Every project exists."""
        project = call.get("projectId") or project_of(call)
        return {
            "id": f"projects/{project}",
            "projectId": project,
            "name": project,
            "number": project_number(project),
            "labels": {},
            "effectiveLabels": {},
            "pulumiLabels": {},
            "billingAccount": "",
            "folderId": "",
            "orgId": "",
            "autoCreateNetwork": False,
            "deletionPolicy": "PREVENT",
            "tags": {},
        }


class GetZones(Function):
    """The zones of a region."""

    token = "gcp:compute/getZones:getZones"  # noqa: S105

    def result(self, call: Call) -> dict[str, Any]:
        """All available zones."""
        region = call.get("region") or call.config.get("region", "")
        if region not in ZONES:
            raise ApiError(404, f"The resource 'projects/{project_of(call)}/regions/{region}' was not found")
        return {
            "id": f"projects/{project_of(call)}/regions/{region}",
            "project": project_of(call),
            "region": region,
            "names": list(ZONES[region]),
        }
