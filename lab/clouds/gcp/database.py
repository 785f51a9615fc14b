"""Databases and users of Cloud SQL in the simulated Google Cloud."""

from __future__ import annotations

from typing import Any, ClassVar

from lab.clouds.backing import UserRequest
from lab.clouds.gcp.resource import GcpKind, last
from lab.clouds.gcp.server import LINK
from lab.clouds.gcp.tokens import DATABASE, SERVER, USER
from lab.clouds.kind import ApiError, Call, Choices, Grammar, Reference, at


class Database(GcpKind):
    """One database of a server."""

    token = DATABASE
    api = "sqladmin.googleapis.com"
    path = "projects/{project}/instances/{instance}/databases/{name}"
    link = LINK
    grammar = Grammar(pattern=r"[^\0]{1,63}", words="1 to 63 characters", automatic=63)
    immutable = ("name", "project", "instance")
    # PostgreSQL's names; the official plugin changes only these in place.
    references = (Reference(path="instance", to=(SERVER,), way="goes_with"),)

    def change(self, call: Call) -> None:
        """PostgreSQL cannot change an existing database's encoding."""
        if call.old.get("charset") != call.inputs.get("charset"):
            raise ApiError(400, "Updating charset is not supported for PostgreSQL.", reason="invalidRequest")

    def accept(self, call: Call) -> None:
        """Refuse names of built-in databases."""
        if call.inputs["name"] in ("postgres", "template0", "template1", "cloudsqladmin"):
            raise ApiError(
                400, f"failed to create database {call.inputs['name']}: it already exists", reason="invalidRequest"
            )
        if call.get("charset", "UTF8") != "UTF8":
            raise ApiError(400, "Cloud SQL for PostgreSQL only supports the charset UTF8.", reason="invalidRequest")

    def back(self, call: Call) -> None:
        """Create it on the real server."""
        call.backing.database(call.inputs["instance"], call.inputs["name"])

    def outputs(self, call: Call) -> dict[str, Any]:
        """The encoding."""
        return {
            "charset": call.get("charset", "UTF8"),
            "collation": call.get("collation", "en_US.UTF8"),
            "selfLink": f"{LINK}/{call.id}",
        }

    def release(self, call: Call) -> None:
        """Refuse while clients are connected, which Airflow always is."""
        raise ApiError(
            400,
            f'Error 400: Invalid request: failed to delete database "{last(call.id)}". Detail: pq: database '
            f'"{last(call.id)}" is being accessed by other users.',
            reason="invalidRequest",
        )


class User(GcpKind):
    """One user of a server. All users created by the API are members of cloudsqlsuperuser."""

    token = USER
    api = "sqladmin.googleapis.com"
    link = ""
    grammar = Grammar(pattern=r"[^\0]{1,63}", words="1 to 63 characters", automatic=63)
    values: ClassVar[Choices] = {
        "type": ("", "BUILT_IN", "CLOUD_IAM_USER", "CLOUD_IAM_SERVICE_ACCOUNT", "CLOUD_IAM_GROUP")
    }
    immutable = ("name", "project", "instance", "host", "type")
    write_only = frozenset({"password", "passwordWo"})
    references = (Reference(path="instance", to=(SERVER,), way="goes_with"),)

    def id(self, call: Call) -> str:
        """Name, host and server, joined like the plugin's ids."""
        return f"{call.inputs['name']}/{call.get('host', '')}/{call.inputs['instance']}"

    def accept(self, call: Call) -> None:
        """Refuse passwords against the server's policy, and hosts, which PostgreSQL does not have."""
        if call.get("host"):
            raise ApiError(400, "Host is not supported for PostgreSQL users.", reason="invalidRequest")
        if call.get("type", "BUILT_IN") in ("", "BUILT_IN"):
            self._require_password(call)

    def change(self, call: Call) -> None:
        """The same rules as at creation."""
        self._require_password(call)

    def _require_password(self, call: Call) -> None:
        password = call.get("password") or call.get("passwordWo") or ""
        server = call.world.find(SERVER, call.inputs["instance"])
        policy = at(server.inputs, "settings.passwordValidationPolicy", {}) if server is not None else {}
        if not policy.get("enablePasswordPolicy"):
            return
        too_short = len(password) < policy.get("minLength", 0)
        names_user = policy.get("disallowUsernameSubstring") and call.inputs["name"].lower() in password.lower()
        classes = [any(map(test, password)) for test in (str.islower, str.isupper, str.isdigit, _is_special)]
        too_plain = policy.get("complexity") == "COMPLEXITY_DEFAULT" and not all(classes)
        if too_short or names_user or too_plain:
            raise ApiError(
                400,
                "Invalid request: Password does not satisfy the password policy of the instance.",
                reason="invalidRequest",
            )

    def back(self, call: Call) -> None:
        """Create it on the real server, or set its password."""
        password = call.get("password") or call.get("passwordWo") or ""
        call.backing.user(UserRequest(server=call.inputs["instance"], name=call.inputs["name"], password=password))

    def outputs(self, call: Call) -> dict[str, Any]:
        """No further outputs."""
        return {"host": "", "iamEmail": ""}

    def release(self, call: Call) -> None:
        """Refuse because it owns objects, as every user of a database does."""
        raise ApiError(
            400,
            f'Invalid request: failed to delete user {call.id.partition("/")[0]}: . role "'
            f'{call.id.partition("/")[0]}" cannot be dropped because some objects depend on it.',
            reason="invalidRequest",
        )


def _is_special(character: str) -> bool:
    return not character.isalnum()
