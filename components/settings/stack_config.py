"""Conversion of a stack's config, whose values are text, to the values that the parser takes."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pydantic import TypeAdapter, ValidationError

from components.settings.secret_keys import PROJECT
from components.settings.stack import Settings


def values(config: Mapping[str, str]) -> dict[str, object]:
    """The value of each key of this project, without the project's name.

    Text that is not in the form of its key stays text: the parser reports it.
    """
    own = {key.removeprefix(f"{PROJECT}:"): text for key, text in config.items() if key.startswith(f"{PROJECT}:")}
    return {key: _value(key, text) for key, text in own.items()}


def _value(key: str, text: str) -> object:
    """The value of a text. Pulumi passes objects as JSON and everything else as the user wrote it."""
    # Secrets and unknown keys are text.
    annotation = Settings.model_fields[key].annotation if key in Settings.model_fields else str
    if annotation is str:
        return text
    try:
        return TypeAdapter(bool).validate_python(text) if annotation is bool else json.loads(text)
    except (ValidationError, ValueError):
        return text
