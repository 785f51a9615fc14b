"""Buckets, disks and file shares of the simulated Google Cloud."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Network
from typing import Any, ClassVar, Final

from lab.clouds.backing import StoreRequest, invented_address
from lab.clouds.gcp import usage
from lab.clouds.gcp.private_services import connection_of, leave_producers
from lab.clouds.gcp.regions import MULTI_REGIONS, ZONES, region_of
from lab.clouds.gcp.resource import API, COMPUTE_NAME, GcpKind, fingerprint, project_number, project_of, require_quota
from lab.clouds.gcp.tokens import BUCKET, DISK, FILESTORE, NETWORK
from lab.clouds.kind import ApiError, Call, Choices, Grammar, Reference, Relation, at
from lab.clouds.schema_check import Fault
from lab.engine.provider_values import is_unknown

DAY_SECONDS: Final = 86_400
_CLASSES: Final = (
    "STANDARD",
    "MULTI_REGIONAL",
    "REGIONAL",
    "NEARLINE",
    "COLDLINE",
    "ARCHIVE",
    "DURABLE_REDUCED_AVAILABILITY",
)
_SMALL: Final = (1024, 9984, 256)
_LARGE: Final = (10_240, 102_400, 2560)
_TIERS: Final[Mapping[str, tuple[bool, tuple[tuple[int, int, int], ...]]]] = {
    "BASIC_HDD": (False, ((1024, 65_433, 1),)),
    "STANDARD": (False, ((1024, 65_433, 1),)),
    "BASIC_SSD": (False, ((2560, 65_433, 1),)),
    "PREMIUM": (False, ((2560, 65_433, 1),)),
    "HIGH_SCALE_SSD": (False, (_LARGE,)),
    "ZONAL": (False, (_SMALL, _LARGE)),
    "REGIONAL": (True, (_SMALL, _LARGE)),
    "ENTERPRISE": (True, ((1024, 10_240, 256),)),
}
"""Whether a tier is regional; minimum and maximum GiB of its ranges, and the step.

https://cloud.google.com/filestore/docs/service-tiers-zonal (2026): 256 GiB up to 9.75 TiB, 2.5 TiB from 10 TiB on."""
_SMALL_REGIONAL_LEAST: Final = 100
"""Minimum of a regional share with a performance configuration,
https://github.com/kubernetes-sigs/gcp-filestore-csi-driver/issues/1325 (June 2026)."""
_DISK_TYPES: Final[Mapping[str, int]] = {
    "pd-standard": 10,
    "pd-balanced": 10,
    "pd-ssd": 10,
    "pd-extreme": 500,
    "hyperdisk-balanced": 4,
    "hyperdisk-extreme": 64,
}
"""Minimum GB by type."""


class Bucket(GcpKind):
    """A bucket. Its name is globally unique."""

    token = BUCKET
    api = "storage.googleapis.com"
    path = "{name}"
    link = "https://www.googleapis.com/storage/v1/b"
    grammar = Grammar(
        pattern=r"(?!goog)(?!.*google)(?!.*\.\.)[a-z0-9][-_.a-z0-9]{1,61}[a-z0-9]",
        words="3 to 63 of a-z, 0-9, -, _ and ., beginning and ending with a letter or digit, without google",
        automatic=63,
    )
    immutable = ("name", "project", "customPlacementConfig", "enableObjectRetention", "hierarchicalNamespace")
    values: ClassVar[Choices] = {
        "publicAccessPrevention": ("inherited", "enforced"),
        "storageClass": _CLASSES,
        "lifecycleRules[*].action.type": ("Delete", "SetStorageClass", "AbortIncompleteMultipartUpload"),
        "lifecycleRules[*].condition.withState": ("LIVE", "ARCHIVED", "ANY"),
        "rpo": ("DEFAULT", "ASYNC_TURBO"),
    }
    defaults: ClassVar[Mapping[str, Any]] = {"forceDestroy": False, "storageClass": "STANDARD"}

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Errors of the soft delete policy."""
        yield from super().faults(inputs, config)
        seconds = at(inputs, "softDeletePolicy.retentionDurationSeconds")
        if isinstance(seconds, int) and seconds and not 7 * DAY_SECONDS <= seconds <= 90 * DAY_SECONDS:
            yield "softDeletePolicy.retentionDurationSeconds", f"is {seconds}; it is 0, or from 7 to 90 days in seconds"

    def canonical(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Locations are not case-sensitive."""
        result = super().canonical(inputs)
        return {**result, "location": str(result.get("location", "")).upper()}

    def replaces(self, old: dict[str, Any], new: dict[str, Any]) -> Sequence[str]:
        """A new location replaces it."""
        return ("location",)

    def accept(self, call: Call) -> None:
        """Refuse unknown locations and names in use."""
        location = call.inputs["location"]
        if location.lower() not in ZONES and location.upper() not in MULTI_REGIONS:
            raise ApiError(400, "The specified location constraint is not valid.", reason="invalid")
        if call.inputs["name"] in call.world.facts.get("taken_buckets", []):
            raise ApiError(
                409,
                "The requested bucket name is not available. The bucket namespace is shared by all users of the "
                "system. Please select a different name and try again.",
                reason="conflict",
            )

    def exists(self, call: Call) -> ApiError:
        """The refusal of a bucket that the project already owns."""
        return ApiError(
            409, "Your previous request to create the named bucket succeeded and you already own it.", reason="conflict"
        )

    def change(self, call: Call) -> None:
        """Uniform access can only be enabled."""
        if call.old.get("uniformBucketLevelAccess") and not call.inputs.get("uniformBucketLevelAccess"):
            raise ApiError(
                412, "Uniform bucket-level access cannot be disabled after 90 days.", reason="conditionNotMet"
            )

    def back(self, call: Call) -> None:
        """Create it in the backing."""
        call.backing.store(StoreRequest(cloud="gcp", id=call.id, account="", name=call.inputs["name"]))

    def outputs(self, call: Call) -> dict[str, Any]:
        """Links, time stamps and defaults."""
        return {
            "location": call.inputs["location"].upper(),
            "projectNumber": int(project_number(project_of(call))),
            "publicAccessPrevention": call.get("publicAccessPrevention", "inherited"),
            "rpo": call.get("rpo", "DEFAULT"),
            "selfLink": self.self_link(call),
            "storageClass": call.get("storageClass", "STANDARD"),
            "timeCreated": "2026-01-01T00:00:00.000Z",
            "updated": "2026-01-01T00:00:00.000Z",
            "uniformBucketLevelAccess": call.get("uniformBucketLevelAccess", False),
            "softDeletePolicy": {
                "retentionDurationSeconds": call.get("softDeletePolicy.retentionDurationSeconds", 7 * DAY_SECONDS),
                "effectiveTime": "2026-01-01T00:00:00.000Z",
            },
            "url": f"gs://{call.inputs['name']}",
        }

    def release(self, call: Call) -> None:
        """Refuse while it contains objects, unless `forceDestroy` is set."""
        request = StoreRequest(cloud="gcp", id=call.id, account="", name=call.id)
        count = call.backing.stored(request) + len(call.world.facts.get("objects", {}).get(call.id, []))
        if count and not call.old.get("forceDestroy", False):
            raise ApiError(
                409,
                f"Error trying to delete bucket {call.id} containing objects without `force_destroy` set to true",
                reason="conflict",
            )


class Disk(GcpKind):
    """A disk of one zone."""

    token = DISK
    path = "projects/{project}/zones/{zone}/disks/{name}"
    placed = ("zone",)
    grammar = COMPUTE_NAME
    immutable = (
        "name",
        "project",
        "zone",
        "type",
        "image",
        "snapshot",
        "description",
        "diskEncryptionKey",
        "physicalBlockSizeBytes",
    )

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Errors of unknown types and invalid sizes."""
        yield from super().faults(inputs, config)
        kind, size = str(inputs.get("type", "pd-standard")), inputs.get("size")
        kind = kind.rpartition("/")[2]
        if not is_unknown(kind) and kind not in _DISK_TYPES:
            yield "type", f"is {kind!r}, not one of {', '.join(_DISK_TYPES)}"
        elif isinstance(size, int) and not _DISK_TYPES.get(kind, 1) <= size <= 65_536:
            yield "size", f"is {size}; {kind} has from {_DISK_TYPES.get(kind, 1)} to 65536 GB"

    def replaces(self, old: dict[str, Any], new: dict[str, Any]) -> Sequence[str]:
        """A smaller disk replaces it."""
        before, after = old.get("size"), new.get("size")
        shrinks = isinstance(before, int) and isinstance(after, int) and after < before
        return ("size",) if shrinks else ()

    def accept(self, call: Call) -> None:
        """Refuse disks beyond the quota of SSD."""
        if call.get("type", "") in ("pd-ssd", "pd-balanced"):
            region = region_of(call.inputs["zone"])
            require_quota("SSD_TOTAL_GB", usage.fast_disks_gb(call.world), call.get("size", 100), region)

    def outputs(self, call: Call) -> dict[str, Any]:
        """Links and numbers."""
        return {
            "creationTimestamp": "2026-01-01T00:00:00.000-08:00",
            "diskId": str(int(fingerprint(call.id, 15), 16)),
            "labelFingerprint": fingerprint(str(call.get("labels"))),
            "physicalBlockSizeBytes": call.get("physicalBlockSizeBytes", 4096),
            "selfLink": self.self_link(call),
            "size": call.get("size", 500),
            "type": call.get("type", "pd-standard"),
            "accessMode": call.get("accessMode", "READ_WRITE_SINGLE"),
        }

    def release(self, call: Call) -> None:
        """Refuse while a machine uses it."""
        users = call.world.facts.get("attached", {}).get(call.id, [])
        if users:
            raise ApiError(
                400,
                f"The disk resource '{API}/{call.id}' is already being used by '{users[0]}'",
                reason="resourceInUseByAnotherResource",
            )


class FilestoreInstance(GcpKind):
    """A file server with one share."""

    token = FILESTORE
    api = "file.googleapis.com"
    path = "projects/{project}/locations/{location}/instances/{name}"
    link = ""
    placed = ("location", "zone")
    grammar = Grammar(
        pattern=r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?",
        words="1 to 63 of a-z, 0-9 and -, beginning with a letter and not ending with -",
        automatic=63,
    )
    required = ("location", "fileShares.name", "fileShares.capacityGb", "networks[*].network", "networks[*].modes")
    immutable = (
        "name",
        "project",
        "location",
        "zone",
        "tier",
        "networks",
        "kmsKeyName",
        "protocol",
        "fileShares.name",
        "fileShares.sourceBackup",
    )
    values: ClassVar[Choices] = {
        "tier": tuple(_TIERS),
        "networks[*].modes[*]": ("ADDRESS_MODE_UNSPECIFIED", "MODE_IPV4", "MODE_IPV6"),
        "networks[*].connectMode": ("DIRECT_PEERING", "PRIVATE_SERVICE_ACCESS", "PRIVATE_SERVICE_CONNECT"),
        "fileShares.nfsExportOptions[*].accessMode": ("READ_ONLY", "READ_WRITE"),
        "fileShares.nfsExportOptions[*].squashMode": ("NO_ROOT_SQUASH", "ROOT_SQUASH"),
    }
    references = (Reference(path="networks[*].network", to=(NETWORK,), way="holds"),)
    computed = ("networks[*].ipAddresses",)

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Errors of size, location and share name for the tier."""
        yield from super().faults(inputs, config)
        tier = inputs["tier"]
        if is_unknown(tier) or tier not in _TIERS:
            return
        regional, ranges = _TIERS[tier]
        # https://cloud.google.com/filestore/docs/deletion-protection
        if inputs.get("deletionProtectionEnabled") is True and tier.startswith(("BASIC", "STANDARD", "PREMIUM")):
            yield "deletionProtectionEnabled", f"is true, which tier {tier} does not have"
        size = at(inputs, "fileShares.capacityGb")
        if tier == "REGIONAL" and inputs.get("performanceConfig"):
            ranges = ((_SMALL_REGIONAL_LEAST, _SMALL[0], 1), *ranges)
        if isinstance(size, int) and not any(
            least <= size <= most and (size - least) % step == 0 for least, most, step in ranges
        ):
            told = ", ".join(f"{least} to {most} in steps of {step}" for least, most, step in ranges)
            yield "fileShares.capacityGb", f"is {size}; tier {tier} has {told} GiB"
        location = inputs.get("location", "")
        if not is_unknown(location) and region_of(location) and regional != (location in ZONES):
            yield "location", f"is {location!r}; tier {tier} lives in a {'region' if regional else 'zone'}"
        name = at(inputs, "fileShares.name", "")
        longest = 16 if tier in ("BASIC_HDD", "BASIC_SSD", "STANDARD", "PREMIUM") else 63
        allowed = name.replace("_", "").isalnum() and name[:1].isalpha() and len(name) <= longest
        if not is_unknown(name) and not allowed:
            yield "fileShares.name", f"is {name!r}; it has up to {longest} letters, digits and _, a letter first"

    def replaces(self, old: dict[str, Any], new: dict[str, Any]) -> Sequence[str]:
        """A smaller share replaces it, except in some tiers."""
        before, after = at(old, "fileShares.capacityGb"), at(new, "fileShares.capacityGb")
        shrinks = isinstance(before, int) and isinstance(after, int) and after < before
        basic = str(new.get("tier", "")).startswith(("BASIC", "STANDARD", "PREMIUM"))
        return ("fileShares.capacityGb",) if shrinks and basic else ()

    def relations(self, call: Call) -> Iterator[Relation]:
        """Require the connection to Google's services if the share uses it."""
        for entry in call.inputs["networks"]:
            if entry.get("connectMode") == "PRIVATE_SERVICE_ACCESS":
                connection = connection_of(call, entry["network"])
                named = entry.get("reservedIpRange")
                if named is not None and named not in connection.inputs["reservedPeeringRanges"]:
                    raise ApiError(
                        400, f"Reserved IP range '{named}' is not allocated to the connection.", reason="badRequest"
                    )
                yield connection, "ignores"

    def accept(self, call: Call) -> None:
        """Check the export options."""
        options = at(call.inputs, "fileShares.nfsExportOptions", [])
        if len(options) > 10:
            raise ApiError(400, "A share has at most 10 export options.", reason="badRequest")
        for option in options:
            for text in option.get("ipRanges", []):
                IPv4Network(text)
            if option.get("squashMode") == "ROOT_SQUASH" and not option.get("anonUid", 65534):
                raise ApiError(400, "Anonymous ids are for squashed roots.", reason="badRequest")

    def back(self, call: Call) -> str:
        """Get its address from the backing."""
        return call.backing.share("gcp", call.id) or invented_address(call.id, "10.251")

    def outputs(self, call: Call) -> dict[str, Any]:
        """Its addresses."""
        networks = [
            {**entry, "ipAddresses": [call.backed], "connectMode": entry.get("connectMode", "DIRECT_PEERING")}
            for entry in call.inputs["networks"]
        ]
        return {
            "createTime": "2026-01-01T00:00:00.000000Z",
            "etag": fingerprint(str(call.inputs)),
            "location": call.inputs["location"],
            "zone": call.inputs["location"],
            "networks": networks,
        }

    def release(self, call: Call) -> None:
        """Refuse while the API's protection is on."""
        if call.item is not None and call.item.inputs.get("deletionProtectionEnabled", False):
            raise ApiError(
                400,
                "Deletion protection is enabled on the instance. Disable it before deletion.",
                reason="failedPrecondition",
            )

    def gone(self, call: Call) -> None:
        """The connection stays in use for some time."""
        for entry in call.inputs["networks"]:
            if entry.get("connectMode") == "PRIVATE_SERVICE_ACCESS":
                leave_producers(call, entry["network"])
