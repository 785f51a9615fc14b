"""What is wrong with a stack's settings, in one line for each fault."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, cast

import pulumi

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One setting that cannot be used."""

    key: str
    """The full key as written in the stack file: airflow:executor.workers.replicas."""
    value: object
    rule: str
    remedy: str
    secret: bool = False
    """The value stays out of the message."""

    def __str__(self) -> str:
        shown = "(secret)" if self.secret else repr(self.value)
        return f"{self.key}: {shown} {self.rule}; {self.remedy}."


class SettingsError(pulumi.RunError):
    """All faults of a stack's settings in one report; raised before any resource is registered."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults: Final = tuple(faults)
        count = "1 setting" if len(faults) == 1 else f"{len(faults)} settings"
        lines = "\n".join(f"  {fault}" for fault in faults)
        super().__init__(f"{count} of this stack cannot be used; nothing was created or changed.\n{lines}")


def shape_faults(prefix: str, error: ValidationError, known: dict[str, Sequence[str]]) -> Iterator[Fault]:
    """The faults in a validation error.

    Args:
        prefix: the full key that the validated value stands under.
        error: what pydantic found.
        known: for each model's path below the prefix, the keys that it takes; feeds the remedy of unknown keys.
    """
    for detail in error.errors():
        yield _fault(prefix, detail, known)


def _fault(prefix: str, detail: ErrorDetails, known: dict[str, Sequence[str]]) -> Fault:
    kind, value = detail["type"], cast(object, detail["input"])
    context: dict[str, Any] = detail.get("ctx", {})
    # A union's tag is part of pydantic's location but not of the key that the user wrote.
    parts = [str(part) for part in detail["loc"]]
    path = ".".join(parts)
    key = ".".join([prefix, *(part for index, part in enumerate(parts) if not _is_tag(parts, index, known))])
    match kind:
        case "extra_forbidden":
            keys = known.get(".".join(parts[:-1]), ())
            near = get_close_matches(parts[-1], keys, n=1)
            hint = f"did you mean {near[0]!r}" if near else f"remove it; known here: {', '.join(keys)}"
            return Fault(key=key, value=value, rule="belongs to a key that is not known here", remedy=hint)
        case "missing":
            return Fault(key=key, value=None, rule="is missing", remedy="set it in the stack file")
        case "union_tag_not_found":
            return Fault(
                key=f"{key}.kind",
                value=None,
                rule="is missing and decides what else may stand here",
                remedy=f"set one of {_tags(known, path)}",
            )
        case "union_tag_invalid":
            return Fault(
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
            return Fault(key=key, value=value, rule=f"is {side} {limit}, the {bound} it may be", remedy=f"use {limit}")
        case "string_type":
            return Fault(key=key, value=value, rule="is not text", remedy="put it in quotes in the stack file")
        case "value_error":
            rule, _, remedy = str(context["error"]).partition("; ")
            return Fault(key=key, value=value, rule=rule, remedy=remedy or "correct it")
        case "string_pattern_mismatch":
            return Fault(
                key=key,
                value=value,
                rule=f"does not match {context['pattern']}",
                remedy="use a name of that form",
            )
        case _:
            return Fault(key=key, value=value, rule=f"is not valid: {detail['msg']}", remedy="correct it")


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
