"""All secrets of an instance: generated once, kept in state, stored in Kubernetes Secrets.

A stack may bring keys instead, as secret config or as Secrets that exist; then none is generated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import pulumi
import pulumi_kubernetes as kubernetes
import pulumi_random as random
from pulumi_kubernetes.core.v1 import Secret
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.airflow.ports import BROKER_PORT
from components.airflow.secrets.credential import StoredSecret
from components.contract.cloud import Database, Databases
from components.kubernetes import naming
from components.settings.loader import optional_secret
from components.settings.secret_keys import API_SECRET_KEY, BROKER_PASSWORD, FERNET_KEY, JWT_SECRET
from components.settings.sections.existing_secrets import ExistingSecret, ExistingSecrets

KEEPALIVES: Final = "keepalives=1&keepalives_idle=30&keepalives_interval=5&keepalives_count=5"
"""Managed PostgreSQL drops connections that are idle for about 300 s."""


def connection_url(database: Database) -> pulumi.Output[str]:
    """The database's URL for psycopg2, its user and password percent-encoded."""
    return _url("postgresql+psycopg2", database, pulumi.Output.concat("sslmode=", database.ssl_mode, "&", KEEPALIVES))


def async_connection_url(database: Database) -> pulumi.Output[str]:
    """The database's URL for asyncpg, set explicitly: a URL derived from the other one would have libpq's options."""
    # asyncpg's `ssl` takes the values of libpq's `sslmode`.
    return _url("postgresql+asyncpg", database, pulumi.Output.concat("ssl=", database.ssl_mode))


def result_url(database: Database) -> pulumi.Output[str]:
    """The database's URL as Celery's result backend."""
    return pulumi.Output.concat("db+", connection_url(database))


def _url(driver: str, database: Database, query: pulumi.Input[str]) -> pulumi.Output[str]:
    # Secret even if the password was not marked as secret.
    return pulumi.Output.secret(
        pulumi.Output.all(database.user, database.password, database.host, database.port, database.name, query).apply(
            lambda part: (
                f"{driver}://{encoded(part[0])}:{encoded(part[1])}@{host(part[2])}:{part[3]}/{encoded(part[4])}?{part[5]}"
            )
        )
    )


def encoded(text: str) -> str:
    """Percent-encoded for any component of a URL."""
    return quote(text, safe="")


def host(name: str) -> str:
    """A host as written in a URL: IPv6 addresses in brackets."""
    return f"[{name}]" if ":" in name else name


def urlsafe(base64_text: str) -> str:
    """Standard base64 as URL-safe base64, the form of a Fernet key."""
    return base64_text.replace("+", "-").replace("/", "_")


@dataclass(frozen=True, kw_only=True)
class SecretsArgs:
    """Arguments of the secrets."""

    instance: str
    namespace: pulumi.Output[str]
    kubernetes: kubernetes.Provider
    databases: Databases
    broker_host: str | None
    """None without Celery."""
    flower: bool
    existing: ExistingSecrets
    protect: bool


class Secrets(pulumi.ComponentResource):
    """All secrets of an instance, by the names that the secrets matrix uses."""

    stored: Mapping[str, StoredSecret]
    admin_password: pulumi.Output[str]
    flower_password: pulumi.Output[str] | None

    def __init__(self, name: str, args: SecretsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:airflow:Secrets", name, None, opts)
        self._args = args
        self._name = name
        databases = args.databases
        self.admin_password = self._password("admin")
        self.flower_password = None
        values: dict[str, dict[str, pulumi.Output[str]]] = {
            "metadata": {
                "connection": connection_url(databases.metadata),
                "async-connection": async_connection_url(databases.metadata),
            },
            "admin": {"password": self.admin_password},
        }
        if databases.administrator is not None:
            values["databases"] = database_credentials(databases)
        if args.broker_host is not None and databases.results is not None:
            password = brought(BROKER_PASSWORD, lambda: self._password("broker"))
            values["broker"] = {
                "url": pulumi.Output.concat("redis://:", password, f"@{args.broker_host}:{BROKER_PORT}/0"),
                "password": password,
                # A file, because every user who can list processes can read arguments.
                "redis.conf": pulumi.Output.concat(
                    "requirepass ", password, "\nappendonly yes\ndir /data\nprotected-mode yes\nbind * -::*\n"
                ),
            }
            values["results"] = {"connection": result_url(databases.results)}
        if args.flower:
            self.flower_password = self._password("flower")
            values["flower"] = {"basic-auth": pulumi.Output.concat("admin:", self.flower_password)}
        self.stored = self._keys() | {key: self._store(key, content) for key, content in values.items()}
        self.register_outputs({})

    def _keys(self) -> dict[str, StoredSecret]:
        """The keys that a stack may also bring."""
        sources: dict[str, tuple[ExistingSecret | None, str, Callable[[], pulumi.Output[str]]]] = {
            # Losing this key makes every connection and variable in the database unreadable.
            "fernet": (self._args.existing.fernet, FERNET_KEY, lambda: self._bytes("fernet", 32).apply(urlsafe)),
            "jwt": (self._args.existing.jwt, JWT_SECRET, lambda: self._bytes("jwt", 64)),
            "api": (self._args.existing.api, API_SECRET_KEY, lambda: self._bytes("api", 64)),
        }
        return {
            key: self._store(key, {"key": brought(config_key, generate)})
            if existing is None
            else existing_secret(existing)
            for key, (existing, config_key, generate) in sources.items()
        }

    def _store(self, key: str, content: Mapping[str, pulumi.Output[str]]) -> StoredSecret:
        secret = Secret(
            f"{self._name}-{key}",
            # No fixed name: a changed secret is a new object, and pods that still run the old one can restart.
            metadata=ObjectMetaArgs(
                namespace=self._args.namespace, labels=naming.labels(self._args.instance, "secrets")
            ),
            immutable=True,
            string_data=dict(content),
            opts=pulumi.ResourceOptions(parent=self, provider=self._args.kubernetes),
        )
        joined = pulumi.Output.json_dumps(dict(content), sort_keys=True)
        # A sha256 of high-entropy values does not reveal them; marked as secret, it would hide why a pod is restarted.
        return StoredSecret(
            name=secret.metadata.name,
            keys=frozenset(content),
            checksum=pulumi.Output.unsecret(joined.apply(lambda text: naming.sha256(text))),
        )

    def _password(self, key: str) -> pulumi.Output[str]:
        password = random.RandomPassword(f"{self._name}-{key}-password", length=32, special=False, opts=self._kept())
        return password.result

    def _bytes(self, key: str, length: int) -> pulumi.Output[str]:
        key_bytes = random.RandomBytes(f"{self._name}-{key}-key", length=length, opts=self._kept())
        return pulumi.Output.secret(key_bytes.base64)

    def _kept(self) -> pulumi.ResourceOptions:
        # In state as "<name>-…-key" and "<name>-…-password": renaming creates new ones and locks everyone out.
        return pulumi.ResourceOptions(parent=self, protect=self._args.protect)


def brought(config_key: str, generate: Callable[[], pulumi.Output[str]]) -> pulumi.Output[str]:
    """The stack's own value of a secret, or else a generated one."""
    text = optional_secret(config_key)
    return generate() if text is None else text.apply(lambda value: value.strip())


def existing_secret(existing: ExistingSecret) -> StoredSecret:
    """A Secret that exists outside the stack. Another content in it restarts no pod: only another name does."""
    return StoredSecret(
        name=pulumi.Output.from_input(existing.name),
        keys=frozenset({"key"}),
        checksum=pulumi.Output.from_input(naming.sha256(f"{existing.name}/{existing.key}")),
        key_names={"key": existing.key},
    )


def database_credentials(databases: Databases) -> dict[str, pulumi.Output[str]]:
    """The credentials with which the migration creates both databases and their users."""
    assert databases.administrator is not None
    owned = [database for database in (databases.metadata, databases.results) if database is not None]
    owners = pulumi.Output.all(
        *[
            pulumi.Output.all(database.name, database.user, database.password).apply(
                lambda part: {"database": part[0], "user": part[1], "password": part[2]}
            )
            for database in owned
        ]
    )
    return {
        "administrator": _url(
            "postgresql", databases.administrator, pulumi.Output.concat("sslmode=", databases.administrator.ssl_mode)
        ),
        "owners": pulumi.Output.secret(pulumi.Output.json_dumps(owners)),
    }
