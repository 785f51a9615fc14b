"""Connection URLs pass any user, password and database name to the drivers unchanged."""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

import pulumi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.airflow.secrets import generated as secrets
from components.contract.cloud import Database
from tests.unit.recording.stacks import METADATA_PASSWORD, RESULT_PASSWORD, recorded

SQLALCHEMY: Final = re.compile(
    r"""
    (?P<driver>[\w+]+)://
    (?:(?P<user>[^:/]*)(?::(?P<password>[^@]*))?@)?
    (?:\[(?P<host6>[^/?]+)]|(?P<host>[^/:?]+))?
    (?::(?P<port>[^/?]*))?
    (?:/(?P<database>[^?]*))?
    (?:\?(?P<query>.*))?
    """,
    re.X,
)
"""How SQLAlchemy takes a URL apart: the rule is stricter than urllib's, and slashes in a password end it."""
TEXT: Final = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=40)
AWKWARD: Final = "@:/%?# \n+&=[]\\\"'$^*()é☃"


def url(make: Any, **parts: Any) -> str:
    async def made() -> str:
        chosen = {"host": "db.example.org", "port": 5432, "name": "n", "user": "u", "ssl_mode": "require", **parts}
        password = pulumi.Output.from_input(chosen.pop("password"))
        found = await make(Database(password=password, **chosen)).future()
        assert isinstance(found, str)
        return found

    return asyncio.run(made())


@settings(max_examples=60, deadline=None)
@given(user=TEXT, password=TEXT, name=TEXT)
def test_user_password_and_database_come_out_as_they_went_in(user: str, password: str, name: str) -> None:
    for make in (secrets.connection_url, secrets.async_connection_url, secrets.result_url):
        text = url(make, user=user, password=password, name=name)
        by_urllib = urlsplit(text)
        assert unquote(by_urllib.username or "") == user
        assert unquote(by_urllib.password or "") == password
        assert unquote(by_urllib.path.removeprefix("/")) == name
        assert (by_urllib.hostname, by_urllib.port) == ("db.example.org", 5432)
        by_sqlalchemy = SQLALCHEMY.fullmatch(text)
        assert by_sqlalchemy is not None
        assert unquote(by_sqlalchemy["user"]) == user
        assert unquote(by_sqlalchemy["password"]) == password
        assert unquote(by_sqlalchemy["database"]) == name
        assert (by_sqlalchemy["host"], by_sqlalchemy["port"]) == ("db.example.org", "5432")


def test_what_is_special_in_urls_is_encoded() -> None:
    """T6. A percent sign in the result would also be taken for interpolation by nobody: variables are not a file."""
    text = url(secrets.connection_url, user=AWKWARD, password=AWKWARD)
    assert re.fullmatch(r"[A-Za-z0-9%._~-]+:[A-Za-z0-9%._~-]+", text.partition("://")[2].partition("@")[0])


@pytest.mark.parametrize("mode", ["disable", "prefer", "require", "verify-full"])
def test_each_driver_is_told_about_tls_in_its_own_words(mode: str) -> None:
    """T7: asyncpg refuses `sslmode` and the keep-alive options of libpq."""
    sync = urlsplit(url(secrets.connection_url, password="p", ssl_mode=mode))
    assert sync.scheme == "postgresql+psycopg2"
    assert parse_qs(sync.query)["sslmode"] == [mode]
    asynchronous = urlsplit(url(secrets.async_connection_url, password="p", ssl_mode=mode))
    assert asynchronous.scheme == "postgresql+asyncpg"
    assert parse_qs(asynchronous.query) == {"ssl": [mode]}


def test_idle_connections_are_kept_alive_before_a_managed_server_drops_them() -> None:
    for make in (secrets.connection_url, secrets.result_url):
        query = parse_qs(urlsplit(url(make, password="p")).query)
        assert query["keepalives"] == ["1"]
        total = int(query["keepalives_idle"][0])
        total += int(query["keepalives_interval"][0]) * int(query["keepalives_count"][0])
        assert total < 300


def test_a_given_url_reaches_the_pods_with_everything_it_says() -> None:
    stored = {
        s.name.rpartition("-")[2]: s.plain["stringData"]
        for s in recorded("celery, external database").of_type("Secret")
    }
    metadata = urlsplit(stored["metadata"]["connection"])
    assert unquote(metadata.username or "") == "air@flow"
    assert unquote(metadata.password or "") == METADATA_PASSWORD
    assert (metadata.hostname, metadata.port, unquote(metadata.path)) == ("db.example.org", 6432, "/meta/data")
    results = urlsplit(stored["results"]["connection"])
    assert (results.username, unquote(results.password or "")) == ("celery", RESULT_PASSWORD)
    assert (results.hostname, results.port, results.path) == ("db.example.org", 5432, "/celery")


def test_what_a_given_url_says_of_tls_reaches_both_drivers() -> None:
    """If it were dropped silently, `sslmode=require` would become an unencrypted connection."""
    secrets_ = recorded("celery, external database").of_type("Secret")
    stored = {s.name.rpartition("-")[2]: s.plain["stringData"] for s in secrets_}
    assert parse_qs(urlsplit(stored["results"]["connection"]).query)["sslmode"] == ["require"]
    assert parse_qs(urlsplit(stored["metadata"]["connection"]).query)["sslmode"] == ["prefer"]
    assert parse_qs(urlsplit(stored["metadata"]["async-connection"]).query) == {"ssl": ["prefer"]}


def test_an_address_of_ipv6_stands_in_brackets() -> None:
    made = urlsplit(url(secrets.connection_url, password="p", host="fd00::5"))
    assert (made.hostname, made.port) == ("fd00::5", 5432)
