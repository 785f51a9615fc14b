"""Logins by identity providers and a directory, of the stacks that the tests run."""

from __future__ import annotations

from typing import Any, Final

CLIENT_SECRET: Final = "the secret of a client"
BIND_PASSWORD: Final = "the password of a searcher"
SECRETS: Final = {"airflow:auth_client_secret": {"secure": CLIENT_SECRET}}
BIND_SECRETS: Final = {"airflow:auth_bind_password": {"secure": BIND_PASSWORD}}
OIDC: Final[dict[str, Any]] = {
    "kind": "oidc",
    "issuer": "https://login.simulated.test/realms/data",
    "client_id": "airflow",
    "roles": {"data-admins": "Admin", "analysts": "analyst", "readers": "Viewer"},
    "custom_roles": {"analyst": ["can_read on DAGs", "can_read on Pools"]},
    "users": [{"username": "dashboard", "role": "Viewer", "email": "dashboard@example.org"}],
}
GOOGLE: Final[dict[str, Any]] = {
    "kind": "google",
    "client_id": "airflow",
    "domains": ["example.org"],
    "roles": {"example.org": "Viewer", "ada@example.org": "Op"},
}
ENTRA: Final[dict[str, Any]] = {
    "kind": "entra",
    "client_id": "airflow",
    "tenant": "0a1b2c3d-0000-4000-8000-0a1b2c3d4e5f",
    "roles": {"Airflow.Admin": "Admin", "Airflow.Read": "Viewer"},
}
GITHUB: Final[dict[str, Any]] = {
    "kind": "github",
    "client_id": "airflow",
    "organization": "example",
    "roles": {"data": "Op"},
}
LDAP: Final[dict[str, Any]] = {
    "kind": "ldap",
    "server": "ldap://localhost",
    "bind_dn": "cn=searcher,dc=example,dc=org",
    "search_base": "ou=people,dc=example,dc=org",
    "roles": {"cn=data,ou=groups,dc=example,dc=org": "Op"},
}
