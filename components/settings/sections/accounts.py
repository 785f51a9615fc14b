"""Accounts with a password, and roles: what all kinds of login have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field

from components.settings.errors import nearest
from components.settings.types import Model

BUILTIN_ROLES: Final = ("Admin", "Op", "User", "Viewer", "Public")
"""The roles that Airflow creates: ROLE_CONFIGS in security_manager/override.py of the provider fab 3.9.0."""
ACTIONS: Final = ("can_read", "can_create", "can_edit", "can_delete", "menu_access")
RESOURCES: Final = (
    "Admin",
    "All Audit Logs",
    "All Import Errors",
    "Asset Aliases",
    "Assets",
    "Audit Logs",
    "Backfills",
    "Browse",
    "Cluster Activity",
    "Configurations",
    "Connections",
    "DAG Code",
    "DAG Dependencies",
    "DAG Runs",
    "DAG Versions",
    "DAG Warnings",
    "DAGs",
    "Docs",
    "Documentation",
    "HITL Detail",
    "ImportError",
    "Jobs",
    "My Password",
    "My Profile",
    "Passwords",
    "Permission Views",
    "Permissions",
    "Plugins",
    "Pools",
    "Providers",
    "Roles",
    "SLA Misses",
    "Task Instances",
    "Task Logs",
    "Task Reschedules",
    "Triggers",
    "User Stats Chart",
    "Users",
    "Variables",
    "View Menus",
    "Website",
    "XComs",
)
"""RESOURCE_* in www/security/permissions.py of apache-airflow-providers-fab 3.9.0."""
DAG_PREFIXES: Final = ("DAG:", "DAG Run:")
"""Beginnings of resources of one DAG; its id follows."""
EMAIL: Final = r"^[^@\s]+@[^@\s]+\Z"

Username = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}\Z")]
Email = Annotated[str, Field(pattern=EMAIL)]
RoleName = Annotated[str, Field(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9 ._-]{0,62}[A-Za-z0-9])?\Z")]
"""Name of a role: FAB's column holds 64 characters."""


def _permission(text: str) -> str:
    """The permission, if Airflow checks it.

    Raises:
        ValueError: not of the form, or no known action or resource; "rule; remedy".
    """
    action, separator, resource = text.partition(" on ")
    if not separator:
        raise ValueError('is not of the form "ACTION on RESOURCE"; write for example "can_read on DAGs"')
    if action not in ACTIONS:
        raise ValueError(f"begins with none of Airflow's actions; {nearest(action, ACTIONS)}")
    one_dag = any(resource.startswith(prefix) and len(resource) > len(prefix) for prefix in DAG_PREFIXES)
    if not one_dag and resource not in RESOURCES:
        raise ValueError(f'names none of Airflow\'s resources, and none of one DAG, "DAG:ID"; {_meant(resource)}')
    return text


def _meant(resource: str) -> str:
    """The resource of that name in other letters, or the nearest one."""
    same = [known for known in RESOURCES if known.lower() == resource.lower()]
    return f"did you mean {same[0]!r}" if same else nearest(resource, RESOURCES)


Permission = Annotated[str, AfterValidator(_permission)]
"""One action on one kind of resource, or on those of one DAG."""


class User(Model):
    """One account that the stack keeps. Removing it from the list ends its access."""

    username: Username
    """Login name."""
    role: RoleName
    """Its role: one of Airflow's own (Admin, Op, User, Viewer, Public), or of `custom_roles`."""
    email: Email
    """E-mail address; no two accounts have the same."""
    first_name: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    """First name as the UI shows it; default: the login name."""
    last_name: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    """Last name as the UI shows it; default: empty."""


class Accounts(Model):
    """Common interface of all kinds of login, so that no other module distinguishes them."""

    users: Annotated[tuple[User, ...], Field(strict=False, max_length=100)] = ()
    """Accounts with a password, for people and for programs that call the API. The stack generates the passwords, see
    the output `user_passwords`; a password of your own is a value of the secret `airflow:user_passwords`."""
    custom_roles: dict[RoleName, Annotated[tuple[Permission, ...], Field(strict=False)]] = Field(
        default_factory=dict, title="role, permissions"
    )
    """Roles of your own: name, and the permissions as "ACTION on RESOURCE", for example "can_read on DAGs"."""
    session_minutes: Annotated[int, Field(ge=5, le=43_200)] | None = None
    """Minutes after which a session without activity ends, and lifetime of tokens of the API; default: Airflow's own,
    30 days for a session and one day for a token."""

    @property
    def role_names(self) -> tuple[str, ...]:
        """All roles that the stack knows."""
        return (*BUILTIN_ROLES, *self.custom_roles)

    @property
    def kept(self) -> bool:
        """Whether the stack keeps accounts or roles in the metadata database."""
        return bool(self.users or self.custom_roles)

    @property
    def local_names(self) -> tuple[str, ...]:
        """Login names of the accounts with a password, in lower case, without the first user's."""
        return tuple(user.username.lower() for user in self.users)

    @property
    def group_roles(self) -> Mapping[str, str]:
        """Role by group, where a group decides it; empty where accounts have roles of their own."""
        return {}

    @property
    def external(self) -> ExternalLogin | None:
        """The identity provider or directory; None if the database has all accounts."""
        return None


@dataclass(frozen=True, kw_only=True)
class ExternalLogin:
    """A login outside the database: what webserver_config.py is told, and the secret that it reads."""

    provider: str | None
    """Name of the identity provider in the path of the redirect URI; None for a directory, which has none."""
    issuer: str | None
    """The URL below which the provider describes itself; None if it does not."""
    config: Mapping[str, Any]
    """Values of login.json that depend on the kind."""
    secret_key: str
    """The secret key of the stack's config, and with dashes the file in the Secret."""
    existing_secret: str | None
    """Name of an existing Secret; None if the stack creates it from the config."""
    ca_certificate: str | None
    """PEM certificates that verify the provider's own; None for those of the image."""
