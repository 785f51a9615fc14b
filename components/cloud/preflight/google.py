"""Preflight of a stack in a Google Cloud project."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping
from typing import Final

from components.cloud.preflight.findings import Finding, missing, ok, quota, unknown
from components.cloud.preflight.logins import google_token
from components.cloud.preflight.management import Management, RefusedError, entries
from components.contract.requirements import CloudRequirements
from components.settings.gcp.cloud import GcpCloud

PERMISSIONS: Final[Mapping[str, str]] = {
    "serviceusage.services.enable": "roles/serviceusage.serviceUsageAdmin",
    "resourcemanager.projects.setIamPolicy": "roles/resourcemanager.projectIamAdmin",
    "iam.serviceAccounts.create": "roles/iam.serviceAccountAdmin",
    "iam.serviceAccounts.setIamPolicy": "roles/iam.serviceAccountAdmin",
    "iam.serviceAccounts.actAs": "roles/iam.serviceAccountUser",
    "compute.networks.create": "roles/compute.networkAdmin",
    "compute.subnetworks.create": "roles/compute.networkAdmin",
    "compute.routers.create": "roles/compute.networkAdmin",
    "compute.globalAddresses.create": "roles/compute.networkAdmin",
    "servicenetworking.services.addPeering": "roles/servicenetworking.networksAdmin",
    "container.clusters.create": "roles/container.admin",
    "container.clusters.connect": "roles/container.admin",
    "container.clusterRoleBindings.create": "roles/container.admin",
    "cloudsql.instances.create": "roles/cloudsql.admin",
}
"""Permissions that `up` needs for every stack, each with a role that includes it, https://cloud.google.com/iam/docs/roles-permissions.
roles/editor lacks the second, the fourth, and those for service networking and for RBAC in the cluster."""
STORE: Final = {"storage.buckets.create": "roles/storage.admin", "storage.buckets.setIamPolicy": "roles/storage.admin"}
SHARES: Final = {"file.instances.create": "roles/file.editor"}
BROKER: Final = {"compute.disks.create": "roles/compute.storageAdmin"}
REGISTRY: Final = {
    "artifactregistry.repositories.create": "roles/artifactregistry.admin",
    "artifactregistry.repositories.setIamPolicy": "roles/artifactregistry.admin",
}
CERTIFICATES: Final = {"certificatemanager.certs.create": "roles/certificatemanager.owner"}
DATASETS: Final = {
    "bigquery.datasets.create": "roles/bigquery.dataOwner",
    # A role on a dataset is an entry of its access list.
    "bigquery.datasets.update": "roles/bigquery.dataOwner",
}
PROXY: Final = {"iap.web.setIamPolicy": "roles/iap.admin"}
ENABLING: Final = "serviceusage.googleapis.com"
"""The API that enables all other APIs but cannot enable itself."""
COMPUTE: Final = "compute.googleapis.com"
SHARED_CORE: Final = {"micro": 2, "small": 2, "medium": 2}
"""Processors of shared-core machine types, by the last word of the name, https://cloud.google.com/compute/docs/general-purpose-machines."""
COMMON_FAMILIES: Final = ("e2", "n1", "f1", "g1")
"""Machine families that count towards the quota CPUS; every other family has its own quota,
https://cloud.google.com/compute/resource-usage#cpu_quota."""
RESOURCES: Final = "https://cloudresourcemanager.googleapis.com/v1/projects"
QUOTAS_PAGE: Final = "request more: console, IAM & Admin, Quotas & System Limits"


def permissions(cloud: GcpCloud, needed: CloudRequirements) -> dict[str, str]:
    """Permissions that `up` needs in the project, each with a role that includes it."""
    access = needed.external_access
    return {
        **PERMISSIONS,
        **(STORE if needed.log_store is not None or needed.project_buckets or needed.dag_bucket is not None else {}),
        **(SHARES if needed.shares else {}),
        **(BROKER if "broker" in needed.volumes else {}),
        **(REGISTRY if cloud.registry else {}),
        **(CERTIFICATES if access is not None and access.cloud_certificate else {}),
        **(PROXY if cloud.iap else {}),
        **(DATASETS if cloud.bigquery.datasets else {}),
    }


def demand(cloud: GcpCloud) -> dict[str, tuple[int, int]]:
    """Demand of the nodes at the start and at most, by regional quota: processors by family, GB of SSD disks."""
    demands: dict[str, tuple[int, int]] = {}
    for pool in filter(None, (cloud.cluster.system_nodes, cloud.cluster.task_nodes)):
        family = pool.machine_type.partition("-")[0]
        metric = "CPUS" if family in COMMON_FAMILIES else f"{family.upper()}_CPUS"
        zones = len(cloud.node_zones)
        for key, each in ((metric, processors(pool.machine_type)), ("SSD_TOTAL_GB", pool.disk_gib)):
            least, most = demands.get(key, (0, 0))
            demands[key] = (least + pool.nodes_min * zones * each, most + pool.nodes_max * zones * each)
    return demands


def processors(machine_type: str) -> int:
    """Processors of a machine type; 0 if the name does not contain the number."""
    custom = re.search(r"-custom-(\d+)-", machine_type)
    last = machine_type.rpartition("-")[2]
    if custom:
        return int(custom[1])
    return SHARED_CORE.get(last, int(last) if last.isdecimal() else 0)


def preflight(cloud: GcpCloud, needed: CloudRequirements) -> Iterator[Finding]:
    """Findings for the login that the engine's plugin uses."""
    yield from findings(cloud, needed, Management(token=google_token))


def findings(cloud: GcpCloud, needed: CloudRequirements, api: Management) -> Iterator[Finding]:
    """Findings about a stack's project; a missing login or project ends the checks early."""
    project = cloud.project
    try:
        state = str(api.get(f"{RESOURCES}/{project}").get("lifecycleState"))
    except RefusedError as error:
        if error.status == 401:
            yield missing(f"login: {error}", "run `gcloud auth application-default login`")
        elif error.status in (403, 404):
            remedy = f"check the id, and that {RESOURCES.split('/')[2]} is enabled in project {project}"
            yield missing(f"project {project} is not visible to this login ({error})", remedy)
        else:
            yield unknown(f"project {project} ({error})", "try again")
        return
    if state != "ACTIVE":
        yield missing(f"project {project} is {state.lower().replace('_', ' ')}", "use another project, or restore it")
        return
    yield ok(f"project {project} is active and visible to this login")
    yield from _billing(project, api)
    enabled = yield from _apis(project, api)
    yield from _permissions(cloud, needed, api)
    if enabled is not None and COMPUTE not in enabled:
        remedy = f"to see them before `up` enables it: gcloud services enable {COMPUTE} --project {project}"
        yield unknown(f"quotas of {cloud.region}: {COMPUTE} is not enabled yet", remedy)
    else:
        yield from _quotas(cloud, api)


def _billing(project: str, api: Management) -> Iterator[Finding]:
    try:
        on = api.get(f"https://cloudbilling.googleapis.com/v1/projects/{project}/billingInfo").get("billingEnabled")
    except RefusedError as error:
        remedy = f"check it with: gcloud billing projects describe {project}"
        yield unknown(f"billing of project {project} ({error})", remedy)
        return
    if on:
        yield ok("billing is on")
    else:
        remedy = f"run `gcloud billing projects link {project} --billing-account ACCOUNT`"
        yield missing(f"billing of project {project} is off", remedy)


def _apis(project: str, api: Management) -> Generator[Finding, None, set[str] | None]:
    """Yields findings and returns the enabled APIs, or None if they could not be listed."""
    url = f"https://{ENABLING}/v1/projects/{project}/services"
    try:
        listed = [*api.listed(url, "services", "nextPageToken", filter="state:ENABLED", pageSize="200")]
    except RefusedError as error:
        if error.status == 403:
            remedy = f"run `gcloud services enable {ENABLING} --project {project}`"
            yield missing(f"{ENABLING}, which enables all other APIs, cannot be used ({error})", remedy)
        else:
            yield unknown(f"enabled APIs ({error})", "try again")
        return None
    enabled = {str(entry.get("config", {}).get("name")) for entry in listed}
    yield ok(f"{ENABLING} is enabled; `up` enables the other APIs that the stack needs ({len(enabled)} are on)")
    return enabled


def _permissions(cloud: GcpCloud, requirements: CloudRequirements, api: Management) -> Iterator[Finding]:
    needed = permissions(cloud, requirements)
    try:
        answer = api.post(f"{RESOURCES}/{cloud.project}:testIamPermissions", {"permissions": sorted(needed)})
    except RefusedError as error:
        yield unknown(f"permissions ({error})", "try again")
        return
    lacking = sorted(needed.keys() - set(answer.get("permissions") or []))
    roles = sorted({needed[permission] for permission in lacking})
    for role in roles:
        of_role = ", ".join(permission for permission in lacking if needed[permission] == role)
        remedy = f"gcloud projects add-iam-policy-binding {cloud.project} --member user:YOU --role {role}"
        yield missing(f"this login may not {of_role}", remedy)
    if not roles:
        yield ok(f"this login has the {len(needed)} permissions that the stack needs")


def _quotas(cloud: GcpCloud, api: Management) -> Iterator[Finding]:
    url = f"https://{COMPUTE}/compute/v1/projects/{cloud.project}/regions/{cloud.region}"
    try:
        listed = entries(api.get(url), "quotas")
    except RefusedError as error:
        yield unknown(f"quotas of {cloud.region} ({error})", "try again")
        return
    quotas = {str(entry["metric"]): (float(entry["limit"]), float(entry.get("usage", 0))) for entry in listed}
    for metric, needed in demand(cloud).items():
        if metric not in quotas:
            yield unknown(f"quota {metric} of {cloud.region} is not reported", QUOTAS_PAGE)
            continue
        limit, used = quotas[metric]
        free = limit - used
        text = f"quota {metric} of {cloud.region}: {free:.0f} of {limit:.0f} are free"
        yield quota(text, free, needed, QUOTAS_PAGE)
