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
    kind, value = detail["type"], cast(object, detail["input"])
    context: dict[str, Any] = detail.get("ctx", {})
    # A union's tag is part of pydantic's location but not of the key that the user wrote.
    parts = [str(part) for part in detail["loc"]]
    path = ".".join(parts)
    key = ".".join([prefix, *(part for index, part in enumerate(parts) if not _is_tag(parts, index, known))])
    match kind:
        case "extra_forbidden":
            hint = nearest(parts[-1], known.get(".".join(parts[:-1]), ()))
            return SettingError(key=key, value=value, rule="belongs to a key that is not known here", remedy=hint)
        case "missing":
            return SettingError(key=key, value=None, rule="is missing", remedy="set it in the stack file")
        case "union_tag_not_found":
            return SettingError(
                key=f"{key}.kind",
                value=None,
                rule="is missing and decides what else may stand here",
                remedy=f"set one of {_tags(known, path)}",
            )
        case "union_tag_invalid":
            return SettingError(
                key=f"{key}.kind",
                value=context.get("tag"),
                rule="is not a known kind",
                remedy=f"choose one of {context.get('expected_tags')}",
            )
        case "greater_than_equal" | "less_than_equal":
            least = kind == "greater_than_equal"
            limit = context["ge" if least else "le"]
            side = "below" if least else "above"
            bound = "least" if least else "most"
            return SettingError(
                key=key, value=value, rule=f"is {side} {limit}, the {bound} it may be", remedy=f"use {limit}"
            )
        case "string_type":
            return SettingError(key=key, value=value, rule="is not text", remedy="put it in quotes in the stack file")
        case "string_too_long":
            rule = f"has {len(str(value))} characters, {context['max_length']} are the most it may have"
            return SettingError(key=key, value=value, rule=rule, remedy="shorten it")
        case "too_short" | "too_long":
            limit = context["min_length" if kind == "too_short" else "max_length"]
            bound = "least" if kind == "too_short" else "most"
            rule = f"has {context['actual_length']} entries, {limit} is the {bound} it may have"
            return SettingError(key=key, value=value, rule=rule, remedy=f"list {limit}")
        case "list_type":
            return SettingError(
                key=key, value=value, rule="is not a list", remedy="write one entry a line, each with a dash"
            )
        case "int_type" | "int_parsing" | "int_from_float":
            return SettingError(
                key=key, value=value, rule="is not a whole number", remedy="write one, without quotes or unit"
            )
        case "bool_type" | "bool_parsing":
            return SettingError(
                key=key, value=value, rule="is neither true nor false", remedy="write one of them, unquoted"
            )
        case "literal_error":
            return SettingError(key=key, value=value, rule="is not known here", remedy=f"choose {context['expected']}")
        case "model_type" | "model_attributes_type" | "dict_type":
            return SettingError(
                key=key, value=value, rule="is not a map of keys", remedy="write its keys below it, indented"
            )
        case "value_error":
            rule, _, remedy = str(context["error"]).partition("; ")
            return SettingError(key=key, value=value, rule=rule, remedy=remedy or "correct it")
        case "string_pattern_mismatch":
            return SettingError(
                key=key,
                value=value,
                rule=f"does not match {context['pattern']}",
                remedy="use one of that form",
            )
        case _:
            return SettingError(key=key, value=value, rule=f"is not valid: {detail['msg']}", remedy="correct it")


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
