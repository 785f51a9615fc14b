"""Connections of Airflow, which hooks and operators use by id. They are secret config and no part of the settings."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from components.settings.types import Model

CONNECTION_ID: Final = r"^[\w#!()\-.:/\\]{1,250}\Z"
"""Airflow ignores other ids: RE_SANITIZE_CONN_ID in airflow/models/connection.py, 3.3.2."""


def _number(value: object) -> object:
    """A number also where it is text: Pulumi keeps encrypted values as text."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


class Connection(Model):
    """One connection by its fields."""

    conn_type: Annotated[str, Field(pattern=r"^[A-Za-z][\w-]*\Z", max_length=500, title="type of a connection")]
    """Type of the connection, which decides the hook: `postgres`, `http`, `ssh`."""
    host: Annotated[str, Field(max_length=500)] | None = None
    """Host, or URL with some types."""
    port: Annotated[int, Field(ge=1, le=65_535), BeforeValidator(_number)] | None = None
    """Port."""
    schema_name: Annotated[str, Field(max_length=500)] | None = Field(default=None, alias="schema")
    """Database, or scheme of a URL with some types."""
    login: str | None = None
    """User."""
    password: str | None = None
    """Password."""
    extra: dict[str, Any] = Field(default_factory=dict)
    """Further fields of this type."""
    description: str | None = None
    """Text in the UI, after a note that the stack wrote the connection."""
