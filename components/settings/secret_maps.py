"""Secrets of a stack that are maps: their form, and whether the stack keeps them encrypted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

from components.settings.errors import SettingError


def json_map(text: str, *, nested: bool = False) -> dict[str, Any] | None:
    """The map in JSON; None if the text is none, or with `nested` if not all of its values are maps."""
    try:
        found: Any = json.loads(text)
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    values = cast("dict[str, Any]", found)
    return None if nested and not all(isinstance(inner, dict) for inner in values.values()) else values


def form_errors(
    found: dict[str, Any] | None, *, key: str, form: str, command: str, encrypted: bool
) -> Iterator[SettingError]:
    """The error of a secret that is no such map, or is in clear text.

    Args:
        found: the map; None if the secret is none.
        key: the full key of the secret.
        form: the map, as the message describes it.
        command: the command that sets one value of it.
        encrypted: whether the stack keeps it encrypted.
    """
    if found is None:
        yield SettingError(key=key, value=None, rule=f"is not a map of {form}", remedy=command)
    elif not encrypted:
        rule = "is in clear text in the stack file"
        yield SettingError(key=key, value=None, rule=rule, remedy=f"encrypt it: {command}")
