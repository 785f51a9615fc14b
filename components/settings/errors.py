"""Errors in a stack's settings, one line each."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, cast

import pulumi

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

NUMBER: Final = ("is not a whole number", "write one, without quotes or unit")
SWITCH: Final = ("is neither true nor false", "write one of them, unquoted")
MAP: Final = ("is not a map of keys", "write its keys below it, indented")
WRONG_TYPE: Final = {
    "string_type": ("is not text", "put it in quotes in the stack file"),
    "list_type": ("is not a list", "write one entry a line, each with a dash"),
    "int_type": NUMBER,
    "int_parsing": NUMBER,
    "int_from_float": NUMBER,
    "bool_type": SWITCH,
    "bool_parsing": SWITCH,
    "model_type": MAP,
    "model_attributes_type": MAP,
    "dict_type": MAP,
}
"""Rule and remedy by the name that pydantic has for a value of the wrong type."""


@dataclass(frozen=True, kw_only=True)
class SettingError:
    """One setting that cannot be used."""

    key: str
    """The full key as written in the stack file: airflow:executor.workers.replicas."""
    value: object
    """What stands there; None when nothing does, or when it is not what is wrong."""
    rule: str
    remedy: str
    secret: bool = False
    """The value stays out of the message."""

    def __str__(self) -> str:
        if self.value is None:
            return f"{self.key} {self.rule}; {self.remedy}."
        # A password in a URL is one wherever it stands.
        shown = "(secret)" if self.secret else re.sub(r"(://[^:/@\s]*:)[^@\s]+@", r"\1…@", repr(self.value))
        return f"{self.key}: {shown} {self.rule}; {self.remedy}."


class SettingsError(pulumi.RunError):
    """All errors of a stack's settings in one report; raised before any resource is registered."""

    def __init__(self, errors: Sequence[SettingError]) -> None:
        self.setting_errors: Final = tuple(errors)
        count = "1 setting" if len(errors) == 1 else f"{len(errors)} settings"
        lines = "\n".join(f"  {error}" for error in errors)
        super().__init__(f"{count} of this stack cannot be used; nothing was created or changed.\n{lines}")


def nearest(key: str, known: Collection[str]) -> str:
    """A remedy for a key that is not among the known ones: the one that was probably meant, or all of them."""
    near = get_close_matches(key, known, n=1)
    return f"did you mean {near[0]!r}" if near else f"remove it; known here: {', '.join(known)}"


def validation_errors(
    prefix: str, error: ValidationError, known: dict[str, Sequence[str]], *, secret: bool
) -> Iterator[SettingError]:
    """The errors in a validation error.

    Args:
        prefix: the full key that the validated value stands under.
        error: what pydantic found.
        known: for each model's path below the prefix, the keys that it takes; feeds the remedy of unknown keys.
        secret: whether the stack keeps this value encrypted.
    """
    for detail in error.errors():
        yield replace(_setting_error(prefix, detail, known), secret=secret)


def _setting_error(prefix: str, detail: ErrorDetails, known: dict[str, Sequence[str]]) -> SettingError:
    # A union's tag is part of pydantic's location but not of the key that the user wrote.
    parts = [str(part) for part in detail["loc"]]
    key = ".".join([prefix, *(part for index, part in enumerate(parts) if not _is_tag(parts, index, known))])
    context: dict[str, Any] = detail.get("ctx", {})
    match detail["type"]:
        case "extra_forbidden":
            hint = nearest(parts[-1], known.get(".".join(parts[:-1]), ()))
            return _error(key, detail, "belongs to a key that is not known here", hint)
        case "missing":
            return SettingError(key=key, value=None, rule="is missing", remedy="set it in the stack file")
        case "union_tag_not_found":
            return SettingError(
                key=f"{key}.kind",
                value=None,
                rule="is missing and decides what else may stand here",
                remedy=f"set one of {_tags(known, '.'.join(parts))}",
            )
        case "union_tag_invalid":
            return SettingError(
                key=f"{key}.kind",
                value=context.get("tag"),
                rule="is not a known kind",
                remedy=f"choose one of {context.get('expected_tags')}",
            )
        case "greater_than_equal":
            return _error(key, detail, f"is below {context['ge']}, the least it may be", f"use {context['ge']}")
        case "less_than_equal":
            return _error(key, detail, f"is above {context['le']}, the most it may be", f"use {context['le']}")
        case "string_too_long":
            count = len(str(detail["input"]))
            rule = f"has {count} characters, {context['max_length']} are the most it may have"
            return _error(key, detail, rule, "shorten it")
        case "too_short" | "too_long" as side:
            bound, limit = ("least", context["min_length"]) if side == "too_short" else ("most", context["max_length"])
            rule = f"has {context['actual_length']} entries, {limit} is the {bound} it may have"
            return _error(key, detail, rule, f"list {limit}")
        case "literal_error":
            return _error(key, detail, "is not known here", f"choose {context['expected']}")
        case "value_error":
            rule, _, remedy = str(context["error"]).partition("; ")
            return _error(key, detail, rule, remedy or "correct it")
        case "string_pattern_mismatch":
            return _error(key, detail, f"does not match {context['pattern']}", "use one of that form")
        case kind if kind in WRONG_TYPE:
            return _error(key, detail, *WRONG_TYPE[kind])
        case _:
            return _error(key, detail, f"is not valid: {detail['msg']}", "correct it")


def _error(key: str, detail: ErrorDetails, rule: str, remedy: str) -> SettingError:
    """An error about the value that stands under the key."""
    return SettingError(key=key, value=cast(object, detail["input"]), rule=rule, remedy=remedy)


def _is_tag(parts: Sequence[str], index: int, known: dict[str, Sequence[str]]) -> bool:
    """Whether a part of the location is a union's tag: its path is a variant's path in `known`."""
    path = ".".join(parts[: index + 1])
    return path in known and parts[index] not in known.get(".".join(parts[:index]), ())


def _tags(known: dict[str, Sequence[str]], path: str) -> str:
    depth = len(path.split(".")) if path else 0
    return ", ".join(
        repr(candidate.split(".")[-1])
        for candidate in known
        if candidate and candidate.startswith(path) and len(candidate.split(".")) == depth + 1
    )
