"""Child resources of a PostgreSQL Flexible Server: databases, parameters and firewall rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address
from typing import Any, Final

from lab.clouds.azure.arm import ArmError, ArmKind, name_of, parent_id
from lab.clouds.azure.busy import mark, refuse_busy, refuse_settling
from lab.clouds.azure.database import SERVER, Server, default_value, server_busy
from lab.clouds.azure.parameters import PARAMETERS, Parameter
from lab.clouds.kind import Call, Grammar
from lab.clouds.schema_check import Fault
from lab.engine.provider_values import is_unknown

SYSTEM_DATABASES: Final = frozenset({"azure_maintenance", "azure_sys", "postgres", "template0", "template1"})


class _Part(ArmKind):
    """Base class of child resources; a server runs one operation at a time."""

    parent = SERVER
    settles = False

    def accept(self, call: Call) -> None:
        """Refuse while the server is busy; the plugin does not retry."""
        self._refuse_busy(call)
        super().accept(call)
        mark(call, parent_id(call.id), self.token, "create")

    def change(self, call: Call) -> None:
        """Refuse while the server is busy; the plugin does not retry."""
        self._refuse_busy(call)
        super().change(call)
        mark(call, parent_id(call.id), self.token, "update")

    def release(self, call: Call) -> None:
        """Refuse while the server is busy; the plugin does not retry."""
        self._refuse_busy(call)
        mark(call, parent_id(call.id), self.token, "delete")

    def gone(self, call: Call) -> None:
        """The server is not busy any more."""
        mark(call, parent_id(call.id), "", "")

    def outputs(self, call: Call) -> dict[str, Any]:
        """The server is not busy any more."""
        mark(call, parent_id(call.id), "", "")
        return {}

    def _refuse_busy(self, call: Call) -> None:
        server = call.world.get(SERVER, parent_id(call.id))
        error = server_busy(name_of(parent_id(call.id)))
        if server is not None and not server.ready:
            raise error
        refuse_busy(call, parent_id(call.id), error)
        refuse_settling(call, parent_id(call.id), error)


class Database(_Part):
    """A database."""

    token = "azure-native:dbforpostgresql:Database"  # noqa: S105 - the token of a type
    name = "databaseName"
    path = f"{Server.path}/databases/{{databaseName}}"
    grammar = Grammar(pattern=r"[A-Za-z_][\w$-]{0,62}", words="1 to 63 letters, digits, underscores and hyphens")

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Errors of names of built-in databases."""
        yield from super().faults(inputs, config)
        if inputs.get("databaseName") in SYSTEM_DATABASES:
            yield "databaseName", f"is {inputs['databaseName']!r}, a database that the server has by itself"

    def change(self, call: Call) -> None:
        """Refuse every change of a database."""
        raise ArmError(400, "InvalidParameterValue", "The character set and collation of a database cannot be changed.")

    def back(self, call: Call) -> Any:
        """Create the real database, if the backing has one."""
        call.backing.database(parent_id(call.id), name_of(call.id))

    def outputs(self, call: Call) -> dict[str, Any]:
        """PostgreSQL's additions."""
        return {
            **super().outputs(call),
            "charset": call.get("charset", "UTF8"),
            "collation": call.get("collation", "en_US.utf8"),
        }


class Configuration(_Part):
    """A server parameter. It always exists; deletion restores its default."""

    token = "azure-native:dbforpostgresql:Configuration"  # noqa: S105 - the token of a type
    name = "configurationName"
    path = f"{Server.path}/configurations/{{configurationName}}"
    required = ("value", "source")
    singleton = True

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Errors of the source, which the plugin requires."""
        yield from super().faults(inputs, config)
        source = inputs.get("source")
        if source is not None and not is_unknown(source) and source not in ("user-override", "system-default"):
            yield "source", f"is {source!r}, not user-override or system-default"

    def check(self, call: Call) -> None:
        """Refuse unknown and read-only parameters, and invalid values."""
        name, value = str(call.get("configurationName")), str(call.get("value", ""))
        found = self._parameter(name)
        if found.read_only:
            raise ArmError(400, "ReadOnlyConfiguration", f"The configuration '{name}' is read only.")
        if not found.accepts(value):
            raise ArmError(
                400,
                "InvalidParameterValue",
                f"The value '{value}' for configuration '{name}' is not valid. Allowed values are '{found.allowed}'.",
            )
        server = call.world.get(SERVER, parent_id(call.id))
        if server is not None and name.startswith("pgbouncer.") and server.inputs["sku"]["tier"] == "Burstable":
            raise ArmError(400, "InvalidParameterValue", "PgBouncer is not there for the tier Burstable.")

    def outputs(self, call: Call) -> dict[str, Any]:
        """The service's description of the parameter."""
        name = str(call.get("configurationName"))
        found = self._parameter(name)
        server = call.world.get(SERVER, parent_id(call.id))
        default = default_value(name, server.inputs if server else {})
        value = str(call.get("value", default))
        return {
            **super().outputs(call),
            "value": value,
            "allowedValues": found.allowed,
            "dataType": found.data_type,
            "defaultValue": default,
            "description": f"The server parameter {name}.",
            "documentationLink": "https://www.postgresql.org/docs/current/runtime-config.html",
            "isConfigPendingRestart": not found.dynamic and value != default,
            "isDynamicConfig": found.dynamic,
            "isReadOnly": found.read_only,
            "source": call.get("source", "user-override"),
            "unit": "",
        }

    def _parameter(self, name: str) -> Parameter:
        if name not in PARAMETERS:
            raise ArmError(
                404,
                "ResourceNotFound",
                f"The requested resource of type 'Microsoft.DBforPostgreSQL/flexibleServers/configurations' with name "
                f"'{name}' was not found.",
            )
        return PARAMETERS[name]


class FirewallRule(_Part):
    """A range of addresses that may connect to a server with public access."""

    token = "azure-native:dbforpostgresql:FirewallRule"  # noqa: S105 - the token of a type
    name = "firewallRuleName"
    path = f"{Server.path}/firewallRules/{{firewallRuleName}}"
    grammar = Grammar(pattern=r"[\w-]{1,80}", words="1 to 80 letters, digits, underscores and hyphens")

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Errors of the address range."""
        yield from super().faults(inputs, config)
        first, last = inputs.get("startIpAddress"), inputs.get("endIpAddress")
        try:
            if not is_unknown(first) and not is_unknown(last) and IPv4Address(first) > IPv4Address(last):
                yield "endIpAddress", f"is {last}, before {first}"
        except ValueError as error:
            yield "startIpAddress", f"and endIpAddress are no range of IPv4 addresses: {error}"

    def check(self, call: Call) -> None:
        """Refuse rules for a server with private access, which has no firewall."""
        server = call.world.get(SERVER, parent_id(call.id))
        if server is not None and server.outputs["network"].get("delegatedSubnetResourceId"):
            raise ArmError(
                400,
                "OperationNotAllowed",
                "Firewall rule operations cannot be requested for a private access enabled server.",
            )
