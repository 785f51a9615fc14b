"""Checks of the values of secret variables. Messages never contain them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from components.settings.errors import SettingError
from components.settings.pod_checks import KEY, command
from components.settings.secret_keys import PROJECT, SECRET_ENVIRONMENT
from components.settings.secret_maps import form_errors, json_map
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
    found = json_map(text) if text is not None else {}
    yield from form_errors(
        found,
        key=SECRETS_KEY,
        form="names and values",
        command=command("NAME"),
        encrypted=encrypted or text is None,
    )
    if found is None:
        return
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
