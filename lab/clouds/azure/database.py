"""PostgreSQL Flexible Servers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

from lab.clouds.azure.arm import (
    ArmError,
    ArmKind,
    changed,
    name_of,
    normal,
    parent_id,
    place_of,
    refuse_zones,
)
from lab.clouds.azure.busy import mark, refuse_busy, settle
from lab.clouds.azure.catalogue import (
    DATABASE_COPIES_NONE,
    DATABASE_DISK_GIB,
    STANDBY_BLOCKED,
    STANDBY_NONE,
    ZONED,
    database_size,
)
from lab.clouds.azure.dns import ZONE, linked
from lab.clouds.azure.network import NETWORK, SUBNET, leave_association, networks_of, services
from lab.clouds.azure.parameters import PARAMETERS
from lab.clouds.backing import ServerAccess, ServerRequest
from lab.clouds.kind import Call, Grammar, Known, Reference, at
from lab.clouds.schema_check import Fault
from lab.engine.provider_values import is_unknown

SERVER: Final = "azure-native:dbforpostgresql:Server"
DELEGATION: Final = "Microsoft.DBforPostgreSQL/flexibleServers"
DOMAIN: Final = "postgres.database.azure.com"
RESERVED: Final = frozenset(
    {"azure_superuser", "azure_pg_admin", "admin", "administrator", "root", "guest", "public", "azuresu"}
)
"""Forbidden names of the administrator, in addition to all that begin with pg_."""
LOGIN: Final = re.compile(r"(?!pg_)[a-zA-Z_]\w{0,62}")
SETTLING_SECONDS: Final = 60
"""Time after its creation in which a server may refuse the first operation."""
SMALLEST_SUBNET: Final = 28
"""Prefix length of the smallest subnet of a server, with addresses for a standby."""


class Server(ArmKind):
    """A PostgreSQL Flexible Server."""

    token = SERVER
    name = "serverName"
    path = "resourceGroups/{resourceGroupName}/providers/Microsoft.DBforPostgreSQL/flexibleServers/{serverName}"
    grammar = Grammar(
        pattern=r"[a-z0-9]([a-z0-9-]{1,61}[a-z0-9])",
        words="3 to 63 lower-case letters, digits and hyphens, no hyphen at the ends",
    )
    references = (
        Reference(path="network.delegatedSubnetResourceId", to=(SUBNET,)),
        Reference(path="network.privateDnsZoneArmResourceId", to=(ZONE,), way="ignores"),
    )
    immutable = (
        "administratorLogin",
        "availabilityZone",
        "backup.geoRedundantBackup",
        "sourceServerResourceId",
        "pointInTimeUTC",
    )
    """Immutable fields in the published specification, for which the plugin replaces the server."""
    write_only = frozenset({"administratorLoginPassword"})
    settles = False
    computed: ClassVar[tuple[str, ...]] = ("backup.earliestRestoreDate", "highAvailability.state", "storage.iops")

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Errors that are independent of other resources."""
        yield from super().faults(inputs, config)
        if inputs.get("createMode", "Default") in ("Default", "Create"):
            yield from _new_server_faults(inputs)
        yield from _size_faults(inputs)
        days = at(inputs, "backup.backupRetentionDays")
        if isinstance(days, int) and not 7 <= days <= 35:
            yield "backup.backupRetentionDays", f"is {days}, not between 7 and 35"
        network = inputs.get("network") or {}
        subnet, zone = network.get("delegatedSubnetResourceId"), network.get("privateDnsZoneArmResourceId")
        if (subnet is None) != (zone is None):
            yield "network.privateDnsZoneArmResourceId", "and delegatedSubnetResourceId go together"
        if subnet is not None and network.get("publicNetworkAccess") == "Enabled":
            yield "network.publicNetworkAccess", "is Enabled, which excludes delegatedSubnetResourceId"
        window = inputs.get("maintenanceWindow") or {}
        for key, most in (("dayOfWeek", 6), ("startHour", 23), ("startMinute", 59)):
            if isinstance(window.get(key), int) and not 0 <= window[key] <= most:
                yield f"maintenanceWindow.{key}", f"is {window[key]}, not between 0 and {most}"

    def accept(self, call: Call) -> None:
        """Refuse a name in use: names are global."""
        super().accept(call)
        if any(name_of(item.id) == name_of(call.id) for item in call.world.of(SERVER)):
            raise ArmError(
                409, "ServerNameAlreadyExists", f"Specified server name is already used: {name_of(call.id)}."
            )

    def check(self, call: Call) -> None:
        """Refuse missing or unsuitable zones, subnet and private DNS zone."""
        place = normal(str(call.get("location")))
        zone, standby = call.get("availabilityZone"), call.get("highAvailability.standbyAvailabilityZone")
        refuse_zones(f"{self.arm_type}/{name_of(call.id)}", place, [each for each in (zone, standby) if each])
        mode = call.get("highAvailability.mode", "Disabled")
        if mode == "ZoneRedundant" and (place not in ZONED or place in STANDBY_NONE):
            raise ArmError(
                400, "ZoneRedundantHANotSupported", f"Zone redundant high availability is not available in {place}."
            )
        # https://github.com/hashicorp/terraform-provider-azurerm/pull/19791; a server that has one keeps it.
        if (
            mode == "ZoneRedundant"
            and place in STANDBY_BLOCKED
            and (call.item is None or changed(call, "highAvailability.mode"))
        ):
            raise ArmError(400, "ZoneRedundantHADisabled", f"Zone-Redundant HA is disabled for region {place}.")
        if call.get("backup.geoRedundantBackup") == "Enabled" and place in DATABASE_COPIES_NONE:
            raise ArmError(
                400, "GeoRedundantBackupNotSupported", f"Geo-redundant backup is not supported for region {place}."
            )
        if mode == "ZoneRedundant" and zone and zone == standby:
            raise ArmError(
                400,
                "InvalidParameterValue",
                "The standby availability zone has to differ from the primary's with zone redundant high availability.",
            )
        self._check_network(call, place)

    def _check_network(self, call: Call, place: str) -> None:
        subnet = call.world.get(SUBNET, str(call.get("network.delegatedSubnetResourceId")))
        zone = call.world.get(ZONE, str(call.get("network.privateDnsZoneArmResourceId")))
        if subnet is None or zone is None:
            return
        if services(subnet.inputs) != [DELEGATION]:
            raise ArmError(
                400,
                "SubnetNotDelegated",
                f"The subnet {subnet.id} is not delegated to {DELEGATION}, as a server with private access needs.",
            )
        strangers = [user for user in call.world.users(subnet, "holds") if user.type != SERVER]
        if strangers:
            raise ArmError(400, "SubnetInUse", f"The subnet {subnet.id} is used by {strangers[0].id}.")
        if all(each.prefixlen > SMALLEST_SUBNET for each in networks_of(subnet)):
            raise ArmError(
                400,
                "SubnetTooSmall",
                f"The subnet {subnet.id} has the range {networks_of(subnet)[0]}, smaller than /{SMALLEST_SUBNET}.",
            )
        network = call.world.get(NETWORK, parent_id(subnet.id))
        if network is not None and place_of(network) != place:
            raise ArmError(
                400, "VnetRegionMismatch", f"The virtual network {network.id} is not in {place}, as the server is."
            )
        name = name_of(zone.id)
        if not name.endswith(f".{DOMAIN}") or name == f"{name_of(call.id)}.{DOMAIN}":
            raise ArmError(
                400,
                "PrivateDnsZoneNameNotValid",
                f"The private DNS zone name {name} is not valid: it has to end with .{DOMAIN} and not to be the "
                "server's own name.",
            )
        if not linked(call.world, zone.id, parent_id(subnet.id)):
            raise ArmError(
                400,
                "PrivateDnsZoneNotLinkedToVnet",
                f"The private DNS zone {zone.id} is not linked to the virtual network {parent_id(subnet.id)} yet.",
            )

    def change(self, call: Call) -> None:
        """Refuse a second operation, smaller disks, older versions, and another network."""
        refuse_busy(call, call.id, server_busy(name_of(call.id)))
        super().change(call)
        if call.item is None:
            return
        before = call.item.inputs
        if changed(call, "network.delegatedSubnetResourceId"):
            raise ArmError(
                400,
                "InvalidParameterValue",
                "Invalid value given for parameter DelegatedSubnetResourceId. Specify a valid parameter value: the "
                "network of a server cannot be changed.",
            )
        old, new = at(before, "storage.storageSizeGB", 32), call.get("storage.storageSizeGB", 32)
        if new < old:
            raise ArmError(
                400, "InvalidStorageSizeChange", f"The storage of a server cannot shrink from {old} to {new} GiB."
            )
        if int(call.get("version", "0")) < int(before.get("version", "0")):
            raise ArmError(400, "MajorVersionDowngradeNotSupported", "The version of a server cannot go down.")
        mark(call, call.id, self.token, "update")

    def back(self, call: Call) -> Any:
        """Start the real server, if the backing has one."""
        return call.backing.server(
            ServerRequest(
                cloud="azure",
                id=call.id,
                name=name_of(call.id),
                version=str(call.get("version", "17")),
                administrator=str(call.get("administratorLogin", "")),
                password=str(call.get("administratorLoginPassword", "")),
            )
        )

    def outputs(self, call: Call) -> dict[str, Any]:
        """Azure's additions, without the password.

        A new server is reported before it accepts another operation: an immediate operation "will usually fail",
        and "even a 1 sec sleep works", https://github.com/Azure/azure-postgresql/issues/134 (February 2026).
        """
        mark(call, call.id, "", "")
        if call.item is None or not call.item.ready:
            settle(call, call.id, SETTLING_SECONDS)
        backed: ServerAccess = call.backed
        # An address is not a name; a backing with a host name returns it.
        host = f"{name_of(call.id)}.{DOMAIN}" if re.fullmatch(r"[\d.]+", backed.host) else backed.host
        mode = call.get("highAvailability.mode", "Disabled")
        private = call.get("network.delegatedSubnetResourceId") is not None
        standby = {"ZoneRedundant": "2", "SameZone": call.get("availabilityZone", "1")}.get(mode, "")
        return {
            "fullyQualifiedDomainName": host,
            "state": "Ready",
            "version": call.get("version", "17"),
            "minorVersion": "6",
            "availabilityZone": call.get("availabilityZone", "1"),
            "replicaCapacity": 5,
            "replicationRole": "Primary",
            "authConfig": {"passwordAuth": "Enabled", "activeDirectoryAuth": "Disabled", **call.get("authConfig", {})},
            "backup": {
                "backupRetentionDays": 7,
                "geoRedundantBackup": "Disabled",
                **call.get("backup", {}),
                "earliestRestoreDate": "2026-01-01T00:00:00+00:00",
            },
            "highAvailability": {
                "standbyAvailabilityZone": standby,
                **call.get("highAvailability", {}),
                "mode": mode,
                "state": "NotEnabled" if mode == "Disabled" else "Healthy",
            },
            "maintenanceWindow": {
                "customWindow": "Disabled",
                "dayOfWeek": 0,
                "startHour": 0,
                "startMinute": 0,
                **call.get("maintenanceWindow", {}),
            },
            "network": {
                "publicNetworkAccess": "Disabled" if private else "Enabled",
                **call.get("network", {}),
            },
            "storage": {
                "storageSizeGB": 32,
                "autoGrow": "Disabled",
                "type": "",
                "iops": 120,
                **call.get("storage", {}),
            },
            "dataEncryption": {"type": "SystemManaged", **call.get("dataEncryption", {})},
            "privateEndpointConnections": [],
        }

    def refreshed(self, call: Call, found: dict[str, Any], known: Known) -> dict[str, Any]:
        """Inputs with the performance of a grown disk, which no program sets.

        The plugin compares current outputs with those in state, and applies the differences to the inputs.
        """
        result, speed = super().refreshed(call, found, known), at(known.now, "storage.iops")
        if speed == at(known.before, "storage.iops") or "storage" not in result:
            return result
        return {**result, "storage": {**result["storage"], "iops": speed}}

    def release(self, call: Call) -> None:
        """Refuse a second operation."""
        refuse_busy(call, call.id, server_busy(name_of(call.id)))

    def gone(self, call: Call) -> None:
        """It is not busy any more; its subnet stays in use for some time."""
        mark(call, call.id, "", "")
        leave_association(call, call.get("network.delegatedSubnetResourceId"))


def _new_server_faults(inputs: dict[str, Any]) -> Iterator[Fault]:
    for path in ("sku", "version"):
        if inputs.get(path) is None:
            yield path, "is required to make a server"
    if at(inputs, "authConfig.passwordAuth") == "Disabled":
        return
    login, password = inputs.get("administratorLogin"), inputs.get("administratorLoginPassword")
    if login is None:
        yield "administratorLogin", "is required while passwordAuth is Enabled"
    elif not is_unknown(login) and (login in RESERVED or not LOGIN.fullmatch(login)):
        yield "administratorLogin", f"is {login!r}, a reserved name or none that PostgreSQL takes"
    if password is None:
        yield "administratorLoginPassword", "is required while passwordAuth is Enabled"
    elif not is_unknown(password):
        kinds = sum(bool(re.search(each, password)) for each in ("[a-z]", "[A-Z]", "[0-9]", "[^a-zA-Z0-9]"))
        if not 8 <= len(password) <= 128 or kinds < 3:
            yield (
                "administratorLoginPassword",
                "has to have 8 to 128 characters of three of these: upper case, lower case, digits, others",
            )
        elif isinstance(login, str) and login in password:
            yield "administratorLoginPassword", "holds the administrator's name"


def _size_faults(inputs: dict[str, Any]) -> Iterator[Fault]:
    name, tier = at(inputs, "sku.name"), at(inputs, "sku.tier")
    size = database_size(name) if isinstance(name, str) and not is_unknown(name) else None
    if isinstance(name, str) and not is_unknown(name) and size is None:
        yield "sku.name", f"is {name!r}, no size of Flexible Server"
    if size is not None and not is_unknown(tier) and tier != size.tier:
        yield "sku.tier", f"is {tier}, but {name} is of the tier {size.tier}"
    mode = at(inputs, "highAvailability.mode", "Disabled")
    if tier == "Burstable" and mode in ("ZoneRedundant", "SameZone"):
        yield "highAvailability.mode", f"is {mode}, which the tier Burstable does not have"
    disk, kind = at(inputs, "storage.storageSizeGB"), at(inputs, "storage.type", "Premium_LRS")
    if isinstance(disk, int) and kind in ("", "Premium_LRS") and disk not in DATABASE_DISK_GIB:
        yield "storage.storageSizeGB", f"is {disk}, not one of {', '.join(map(str, DATABASE_DISK_GIB))}"
    if kind == "PremiumV2_LRS" and at(inputs, "storage.autoGrow") == "Enabled":
        yield "storage.autoGrow", "is not there for PremiumV2_LRS"


def server_busy(name: str) -> ArmError:
    """The refusal of a second operation; the plugin does not retry."""
    return ArmError(
        409,
        "ServerIsBusy",
        f"Cannot complete operation while server '{name}' is busy processing another operation. Try again later.",
        retry=False,
    )


def default_value(parameter: str, server: Mapping[str, Any]) -> str:
    """The default of a server parameter on a server with these inputs."""
    size = database_size(str(at(server, "sku.name", "")))
    if parameter == "max_connections" and size is not None:
        return str(size.max_connections)
    return PARAMETERS[parameter].default
