"""The read-only management APIs of the simulated clouds, which a preflight calls before a stack is created.

Every project and subscription exists. Permissions of the login, registered resource providers and quotas are in the
inventory's facts under `preflight`; missing facts are those of a new account.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from lab.clouds.gcp import usage
from lab.clouds.gcp.resource import ALWAYS_ENABLED, QUOTAS
from lab.clouds.inventory import Inventory, World
from lab.services.http import Request, Response, answer, serve

FACTS: Final = "preflight"
TOKEN: Final = "simulated"  # noqa: S105 - of no use anywhere
CORES: Final = 100
"""Processor quota of a location, and of each family in it, after a request for more; a new subscription has 10,
https://learn.microsoft.com/en-us/azure/quotas/per-vm-quota-requests."""
NOT_REGISTERED: Final = ("Microsoft.Insights", "Microsoft.PolicyInsights")
"""Resource providers that are not registered in a new subscription, https://learn.microsoft.com/en-us/azure/azure-resource-manager/management/resource-providers-and-types."""
PROVIDERS: Final = (
    *NOT_REGISTERED,
    "Microsoft.Authorization",
    "Microsoft.Compute",
    "Microsoft.ContainerService",
    "Microsoft.DBforPostgreSQL",
    "Microsoft.ManagedIdentity",
    "Microsoft.Network",
    "Microsoft.Storage",
)
SIZE: Final = re.compile(r"Standard_([A-Z]+)(\d+)([a-z]*)(?:_v(\d+))?")
SIZES: Final = tuple(
    f"Standard_{kind}{cores}ds_v{version}" for kind in "DE" for cores in (2, 4, 8) for version in (4, 5)
)


@contextmanager
def serving(inventory: Inventory) -> Iterator[dict[str, str]]:
    """Environment variables that direct a preflight to the simulated clouds, while their server runs."""
    server = serve(lambda request: _answer(request, inventory.read()), "127.0.0.1", 0)
    port = server.server_address[1]
    try:
        yield {
            "PREFLIGHT_ENDPOINT": f"http://127.0.0.1:{port}",
            "GOOGLE_OAUTH_ACCESS_TOKEN": TOKEN,
            "AZURE_ACCESS_TOKEN": TOKEN,
        }
    finally:
        server.shutdown()
        server.server_close()


def _answer(request: Request, world: World) -> Response:
    if request.bearer != TOKEN:
        return _refused(401, "Request had invalid authentication credentials.")
    facts: dict[str, Any] = world.facts.get(FACTS, {})
    host, *steps = request.steps
    if host == "management.azure.com":
        return _azure(steps, request.query, facts)
    return _google(host, steps, request, world, facts)


def _refused(status: int, message: str) -> Response:
    return answer({"error": {"code": status, "message": message}}, status)


def _google(host: str, steps: list[str], request: Request, world: World, facts: Mapping[str, Any]) -> Response:
    """https://cloud.google.com/resource-manager/reference/rest/v1/projects,
    https://cloud.google.com/service-usage/docs/reference/rest/v1/services/list,
    https://cloud.google.com/compute/docs/reference/rest/v1/regions/get,
    https://cloud.google.com/billing/docs/reference/rest/v1/projects/getBillingInfo."""
    project = steps[steps.index("projects") + 1].partition(":")[0]
    enabled = {*ALWAYS_ENABLED, *world.facts.get("apis", {}).get(project, [])} - {*facts.get("disabled", [])}
    if project in facts.get("hidden", []):
        return _refused(403, "The caller does not have permission")
    match host:
        case "cloudresourcemanager.googleapis.com" if request.method == "POST":
            asked = json.loads(request.body)["permissions"]
            return answer({"permissions": [each for each in asked if each not in facts.get("denied", [])]})
        case "cloudresourcemanager.googleapis.com":
            return answer({"projectId": project, "lifecycleState": "ACTIVE"})
        case "cloudbilling.googleapis.com":
            return answer({"billingEnabled": project not in facts.get("unpaid", [])})
        case "serviceusage.googleapis.com":
            if host not in enabled:
                return _refused(
                    403, f"Service Usage API has not been used in project {project} before or it is disabled."
                )
            return answer({"services": [{"config": {"name": name}, "state": "ENABLED"} for name in sorted(enabled)]})
        case "compute.googleapis.com":
            used = {"CPUS": usage.cpus(world), "SSD_TOTAL_GB": usage.fast_disks_gb(world)}
            limits = {**QUOTAS, **facts.get("quotas", {})}
            entries = [
                {"metric": metric, "limit": limit, "usage": used.get(metric, 0)} for metric, limit in limits.items()
            ]
            return answer({"name": steps[-1], "quotas": entries})
        case _:
            return _refused(404, f"{host} is not simulated")


def _azure(steps: list[str], query: Mapping[str, str], facts: Mapping[str, Any]) -> Response:
    """https://learn.microsoft.com/en-us/rest/api/resources/subscriptions/get, …/providers/list, …/features/get;
    https://learn.microsoft.com/en-us/rest/api/authorization/permissions; …/compute/usage/list, …/resource-skus/list."""
    if "api-version" not in query:
        return _refused(400, "The api-version query parameter (?api-version=) is required for all requests.")
    subscription, rest = steps[1], steps[2:]
    if subscription in facts.get("hidden", []):
        return _refused(404, f"The subscription '{subscription}' could not be found.")
    match rest:
        case []:
            return answer({"subscriptionId": subscription, "state": facts.get("state", "Enabled")})
        case ["providers"]:
            registered = facts.get("registered", [name for name in PROVIDERS if name not in NOT_REGISTERED])
            entries = [
                {"namespace": name, "registrationState": "Registered" if name in registered else "NotRegistered"}
                for name in PROVIDERS
            ]
            return answer({"value": entries})
        case ["providers", "Microsoft.Authorization", "permissions"]:
            return answer({"value": facts.get("permissions", [{"actions": ["*"], "notActions": []}])})
        case ["providers", "Microsoft.Features", *_, feature]:
            state = "Registered" if feature in facts.get("features", []) else "NotRegistered"
            return answer({"name": feature, "properties": {"state": state}})
        case ["providers", "Microsoft.Compute", "skus"]:
            return answer({"value": [_size(name, facts) for name in SIZES]})
        case ["providers", "Microsoft.Compute", "locations", _, "usages"]:
            names = ["cores", *sorted({str(_size(name, facts)["family"]) for name in SIZES})]
            limit = int(facts.get("cores", CORES))
            return answer({"value": [{"name": {"value": name}, "limit": limit, "currentValue": 0} for name in names]})
        case _:
            return _refused(404, f"{'/'.join(rest)} is not simulated")


def _size(name: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    found = SIZE.fullmatch(name)
    assert found is not None
    kind, cores, extras, version = found.groups()
    closed = name in facts.get("closed", [])
    return {
        "resourceType": "virtualMachines",
        "name": name,
        "family": f"standard{kind}{extras.upper()}v{version}Family",
        "capabilities": [{"name": "vCPUs", "value": cores}],
        "restrictions": [{"type": "Location", "reasonCode": "NotAvailableForSubscription"}] if closed else [],
    }
