"""Servers of Cloud SQL for PostgreSQL in the simulated Google Cloud."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from lab.clouds.backing import ServerAccess, ServerRequest, invented_address
from lab.clouds.gcp import machines
from lab.clouds.gcp.flags import FLAGS
from lab.clouds.gcp.private_services import connection_of, leave_producers
from lab.clouds.gcp.regions import region_of
from lab.clouds.gcp.resource import GcpKind, fingerprint, project_number, project_of, require_quota
from lab.clouds.gcp.server_certificates import AUTHORITIES, authority_entry
from lab.clouds.gcp.tokens import GLOBAL_ADDRESS, NETWORK, SERVER
from lab.clouds.kind import ApiError, Call, Choices, Grammar, Reference, Relation, at
from lab.clouds.schema_check import Fault
from lab.engine.provider_values import is_unknown

NAME_BLOCKED_SECONDS: Final = 7 * 86_400
"""Time for which the name of a deleted server is blocked, https://cloud.google.com/sql/docs/postgres/delete-instance."""
LOG_DAYS: Final[Mapping[str, int]] = {"ENTERPRISE": 7, "ENTERPRISE_PLUS": 35}
"""Maximum days of logs for point-in-time recovery, by edition."""
PROJECT_AND_NAME_MAX: Final = 98
LINK: Final = "https://sqladmin.googleapis.com/sql/v1beta4"


class DatabaseInstance(GcpKind):
    """A Cloud SQL server."""

    token = SERVER
    api = "sqladmin.googleapis.com"
    labels = ""
    link = f"{LINK}/projects"
    path = "{name}"
    placed = ("region",)
    protection = "deletionProtection"
    protected_by_default = True
    grammar = Grammar(
        pattern=r"[a-z]([-a-z0-9]{0,96}[a-z0-9])?",
        words="a-z, 0-9 and -, beginning with a letter and not ending with -, with the project at most 98",
        automatic=60,
    )
    required = ("region", "settings", "settings.tier")
    immutable = ("name", "project", "region", "masterInstanceName", "encryptionKeyName", "settings.timeZone")
    values: ClassVar[Choices] = {
        "settings.edition": ("ENTERPRISE", "ENTERPRISE_PLUS"),
        "settings.availabilityType": ("ZONAL", "REGIONAL"),
        "settings.diskType": ("PD_SSD", "PD_HDD", "HYPERDISK_BALANCED"),
        "settings.activationPolicy": ("ALWAYS", "NEVER", "ON_DEMAND"),
        "settings.connectorEnforcement": ("NOT_REQUIRED", "REQUIRED", "CONNECTOR_ENFORCEMENT_UNSPECIFIED"),
        "settings.ipConfiguration.sslMode": (
            "ALLOW_UNENCRYPTED_AND_ENCRYPTED",
            "ENCRYPTED_ONLY",
            "TRUSTED_CLIENT_CERTIFICATE_REQUIRED",
        ),
        "settings.ipConfiguration.serverCaMode": (
            "GOOGLE_MANAGED_INTERNAL_CA",
            "GOOGLE_MANAGED_CAS_CA",
            "CUSTOMER_MANAGED_CAS_CA",
        ),
        "settings.maintenanceWindow.day": (1, 2, 3, 4, 5, 6, 7),
        "settings.maintenanceWindow.hour": tuple(range(24)),
        "settings.maintenanceWindow.updateTrack": ("canary", "stable", "week5"),
        "settings.backupConfiguration.backupRetentionSettings.retentionUnit": ("COUNT",),
        "settings.passwordValidationPolicy.complexity": ("COMPLEXITY_DEFAULT", "COMPLEXITY_UNSPECIFIED"),
    }
    references = (
        Reference(path="settings.ipConfiguration.privateNetwork", to=(NETWORK,), way="holds"),
        Reference(path="settings.ipConfiguration.allocatedIpRange", to=(GLOBAL_ADDRESS,), way="ignores"),
    )

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Errors of unknown versions, and of names that are too long together with the project's."""
        yield from super().faults(inputs, config)
        version = inputs.get("databaseVersion", "")
        if not is_unknown(version) and not re.fullmatch(r"POSTGRES_(9_6|1[0-8])", version):
            yield "databaseVersion", f"is {version!r}, no version of PostgreSQL that Cloud SQL has"
        name, project = inputs.get("name", ""), inputs.get("project") or config.get("project") or ""
        if isinstance(name, str) and not is_unknown(name) and len(f"{project}:{name}") > PROJECT_AND_NAME_MAX:
            yield "name", f"is {name!r}: project and name together have more than {PROJECT_AND_NAME_MAX} characters"

    def replaces(self, old: dict[str, Any], new: dict[str, Any]) -> Sequence[str]:
        """A smaller disk and the removal of a private network replace the server."""
        found: list[str] = []
        before, after = at(old, "settings.diskSize", 0), at(new, "settings.diskSize", 0)
        if isinstance(before, int) and isinstance(after, int) and after < before:
            found.append("settings.diskSize")
        network = "settings.ipConfiguration.privateNetwork"
        return [*found, network] if at(old, network) and not at(new, network) else found

    def relations(self, call: Call) -> Iterator[Relation]:
        """A private address requires the connection to Google's services, which the server then uses."""
        if (network := call.get("settings.ipConfiguration.privateNetwork")) is not None:
            connection = connection_of(call, network)
            named = call.get("settings.ipConfiguration.allocatedIpRange")
            if named is not None and named not in connection.inputs["reservedPeeringRanges"]:
                raise ApiError(
                    400, f"The allocated IP range '{named}' is not part of the connection.", reason="invalidRequest"
                )
            yield connection, "ignores"

    def accept(self, call: Call) -> None:
        """Refuse blocked names, and settings that do not match."""
        name = call.inputs["name"]
        if call.world.blocked(f"{SERVER} {name}"):
            raise ApiError(
                409,
                "The Cloud SQL instance already exists. When you delete an instance, you can't reuse the name of the "
                "deleted instance until one week from the deletion date.",
                reason="instanceAlreadyExists",
            )
        require_quota("SQL_INSTANCES", len(call.world.of(SERVER)), 1, project_of(call))
        self._require_settings(call)

    def change(self, call: Call) -> None:
        """The same rules as at creation, and no downgrade."""
        before, after = (_major(values.get("databaseVersion", "")) for values in (call.old, call.inputs))
        if after < before:
            raise ApiError(
                400, f"Cannot downgrade from POSTGRES_{before} to POSTGRES_{after}.", reason="invalidRequest"
            )
        self._require_settings(call)

    def _require_settings(self, call: Call) -> None:
        settings = call.inputs["settings"]
        # From version 16 on, Enterprise Plus is the default edition, https://cloud.google.com/sql/docs/postgres/editions-intro.
        edition = settings.get("edition") or (
            "ENTERPRISE_PLUS" if _major(call.inputs["databaseVersion"]) >= 16 else "ENTERPRISE"
        )
        tier = settings["tier"]
        if problem := machines.tier_problem(tier, edition):
            raise ApiError(400, problem, reason="invalidRequest")
        if settings.get("availabilityType") == "REGIONAL" and tier in machines.SHARED_TIERS:
            raise ApiError(
                400,
                f"Invalid request: tier {tier} does not support high availability (REGIONAL).",
                reason="invalidRequest",
            )
        zone = at(settings, "locationPreference.zone")
        if zone is not None and region_of(zone) != call.inputs["region"]:
            raise ApiError(
                400, f"Invalid value for: Zone {zone} is not in the instance's region.", reason="invalidRequest"
            )
        self._require_backups(settings, edition)
        self._require_reach(settings)
        for flag in settings.get("databaseFlags", []):
            _require_flag(flag["name"], flag.get("value", ""))
        if not 10 <= settings.get("diskSize", 10) <= 65_536:
            raise ApiError(
                400, f"Disk size {settings['diskSize']} is not from 10 to 65536 GB.", reason="invalidRequest"
            )
        limit = settings.get("diskAutoresizeLimit", 0)
        if limit and limit < settings.get("diskSize", 10):
            raise ApiError(400, "Storage auto-resize limit is below the disk size.", reason="invalidRequest")

    def _require_backups(self, settings: Mapping[str, Any], edition: str) -> None:
        backups = settings.get("backupConfiguration", {})
        if backups.get("pointInTimeRecoveryEnabled") and not backups.get("enabled"):
            raise ApiError(400, "Point in time recovery requires automated backups.", reason="invalidRequest")
        days = backups.get("transactionLogRetentionDays")
        if days is not None and not 1 <= days <= LOG_DAYS[edition]:
            raise ApiError(
                400, f"Transaction log retention days must be from 1 to {LOG_DAYS[edition]}.", reason="invalidRequest"
            )
        kept = at(backups, "backupRetentionSettings.retainedBackups", 7)
        if not 1 <= kept <= 365 or (days is not None and kept < days):
            raise ApiError(
                400,
                "Retained backups must be from 1 to 365, and not fewer than the days of logs.",
                reason="invalidRequest",
            )
        final = settings.get("finalBackupConfig", {})
        if final.get("retentionDays") and not final.get("enabled"):
            # https://github.com/hashicorp/terraform-provider-google/issues/25918
            raise ApiError(
                400,
                "Invalid request: Final backup retention days cannot be set when final backup is disabled..",
                reason="invalid",
            )
        if final.get("enabled") and not 1 <= final.get("retentionDays", 30) <= 365:
            raise ApiError(400, "Final backup retention days must be from 1 to 365.", reason="invalidRequest")

    def _require_reach(self, settings: Mapping[str, Any]) -> None:
        reach = settings.get("ipConfiguration", {})
        private, public = reach.get("privateNetwork"), reach.get("ipv4Enabled", True)
        if not private and not public and not any(each.get("pscEnabled") for each in reach.get("pscConfigs", [])):
            raise ApiError(
                400,
                "At least one of Public IP, Private IP or PSC connectivity must be enabled.",
                reason="invalidRequest",
            )
        if reach.get("authorizedNetworks") and not public:
            raise ApiError(400, "Authorized networks require a public IP.", reason="invalidRequest")
        if reach.get("allocatedIpRange") and not private:
            raise ApiError(400, "An allocated IP range requires a private network.", reason="invalidRequest")

    def back(self, call: Call) -> ServerAccess:
        """Get its address from the backing."""
        flags = {flag["name"]: flag.get("value", "") for flag in call.get("settings.databaseFlags", [])}
        return call.backing.server(
            ServerRequest(
                cloud="gcp",
                id=call.id,
                name=call.inputs["name"],
                version=str(_major(call.inputs["databaseVersion"])),
                flags=flags,
                # https://cloud.google.com/sql/docs/postgres/manage-ssl-instance, and verifyCn in cloudsqlconn v1.27.0,
                # internal/cloudsql/tls_verify.go.
                common_name=f"{project_of(call)}:{call.inputs['name']}",
                connectors_required=call.get("settings.connectorEnforcement") == "REQUIRED",
            )
        )

    def outputs(self, call: Call) -> dict[str, Any]:
        """Addresses, names and certificate."""
        access: ServerAccess = call.backed
        project, name = project_of(call), call.inputs["name"]
        public = call.get("settings.ipConfiguration.ipv4Enabled", True)
        private = call.get("settings.ipConfiguration.privateNetwork") is not None
        address = access.address or access.host
        call.world.facts.setdefault(AUTHORITIES, {}).setdefault(name, [access.authority])
        outside = invented_address(f"{call.id} outside", "34.140")
        addresses = [{"ipAddress": outside, "timeToRetire": "", "type": "PRIMARY"}] if public else []
        addresses += [{"ipAddress": address, "timeToRetire": "", "type": "PRIVATE"}] if private else []
        return {
            "connectionName": f"{project}:{call.inputs['region']}:{name}",
            "availableMaintenanceVersions": [],
            "maintenanceVersion": f"{call.inputs['databaseVersion']}.R20260101.00_00",
            "firstIpAddress": addresses[0]["ipAddress"] if addresses else "",
            "ipAddresses": addresses,
            "privateIpAddress": address if private else "",
            "publicIpAddress": outside if public else "",
            "instanceType": "CLOUD_SQL_INSTANCE",
            "selfLink": f"{self.link}/{project}/instances/{name}",
            "serviceAccountEmailAddress": f"p{project_number(project)}-{fingerprint(name, 6)}@gcp-sa-cloud-sql.iam"
            ".gserviceaccount.com",
            "serverCaCerts": [authority_entry(access.authority, name)],
            "settings": {
                "version": int(call.item.outputs.get("settings", {}).get("version", 0)) + 1 if call.item else 1,
                "activationPolicy": call.get("settings.activationPolicy", "ALWAYS"),
                "availabilityType": call.get("settings.availabilityType", "ZONAL"),
                "diskSize": call.get("settings.diskSize", 10),
                "diskType": call.get("settings.diskType", "PD_SSD"),
                "pricingPlan": "PER_USE",
                "connectorEnforcement": call.get("settings.connectorEnforcement", "NOT_REQUIRED"),
                "edition": call.get("settings.edition", "ENTERPRISE"),
            },
        }

    def told(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """A disabled final backup is not returned, and a policy without complexity gets the default.

        Neither is documented; both are answers that the plugin would treat as a change, because it uses these blocks as
        written: resource_sql_database_instance.go of terraform-provider-google (2026), where they are Optional and not
        Computed.
        """
        settings: dict[str, Any] = dict(inputs.get("settings") or {})
        if settings.get("finalBackupConfig") and not at(settings, "finalBackupConfig.enabled", False):
            del settings["finalBackupConfig"]
        if policy := settings.get("passwordValidationPolicy"):
            settings["passwordValidationPolicy"] = {"complexity": "COMPLEXITY_UNSPECIFIED", **policy}
        return {**inputs, "settings": settings} if settings else inputs

    def protected_message(self, call: Call) -> str:
        """Refuse in the plugin's words while deletion protection is on."""
        return (
            "Error, failed to delete instance because deletion_protection is set to true. Set it to false to proceed "
            "with instance deletion."
        )

    def release(self, call: Call) -> None:
        """Refuse while the API's protection is on."""
        if call.item is not None and at(call.item.inputs, "settings.deletionProtectionEnabled", False):
            raise ApiError(
                400,
                "The instance is protected. Please disable the deletion protection and try again. To disable deletion "
                "protection, update the instance settings with deletionProtectionEnabled set to false.",
                reason="invalidRequest",
            )

    def gone(self, call: Call) -> None:
        """Block the name, keep the connection in use for some time, and keep backups if requested."""
        name = call.inputs["name"]
        call.world.block(f"{SERVER} {name}", NAME_BLOCKED_SECONDS)
        call.world.facts.get(AUTHORITIES, {}).pop(name, None)
        if (network := call.get("settings.ipConfiguration.privateNetwork")) is not None:
            leave_producers(call, network)
        if call.get("settings.finalBackupConfig.enabled") or call.get("settings.retainBackupsOnDelete"):
            call.world.facts.setdefault("backups", {})[name] = call.get("settings.finalBackupConfig.retentionDays", 30)


def _require_flag(name: str, value: str) -> None:
    if name not in FLAGS:
        raise ApiError(400, f"Invalid flag name: {name}", reason="invalidFlagName")
    allowed = FLAGS[name]
    if allowed == "switch" and value not in ("on", "off"):
        raise ApiError(400, f"Invalid flag value for {name}: {value}", reason="invalidFlagValue")
    if allowed == "number" and not re.fullmatch(r"-?\d+(\.\d+)?", value):
        raise ApiError(400, f"Invalid flag value for {name}: {value}", reason="invalidFlagValue")


def _major(version: str) -> int:
    found = re.search(r"_(\d+)", version)
    return int(found[1]) if found else 0
