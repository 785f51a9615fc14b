"""Checks of connections, variables and pools. Messages never contain a secret's text."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, cast
from urllib.parse import urlsplit

from pydantic import ValidationError

from components.settings.errors import SettingError
from components.settings.secret_keys import CONNECTIONS, PROJECT, SECRET_VARIABLES
from components.settings.sections.connections import CONNECTION_ID, Connection
from components.settings.sections.pools import DEFAULT_POOL, AirflowPool
from components.settings.sections.projects import Project
from components.settings.validation import secret_errors

CONNECTIONS_KEY: Final = f"{PROJECT}:{CONNECTIONS}"
VARIABLES_KEY: Final = f"{PROJECT}:{SECRET_VARIABLES}"
PLAIN_KEY: Final = f"{PROJECT}:variables"
POOLS_KEY: Final = f"{PROJECT}:pools"
PLAIN_MAXIMUM: Final = 98_304
"""Bytes of all plain variables together: they are one variable of the Job's environment, and Linux limits those to
131072, https://man7.org/linux/man-pages/man2/execve.2.html (MAX_ARG_STRLEN)."""
SECRET_MAXIMUM: Final = 1_000_000
"""Bytes of a secret key: a Secret has up to 1 MiB, https://kubernetes.io/docs/concepts/configuration/secret/."""


class _TwiceError(ValueError):
    """A name that a JSON object has twice."""


def setting_errors(
    texts: Mapping[str, str],
    pools: Sequence[AirflowPool],
    variables: Mapping[str, str],
    projects: Sequence[Project],
    *,
    secret: Collection[str],
) -> Iterator[SettingError]:
    """Errors of all entries.

    Args:
        texts: the text of each secret of the stack, by its key.
        pools, variables, projects: the sections; empty for invalid ones.
        secret: the keys that the stack keeps encrypted.
    """
    yield from _pool_errors(pools, projects)
    if (size := sum(len(f"{key}{text}".encode()) for key, text in variables.items())) > PLAIN_MAXIMUM:
        rule = f"has {size} bytes, and the maximum is {PLAIN_MAXIMUM}"
        yield SettingError(key=PLAIN_KEY, value=None, rule=rule, remedy=f"move the largest to {VARIABLES_KEY}")
    if (text := texts.get(CONNECTIONS)) is not None:
        yield from _connection_errors(text, encrypted=CONNECTIONS in secret)
    if (text := texts.get(SECRET_VARIABLES)) is not None:
        yield from _variable_errors(text, variables, encrypted=SECRET_VARIABLES in secret)


def _pool_errors(pools: Sequence[AirflowPool], projects: Sequence[Project]) -> Iterator[SettingError]:
    owners = {project.name: f"is the pool of project {project.name!r}" for project in projects if project.pool}
    for index, pool in enumerate(pools):
        key = f"{POOLS_KEY}[{index}]"
        if (rule := owners.get(pool.name)) is not None:
            yield SettingError(key=f"{key}.name", value=pool.name, rule=rule, remedy="choose another name")
        owners.setdefault(pool.name, "is the name of another pool")
        if pool.name == DEFAULT_POOL and pool.description:
            rule = f"belongs to {DEFAULT_POOL}, whose description Airflow keeps"
            yield SettingError(key=f"{key}.description", value=pool.description, rule=rule, remedy="remove it")


def _connection_errors(text: str, *, encrypted: bool) -> Iterator[SettingError]:
    values, errors = _map(CONNECTIONS_KEY, text, "ID")
    yield from errors
    for name, value in values.items():
        key = f"{CONNECTIONS_KEY}.{name}"
        if not re.match(CONNECTION_ID, name):
            rule = "has an id that Airflow ignores"
            remedy = "use up to 250 letters, digits and the characters #!()-.:/\\_"
            yield SettingError(key=key, value=None, rule=rule, remedy=remedy)
        found = list(_rules(key, value))
        yield from found
        if not found and not encrypted and _confidential(value):
            rule = "has a password, extra fields or a URI, and is in clear text in the stack file"
            remedy = f"encrypt it and renew the password: pulumi config set --secret --path '{key}…'"
            yield SettingError(key=key, value=None, rule=rule, remedy=remedy)


def _map(key: str, text: str, name: str) -> tuple[Mapping[str, Any], list[SettingError]]:
    """The values of a secret by their names, and the errors of the map as a whole."""
    remedy = f"set one value at a time: pulumi config set --secret --path '{key}.{name}'"
    if (size := len(text.encode())) > SECRET_MAXIMUM:
        rule = f"has {size} bytes, and the maximum is {SECRET_MAXIMUM}"
        return {}, [SettingError(key=key, value=None, rule=rule, remedy="remove or shorten some")]
    try:
        values: Any = json.loads(text, object_pairs_hook=_unique)
    except _TwiceError as error:
        return {}, [SettingError(key=f"{key}.{error}", value=None, rule="is set twice", remedy="remove one of the two")]
    except ValueError:
        values = None
    if isinstance(values, dict):
        return cast("dict[str, Any]", values), []
    rule = "is not a map" if key == VARIABLES_KEY else "is not a map of connections by their ids"
    return {}, [SettingError(key=key, value=text, rule=rule, remedy=remedy, secret=True)]


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of JSON.

    Raises:
        _TwiceError: a name occurs twice.
    """
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _TwiceError(name)
        found[name] = value
    return found


def _rules(key: str, value: Any) -> Iterator[SettingError]:
    """Errors of one connection."""
    if isinstance(value, str):
        if (rule := _uri_rule(value)) is not None:
            remedy = "write TYPE://LOGIN:PASSWORD@HOST:PORT/SCHEMA?NAME=VALUE with percent-encoded parts, or its fields"
            yield SettingError(key=key, value=value, rule=rule, remedy=remedy, secret=True)
        return
    try:
        Connection.model_validate(value)
    except ValidationError as error:
        yield from secret_errors(error, Connection, key)


def _uri_rule(uri: str) -> str | None:
    """The rule that a URI of a connection breaks: those of `_parse_from_uri` in airflow/models/connection.py, 3.3.2."""
    scheme, separator, rest = uri.partition("://")
    if not separator or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme):
        return "is not a URI of the form TYPE://…"
    if uri.count("://") > 2:
        return "has more than one protocol before its host"
    protocol, separator, _ = rest.partition("://")
    if separator and re.search("[@:]", protocol):
        return "has login or port before its protocol"
    try:
        _ = urlsplit(rest if separator else f"//{rest}").port
    except ValueError:
        return "has a port that is not a number up to 65535, or a password with characters that are not percent-encoded"
    return None


def _confidential(value: Any) -> bool:
    """Whether a valid connection has what must be encrypted."""
    return isinstance(value, str) or bool(value.get("password") or value.get("extra"))


def _variable_errors(text: str, plain: Mapping[str, str], *, encrypted: bool) -> Iterator[SettingError]:
    values, errors = _map(VARIABLES_KEY, text, "KEY")
    yield from errors
    if not encrypted:
        rule = "is in clear text in the stack file"
        remedy = f"encrypt it: pulumi config set --secret --path '{VARIABLES_KEY}.KEY'"
        yield SettingError(key=VARIABLES_KEY, value=None, rule=rule, remedy=remedy)
    for name, value in values.items():
        key = f"{VARIABLES_KEY}.{name}"
        if not isinstance(value, str):
            rule, remedy = "is not text", f"pulumi config set --secret --path '{key}'"
            yield SettingError(key=key, value=None, rule=rule, remedy=remedy)
        elif not name.strip() or name != name.strip() or len(name) > 250:
            rule, remedy = "has an empty name, spaces around it, or more than 250 characters", "choose another name"
            yield SettingError(key=key, value=None, rule=rule, remedy=remedy)
        if name in plain:
            rule, remedy = f"is also in {PLAIN_KEY}", "remove one of the two"
            yield SettingError(key=key, value=None, rule=rule, remedy=remedy)
