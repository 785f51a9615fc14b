"""Validation errors of pydantic as setting errors: the key as the user wrote it, the rule, and a remedy."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Final, Union, cast, get_args, get_origin

from pydantic import BaseModel

from components.settings.errors import SettingError, nearest
from components.settings.secret_keys import PROJECT, SECRETS
from components.settings.stack import Settings

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

NOT_A_NUMBER: Final = ("is not a whole number", "write one, without quotes or unit")
NOT_A_SWITCH: Final = ("is neither true nor false", "write one of them, unquoted")
NOT_A_MAP: Final = ("is not a map of keys", "write its keys below it, indented")
RULES: Final[Mapping[str, tuple[str, str]]] = {
    "missing": ("is missing", "set it in the stack file"),
    "union_tag_not_found": ("is missing and decides which other keys are known here", "set one of {kinds}"),
    "union_tag_invalid": ("is not a known kind", "choose one of {expected_tags}"),
    "greater_than_equal": ("is below {ge}, the minimum", "use {ge}"),
    "less_than_equal": ("is above {le}, the maximum", "use {le}"),
    "string_too_long": ("has {length} characters, and the maximum is {max_length}", "shorten it"),
    "too_short": ("has {actual_length} entries, and the minimum is {min_length}", "list {min_length}"),
    "too_long": ("has {actual_length} entries, and the maximum is {max_length}", "list {max_length}"),
    "string_type": ("is not text", "put it in quotes in the stack file"),
    "string_pattern_mismatch": ("does not match {pattern}", "use one of that form"),
    "literal_error": ("is not known here", "choose {expected}"),
    "tuple_type": ("is not a list", "write one entry a line, each with a dash"),
    "list_type": ("is not a list", "write one entry a line, each with a dash"),
    "int_type": NOT_A_NUMBER,
    "int_parsing": NOT_A_NUMBER,
    "int_from_float": NOT_A_NUMBER,
    "bool_type": NOT_A_SWITCH,
    "bool_parsing": NOT_A_SWITCH,
    "model_type": NOT_A_MAP,
    "model_attributes_type": NOT_A_MAP,
    "dict_type": NOT_A_MAP,
}
"""Rule and remedy by pydantic's type of the error, with the fields of its context."""
KEY_OF_MAP: Final = "[key]"
"""Last step of pydantic's location of an error in the key of a map."""
WITHOUT_VALUE: Final = frozenset({"missing", "union_tag_not_found"})


@dataclass(frozen=True, kw_only=True)
class _Location:
    """Location of an error in a stack file."""

    key: str
    """The full key. A union's tag is part of pydantic's location, but not of the key that the user wrote."""
    known: Sequence[str]
    """The keys of the innermost model."""
    kinds: Sequence[str]
    """The tags of the union that the key leads to, if it leads to one."""


def validation_errors(error: ValidationError, *, secret: Collection[str]) -> Iterator[SettingError]:
    """The setting errors in a validation error of all settings.

    Args:
        error: the error of the model `Settings`.
        secret: the top-level keys that the stack keeps encrypted.
    """
    for detail in error.errors():
        found = _setting_error(detail, _location(detail["loc"]), top=len(detail["loc"]) == 1)
        yield replace(found, secret=str(detail["loc"][0]) in secret)


def secret_errors(error: ValidationError, model: type[BaseModel], key: str) -> Iterator[SettingError]:
    """The setting errors in a validation error of a secret, without its values.

    Args:
        error: the error of the model.
        model: the model.
        key: the full key of the value that was validated.
    """
    for detail in error.errors():
        prefix = f"{key}." if detail["loc"] else key
        found = _setting_error(detail, _location(detail["loc"], model, prefix), top=False)
        remedy = f"pulumi config set --secret --path '{found.key}'" if detail["type"] == "missing" else found.remedy
        yield replace(found, remedy=remedy, secret=True)


def _setting_error(detail: ErrorDetails, location: _Location, *, top: bool) -> SettingError:
    """The setting error of one pydantic error; `top` is a top-level key."""
    kind, value = detail["type"], cast(object, detail["input"])
    key, context = location.key, detail.get("ctx", {})
    match kind:
        case "extra_forbidden":
            name = str(detail["loc"][-1])
            if top:
                rule, remedy = "is not a setting", f"{nearest(name, location.known)}: pulumi config rm {key}"
            else:
                rule, remedy = "belongs to a key that is not known here", nearest(name, location.known)
        case "missing" if top:
            rule, remedy = "is missing", f"set it: pulumi config set --path {key}.kind …"
        case "value_error":
            rule, _, remedy = str(context["error"]).partition("; ")
        case _:
            rule, remedy = RULES.get(kind, (f"is not valid: {detail['msg']}".replace("{", "{{").replace("}", "}}"), ""))
            fields = {**context, "kinds": ", ".join(map(repr, location.kinds)), "length": len(str(value))}
            rule, remedy = rule.format(**fields), remedy.format(**fields)
    if kind.startswith("union_tag"):
        key, value = f"{key}.kind", context.get("tag")
    shown = None if kind in WITHOUT_VALUE else value
    return SettingError(key=key, value=shown, rule=rule, remedy=remedy or "correct it")


def _location(path: Sequence[str | int], root: type[BaseModel] = Settings, prefix: str = f"{PROJECT}:") -> _Location:
    keys: list[str] = []
    known: Sequence[str] = ()
    current: Any = root
    for step in path:
        members = _members(current)
        models = [member for member in members if isinstance(member, type) and issubclass(member, BaseModel)]
        variants = {_tag(model): model for model in models} if len(models) > 1 else {}
        if step in variants:
            current = variants[str(step)]
            continue
        if step == KEY_OF_MAP:
            continue
        if isinstance(step, int):
            # An entry of a list, in the form of `pulumi config set --path`.
            keys[-1] += f"[{step}]"
            current = next((get_args(member)[0] for member in members if get_args(member)), None)
            continue
        keys.append(step)
        if models:
            fields = models[0].model_fields
            # Secrets of the stack are keys beside the settings.
            names = [field.alias or name for name, field in fields.items()]
            known = (*names, *(sorted(SECRETS) if current is Settings else ()))
            current = fields[step].annotation if step in fields else None
        else:
            # A value of a map.
            current = next((get_args(member)[-1] for member in members if get_args(member)), None)
    kinds = [_tag(member) for member in _members(current) if isinstance(member, type) and _is_variant(member)]
    return _Location(key=f"{prefix}{'.'.join(keys)}", known=known, kinds=kinds)


def _members(annotation: Any) -> list[Any]:
    """The members of a union, or the type itself, without constraints."""
    if get_origin(annotation) is Annotated:
        return _members(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [part for member in get_args(annotation) for part in _members(member)]
    return [annotation]


def _is_variant(model: type) -> bool:
    return issubclass(model, BaseModel) and "kind" in model.model_fields


def _tag(model: type[BaseModel]) -> str:
    return str(get_args(model.model_fields["kind"].annotation)[0])
