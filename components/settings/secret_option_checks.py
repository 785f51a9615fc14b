"""Checks of options of airflow.cfg that the stack keeps encrypted. Messages never contain their values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, cast

from components.settings.errors import SettingError
from components.settings.option_checks import OPTION_NAME, owner, secret_command
from components.settings.secret_keys import PROJECT, SECRET_OPTIONS
from components.settings.secret_maps import form_errors, json_map
from components.settings.sections.options import AirflowOptions, Reserved

KEY: Final = f"{PROJECT}:{SECRET_OPTIONS}"
REFERENCES: Final = ("_cmd", "_secret")
"""Ends of the names of options that refer to a value and do not contain it."""


def setting_errors(
    text: str | None, options: AirflowOptions | None, reserved: Reserved, *, encrypted: bool
) -> Iterator[SettingError]:
    """Errors of the values, and of names that the stack may not set.

    Args:
        text: the text of the key, JSON of values by section and option; None if the stack does not set it.
        options: the options in clear text; None for invalid ones.
        reserved: options that the stack may not set.
        encrypted: whether the stack keeps the key encrypted.
    """
    if text is None:
        return
    values = json_map(text, nested=True)
    yield from form_errors(
        values,
        key=KEY,
        form="sections, each with a map of options and values",
        command=secret_command("SECTION", "OPTION"),
        encrypted=encrypted,
    )
    if values is None:
        return
    plain = {(section.lower(), name.lower()) for section, chosen in (options or {}).items() for name in chosen}
    seen: set[tuple[str, str]] = set()
    for section, chosen in cast("dict[str, dict[str, object]]", values).items():
        for name, value in chosen.items():
            option = (section.lower(), name.lower())
            rule, remedy = _rule(option, name, value, reserved)
            if rule is None and option in plain:
                rule, remedy = f"is also in {PROJECT}:options", "remove one of the two"
            if rule is None and option in seen:
                rule, remedy = "is set twice, in other letters", "remove one of the two"
            seen.add(option)
            if rule is not None:
                yield SettingError(key=f"{KEY}.{section}.{name}", value=None, rule=rule, remedy=remedy)


def _rule(option: tuple[str, str], name: str, value: object, reserved: Reserved) -> tuple[str | None, str]:
    """The rule that one option breaks, if any, and the remedy."""
    if not OPTION_NAME.fullmatch(option[0]) or not OPTION_NAME.fullmatch(name):
        return "is not a name of a section and an option", "write both as in airflow.cfg"
    if (owned := owner(option, reserved)) is not None:
        return owned
    if name.lower().endswith(REFERENCES):
        return "refers to a value and contains none", f"set it under {PROJECT}:options"
    if not isinstance(value, str) or not value:
        return "is empty or not text", secret_command(option[0], name)
    return None, ""
