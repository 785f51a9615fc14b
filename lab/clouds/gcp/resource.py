"""Base class of Google Cloud's resource types: projects, APIs, names, links, two kinds of protection."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from lab.clouds.gcp.regions import region_of
from lab.clouds.inventory import World
from lab.clouds.kind import ApiError, Call, Grammar, Kind
from lab.clouds.schema_check import Fault
from lab.engine.provider_values import is_unknown

QUOTAS_VARIABLE: Final = "LAB_CLOUD_QUOTAS"
"""Environment variable with a JSON object of limits that replace those in QUOTAS."""
QUOTAS: Final[Mapping[str, float]] = {
    "NETWORKS": 15,
    "STATIC_ADDRESSES": 8,
    "CPUS": 24,
    "SSD_TOTAL_GB": 500,
    "SQL_INSTANCES": 100,
}
"""Limits of a project without increases, https://cloud.google.com/docs/quotas; of CPUs and disks by region.

They differ by account and are not documented: new projects report 24 and 500 (trials 8 and 250). A test with higher
limits sets QUOTAS_VARIABLE."""
ALWAYS_ENABLED: Final = frozenset(
    f"{name}.googleapis.com"
    for name in ("bigquery", "logging", "monitoring", "servicemanagement", "serviceusage", "storage")
)
"""APIs of a new project."""
COMPUTE_NAME: Final = Grammar(
    pattern=r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?",
    words="1 to 63 of a-z, 0-9 and -, beginning with a letter and not ending with -",
    automatic=63,
)
API: Final = "https://www.googleapis.com/compute/v1"


class GcpKind(Kind):
    """A resource type of Google Cloud."""

    api: ClassVar[str] = "compute.googleapis.com"
    """APIs that must be enabled in the project."""
    labels: ClassVar[str] = "labels"
    """The input with labels."""
    path: ClassVar[str] = ""
    """The id, with inputs in braces, for example projects/{project}/global/networks/{name}."""
    link: ClassVar[str] = API
    """Prefix of its link; "" if it has none."""
    protection: ClassVar[str] = ""
    """The input that makes the plugin refuse a deletion."""
    protected_by_default: ClassVar[bool] = False
    placed: ClassVar[tuple[str, ...]] = ()
    """Inputs that name a region or zone."""

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Errors of missing projects, regions and zones, and of unknown locations."""
        for name in ("project", "region", "zone"):
            if f"{{{name}}}" in self.path and not inputs.get(name) and not config.get(name):
                yield name, f"is missing: {name} is in neither the resource nor the provider's config (gcp:{name})"
        if inputs.get("deletionPolicy") not in (None, "DELETE", "ABANDON", "PREVENT", *self.policies):
            yield "deletionPolicy", f"is {inputs['deletionPolicy']!r}, not one of DELETE, ABANDON, PREVENT"
        for name in self.placed:
            place = inputs.get(name)
            if isinstance(place, str) and not is_unknown(place) and not region_of(place.lower()):
                yield name, f"is {place!r}, and there is no such place"

    def deletes_first(self, *, automatic: bool) -> bool:
        """True if the program sets a name that the plugin could generate, even if the name changes.

        https://github.com/pulumi/pulumi-terraform-bridge, pkg/tfbridge/schema.go: nameRequiresDeleteBeforeReplace.
        """
        return self.grammar is not None and self.grammar.automatic > 0 and not automatic

    policies: ClassVar[tuple[str, ...]] = ()
    """Additional deletion policies of this type."""

    def id(self, call: Call) -> str:
        """The id, from `path`."""
        return self.path.format_map(_Filled(call))

    def names(self, call: Call) -> Sequence[str]:
        """Link and short name, by which others refer to it."""
        name = call.get(self.name, "") if self.name else ""
        return [self.self_link(call), name]

    def self_link(self, call: Call) -> str:
        """The link to it."""
        return f"{self.link}/{call.id}" if self.link else ""

    def admit(self, call: Call) -> None:
        """Refuse while the API is not enabled, and once more, with the same message, just after that."""
        require_api(call, self.api)

    def keeps(self, call: Call) -> bool:
        """Apply deletion policies and the plugin's protection."""
        if self.protection and call.old.get(self.protection, self.protected_by_default):
            raise ApiError(400, self.protected_message(call))
        policy = call.old.get("deletionPolicy", "DELETE")
        if policy == "PREVENT":
            raise ApiError(400, 'deletion policy is "PREVENT": set it to "DELETE" and run an update first')
        return bool(policy == "ABANDON")

    def protected_message(self, call: Call) -> str:
        """The plugin's message for enabled protection."""
        return f"cannot destroy {call.id} without setting {self.protection}=false and running an update"

    def held(self, call: Call, holders: Sequence[Any]) -> ApiError:
        """The refusal in Compute Engine's words."""
        used = sorted(holder.id for holder in holders)[0]
        return ApiError(
            400,
            f"The {self.word()} resource '{call.id}' is already being used by '{used}'",
            reason="resourceInUseByAnotherResource",
        )

    def word(self) -> str:
        """The API's word for this type."""
        return self.token.rpartition(":")[2].lower()


class _Filled(dict[str, str]):
    """The inputs of a call, with project and locations completed from the provider's config."""

    def __init__(self, call: Call) -> None:
        super().__init__()
        self._call = call

    def __missing__(self, key: str) -> str:
        value = self._call.get(key)
        return str(self._call.config.get(key, "") if value is None else value)


def late_api(project: str, api: str) -> str:
    """The name of an API in the record of late changes."""
    return f"{project} {api}"


def late_agent(project: str, api: str) -> str:
    """The name of an API's service agent in the record of late changes."""
    return f"{project} agent of {api}"


def is_late(world: World, what: str) -> bool:
    """Whether a lookup misses something that exists; each lookup is counted."""
    late = world.facts.get("late", {})
    left = int(late.get(what, 0))
    if left:
        late[what] = left - 1
    return left > 0


def project_of(call: Call) -> str:
    """The project of a call."""
    return str(call.get("project") or call.config.get("project") or "")


def require_api(call: Call, api: str) -> None:
    """Refuse calls to an API that is not enabled in the project, and the first call after it was enabled.

    https://github.com/hashicorp/terraform-provider-google/issues/24094: the plugin reports it as enabled when the
    list of services contains it, and its error_retry_predicates.go does not repeat such a refused call.

    Raises:
        ApiError: it is not enabled, or was enabled just now.
    """
    project = project_of(call)
    enabled = api in ALWAYS_ENABLED or api in call.world.facts.get("apis", {}).get(project, [])
    if enabled and not is_late(call.world, late_api(project, api)):
        return
    raise ApiError(
        403,
        f"{api.partition('.')[0].title()} API has not been used in project {project} before or it is disabled."
        f" Enable it by visiting https://console.developers.google.com/apis/api/{api}/overview?"
        f"project={project} then retry. If you enabled this API recently, wait a few minutes for the action to "
        "propagate to our systems and retry.",
        reason="accessNotConfigured",
    )


def project_number(project: str) -> str:
    """A project's number, derived from its id."""
    return str(int(hashlib.sha256(project.encode()).hexdigest()[:10], 16) % 900_000_000_000 + 100_000_000_000)


def fingerprint(text: str, length: int = 12) -> str:
    """Letters and digits, derived from a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def last(text: str) -> str:
    """The last part of a link or path."""
    return text.rpartition("/")[2]


def require_quota(metric: str, used: float, wanted: float, place: str) -> None:
    """Refuse demand beyond a quota.

    Raises:
        ApiError: the quota is exceeded.
    """
    limits = {**QUOTAS, **json.loads(os.environ.get(QUOTAS_VARIABLE) or "{}")}
    if used + wanted > limits[metric]:
        raise ApiError(
            403,
            f"Quota '{metric}' exceeded. Limit: {limits[metric]:.1f} in {place}. Insufficient regional quota to "
            f"satisfy request: resource \"{metric}\": request requires '{wanted:.1f}' and is short "
            f"'{used + wanted - limits[metric]:.1f}'.",
            reason="QUOTA_EXCEEDED",
        )
