"""Effects of each single setting of accounts and roles, on Google Cloud: see settings_flips_gcp.py for the stack."""

from __future__ import annotations

from typing import Final

from tests.engine.settings_effects import Changes, Flip, Flips, Refused

JOB: Final = Changes(replaces={"people-job"})
SERVER: Final = Changes(updates={"api-server"}, replaces={"api-server-options"})
OF_OTHER_KINDS: Final = {
    "bind_dn": "cn=reader,dc=example,dc=org",
    "bind_secret_name": "login",
    "ca_certificate": "-----BEGIN CERTIFICATE-----",
    "client_id": "airflow",
    "client_secret_name": "login",
    "domains": ["example.org"],
    "group_attribute": "memberOf",
    "groups_claim": "groups",
    "groups_from": "groups",
    "issuer": "https://login.example.org",
    "member_role": "Viewer",
    "organization": "example",
    "roles": {"data": "Op"},
    "scopes": ["openid"],
    "search_base": "dc=example,dc=org",
    "search_filter": "(objectClass=person)",
    "server": "ldaps://ldap.example.org",
    "tenant": "0a1b2c3d-0000-4000-8000-0a1b2c3d4e5f",
    "unencrypted": True,
    "user_attribute": "uid",
    "username_claim": "sub",
}
"""Keys of other kinds of login than this stack's; tests/unit/airflow/auth/test_login.py has stacks with them."""


def other_kind(key: str, value: object) -> Flip:
    """The flip of a key that this stack's kind of login does not have."""
    return Flip(value, Refused(f"{key}: {value!r} belongs to a key that is not known here"))


FLIPS: Final[Flips] = {
    "auth.users[].username": Flip(
        "bob",
        Changes(creates={"people-bob-password"}, deletes={"people-ada-password"}, replaces={"people-job", "users"}),
    ),
    "auth.users[].role": Flip("Viewer", JOB),
    "auth.users[].email": Flip("bob@example.org", JOB),
    "auth.users[].first_name": Flip("Ada", JOB),
    "auth.users[].last_name": Flip("Lovelace", JOB),
    "auth.custom_roles": Flip({"sales": ["can_read on Pools"]}, JOB),
    "auth.session_minutes": Flip(60, SERVER),
    "auth.kind": Flip(
        {"kind": "oidc", "issuer": "https://login.example.org", "client_id": "airflow", "roles": {"data": "Op"}},
        Refused("auth_client_secret is missing, and airflow:auth logs in with it"),
    ),
    **{f"auth.{key}": other_kind(f"auth.{key}", value) for key, value in OF_OTHER_KINDS.items()},
}
