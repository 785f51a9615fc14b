"""The only reader of stack config: all settings of a stack, or all errors in them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any, cast, get_args, get_origin

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env, get_config_secret_keys_env, is_config_secret
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from components.settings import checks, option_checks
from components.settings.errors import SettingError, SettingsError, nearest, validation_errors
from components.settings.secret_keys import PROJECT, SECRETS
from components.settings.stack import Settings


def load() -> Settings:
    """The settings of the running stack.

    Raises:
        SettingsError: at least one setting cannot be used; the message lists them all.
    """
    config = {**get_config_env(), **CONFIG.get()}
    secret = {key for key in config if is_config_secret(key)}
    return parse(config, secret={*secret, *get_config_secret_keys_env()})


def parse(config: Mapping[str, str], *, secret: Collection[str] = ()) -> Settings:
    """The settings in a stack's raw config, whose keys carry the project's name; `secret` names the encrypted ones.

    Raises:
        SettingsError: at least one setting cannot be used; the message lists them all.
    """
    raw = {key.removeprefix(f"{PROJECT}:"): text for key, text in config.items() if key.startswith(f"{PROJECT}:")}
    errors: list[SettingError] = []
    parsed: dict[str, Any] = {}
    known = (*Settings.model_fields, *sorted(SECRETS))
    for key in sorted(raw.keys() - {*known}):
        full = f"{PROJECT}:{key}"
        remedy = f"{nearest(key, known)}: pulumi config rm {full}"
        errors.append(
            SettingError(key=full, value=raw[key], rule="is no setting", remedy=remedy, secret=full in secret)
        )
    for key, field in Settings.model_fields.items():
        if key not in raw:
            if field.is_required():
                remedy = f"set it: pulumi config set --path {PROJECT}:{key}.kind …"
                errors.append(SettingError(key=f"{PROJECT}:{key}", value=None, rule="is missing", remedy=remedy))
            continue
        # A field's constraints live beside its annotation; a union's discriminator does too.
        annotation = cast(Any, Annotated).__class_getitem__((field.annotation, *_constraints(field)))
        try:
            parsed[key] = TypeAdapter[Any](annotation).validate_python(_value(raw[key], field))
        except ValidationError as error:
            full = f"{PROJECT}:{key}"
            errors.extend(validation_errors(full, error, known_keys(annotation), secret=full in secret))
    errors.extend(checks.setting_errors(raw, parsed))
    if f"{PROJECT}:options" in secret:
        errors.append(option_checks.encrypted())
    if errors:
        raise SettingsError(errors)
    return Settings.model_validate(parsed)


def _constraints(field: FieldInfo) -> Sequence[Any]:
    extra = [Field(discriminator=field.discriminator)] if field.discriminator else []
    return [*field.metadata, *extra] or [Field()]


def _value(text: str, field: FieldInfo) -> object:
    """The parsed form of a key's text: Pulumi hands objects over as JSON and everything else as it was written."""
    scalars: set[Any] = {str, bool, int}
    if field.annotation in scalars:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def known_keys(annotation: Any, path: str = "") -> dict[str, Sequence[str]]:
    """For each model inside a type, by the path that pydantic reports, the keys that it takes."""
    found: dict[str, Sequence[str]] = {}
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        found[path] = tuple(annotation.model_fields)
        for name, field in annotation.model_fields.items():
            found.update(known_keys(field.annotation, f"{path}.{name}".lstrip(".")))
        return found
    for part in get_args(annotation) if get_origin(annotation) else ():
        if isinstance(part, type) and issubclass(part, BaseModel) and "kind" in part.model_fields:
            tag = get_args(part.model_fields["kind"].annotation)[0]
            found.update(known_keys(part, f"{path}.{tag}".lstrip(".")))
        else:
            found.update(known_keys(part, path))
    return found


def optional_secret(key: str) -> pulumi.Output[str] | None:
    """One of SECRETS, as a secret output; None where the stack has none."""
    return pulumi.Config(PROJECT).get_secret(key)


def required_secret(key: str) -> pulumi.Output[str]:
    """One of SECRETS, as a secret output."""
    return pulumi.Config(PROJECT).require_secret(key)
