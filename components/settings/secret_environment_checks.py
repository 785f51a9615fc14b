"""Checks of the values of secret variables. Messages never contain them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from components.settings.errors import SettingError
from components.settings.pod_checks import KEY, command
from components.settings.secret_keys import PROJECT, SECRET_ENVIRONMENT
from components.settings.sections.pods import PodAdditions, Target

SECRETS_KEY: Final = f"{PROJECT}:{SECRET_ENVIRONMENT}"


def setting_errors(
    text: str | None, pods: Mapping[Target, PodAdditions] | None, *, encrypted: bool
) -> Iterator[SettingError]:
    """Errors of the values, and of names without a value.

    Args:
        text: the text of the key, JSON of values by name; None if the stack does not set it.
        pods: the additions to pods, which list the names; None for invalid ones.
        encrypted: whether the stack keeps the key encrypted.
    """
    try:
        values: Any = json.loads(text) if text is not None else {}
    except ValueError:
        values = None
    if not isinstance(values, dict):
        rule = "is not a map of names and values"
        yield SettingError(key=SECRETS_KEY, value=None, rule=rule, remedy=command("NAME"))
        return
    if text is not None and not encrypted:
        rule = "is in clear text in the stack file"
        yield SettingError(key=SECRETS_KEY, value=None, rule=rule, remedy=f"encrypt it: {command('NAME')}")
    found = cast("dict[str, object]", values)
    for name, value in found.items():
        if not isinstance(value, str) or not value:
            yield SettingError(
                key=f"{SECRETS_KEY}.{name}", value=None, rule="is empty or not text", remedy=command(name)
            )
    if pods is None:
        return
    names = dict.fromkeys(name for own in pods.values() for name in own.secret_environment)
    for name in names:
        if name not in found:
            rule = f"is missing, and {KEY} lists it"
            yield SettingError(key=f"{SECRETS_KEY}.{name}", value=None, rule=rule, remedy=command(name))
    for name in found.keys() - names.keys():
        key = f"{SECRETS_KEY}.{name}"
        rule = f"is a value that no workload reads in {KEY}"
        remedy = f"list {name} under `secret_environment` of a workload, or remove it: pulumi config rm --path '{key}'"
        yield SettingError(key=key, value=None, rule=rule, remedy=remedy)
