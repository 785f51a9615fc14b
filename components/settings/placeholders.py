"""Example values of the shipped stack files, which belong to no account."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from typing import Any, Final, cast

from components.settings.errors import SettingError
from components.settings.secret_keys import PROJECT

SECTIONS: Final = ("cloud", "exposure")
"""Sections of stack files that contain accounts, addresses and hosts."""
DOCUMENTATION: Final = (IPv4Network("192.0.2.0/24"), IPv4Network("198.51.100.0/24"), IPv4Network("203.0.113.0/24"))
"""Address ranges reserved for documentation, https://www.rfc-editor.org/rfc/rfc5737."""
EXAMPLE_HOST: Final = re.compile(r"(?:.*\.)?example(?:\.(?:com|net|org))?|.*\.invalid")
"""Names that never resolve to a user's host, https://www.rfc-editor.org/rfc/rfc6761#section-6.4 and 6.5."""
EXAMPLE_PROJECT: Final = "my-project"
NIL_UUID: Final = "00000000-0000-0000-0000-000000000000"


def setting_errors(values: Mapping[str, object]) -> Iterator[SettingError]:
    """Every value in SECTIONS that is an example.

    Args:
        values: the value of each key of the stack, without the project's name.
    """
    for name in SECTIONS:
        for key, text in _texts(f"{PROJECT}:{name}", values.get(name)):
            if (found := _rule(text)) is not None:
                rule, remedy = found
                yield SettingError(key=key, value=text, rule=rule, remedy=remedy)


def _texts(key: str, value: Any) -> Iterator[tuple[str, str]]:
    """Each text in a value, with its key."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, inner in cast("dict[str, Any]", value).items():
            yield from _texts(f"{key}.{name}", inner)
    elif isinstance(value, list):
        for index, inner in enumerate(cast("list[Any]", value)):
            yield from _texts(f"{key}[{index}]", inner)


def _rule(text: str) -> tuple[str, str] | None:
    """The rule that a text breaks, and the remedy; None if it is not an example."""
    if text == EXAMPLE_PROJECT:
        return "is the example of the shipped stack file", "set your project's id: gcloud config get-value project"
    if text == NIL_UUID:
        remedy = "set your subscription's id: az account show --query id --output tsv"
        return "is the example of the shipped stack file", remedy
    if EXAMPLE_HOST.fullmatch(text):
        return "is a name reserved for examples, which DNS does not resolve", "set a host of your own domain"
    if _is_documentation(text):
        remedy = "set the range of your operators; your own address: curl -4 https://ifconfig.me"
        return "is in a range reserved for documentation, and would lock you out", remedy
    return None


def _is_documentation(text: str) -> bool:
    try:
        network = IPv4Network(text, strict=False)
    except ValueError:
        return False
    return any(network.subnet_of(reserved) for reserved in DOCUMENTATION)
