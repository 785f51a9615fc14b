"""The only reader of stack config: all settings of a stack, or one report of all errors in them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env, get_config_secret_keys_env, is_config_secret

from components.settings import parser, preflight, stack_config
from components.settings.errors import SettingsError
from components.settings.secret_keys import (
    CONNECTIONS,
    GIT_CREDENTIALS,
    PROJECT,
    PROJECT_SECRETS,
    SECRET_ENVIRONMENT,
    SECRET_OPTIONS,
    SECRET_VARIABLES,
    USER_PASSWORDS,
)
from components.settings.sections.connections import Connection
from components.settings.sections.options import Option, Reserved
from components.settings.stack import Settings


class StackSettingsError(SettingsError, pulumi.RunError):
    """The report as the engine shows it: without a traceback."""


def load(*, reserved: Reserved) -> Settings:
    """The settings of the running stack.

    Args:
        reserved: options of airflow.cfg that a stack may not set.

    Raises:
        StackSettingsError: at least one setting cannot be used; the message lists them all.
    """
    config = _config()
    secret = {*(key for key in config if is_config_secret(key)), *get_config_secret_keys_env()}
    try:
        return read(config, secret=secret, reserved=reserved)
    except SettingsError as error:
        raise StackSettingsError(error.setting_errors) from None


def read(
    config: Mapping[str, str], *, secret: Collection[str] = (), reserved: Reserved = parser.NOTHING_RESERVED
) -> Settings:
    """The settings in a stack's config, checked against this machine as well.

    Args:
        config: text by key; keys carry the project's name.
        secret: the keys that the stack keeps encrypted.
        reserved: options of airflow.cfg that a stack may not set.

    Raises:
        SettingsError: at least one setting cannot be used; the message lists them all.
    """
    values = stack_config.values(config)
    settings, errors = parser.examine(
        values, secret={key.removeprefix(f"{PROJECT}:") for key in secret}, reserved=reserved
    )
    errors = [*errors, *preflight.setting_errors(values)]
    if settings is None or errors:
        raise SettingsError(errors)
    return settings


def optional_secret(key: str) -> pulumi.Output[str] | None:
    """One of SECRETS, as a secret output; None if the stack does not set it."""
    return pulumi.Config(PROJECT).get_secret(key)


def required_secret(key: str) -> pulumi.Output[str]:
    """One of SECRETS, as a secret output."""
    return pulumi.Config(PROJECT).require_secret(key)


def project_secret(project: str, name: str) -> pulumi.Output[str]:
    """The value of a project's secret, as a secret output."""
    return required_secret(PROJECT_SECRETS).apply(lambda text: json.loads(text)[project][name])


def secret_variable(name: str) -> pulumi.Output[str]:
    """The value of a secret variable of the environment, as a secret output."""
    return required_secret(SECRET_ENVIRONMENT).apply(lambda text: json.loads(text)[name])


def secret_options() -> Mapping[Option, pulumi.Output[str]]:
    """The options of airflow.cfg that the stack keeps encrypted, each value a secret output; empty without any."""
    text = _config().get(f"{PROJECT}:{SECRET_OPTIONS}")
    found: Mapping[str, Mapping[str, str]] = json.loads(text) if text is not None else {}
    return {
        (section.lower(), name.lower()): pulumi.Output.secret(value)
        for section, chosen in found.items()
        for name, value in chosen.items()
    }


def git_credentials(source: str) -> Mapping[str, pulumi.Output[str]]:
    """The credentials of a source's repository by their keys, each a secret output; empty without any."""
    text = _config().get(f"{PROJECT}:{GIT_CREDENTIALS}")
    found: Mapping[str, str] = json.loads(text).get(source, {}) if text is not None else {}
    return {key: pulumi.Output.secret(value) for key, value in found.items()}


def user_passwords() -> Mapping[str, pulumi.Output[str]]:
    """The passwords that the stack sets, by login name, each a secret output; empty without any."""
    text = _config().get(f"{PROJECT}:{USER_PASSWORDS}")
    found: Mapping[str, str] = json.loads(text) if text is not None else {}
    return {name: pulumi.Output.secret(password) for name, password in found.items()}


def secret_entries() -> pulumi.Output[str] | None:
    """The connections and secret variables as JSON by kind, as a secret output; None if the stack sets neither."""
    connections, variables = optional_secret(CONNECTIONS), optional_secret(SECRET_VARIABLES)
    if connections is None and variables is None:
        return None
    empty = pulumi.Output.secret("{}")
    return pulumi.Output.all(
        empty if connections is None else connections, empty if variables is None else variables
    ).apply(
        lambda texts: json.dumps(
            {"connections": _connections(texts[0]), "variables": json.loads(texts[1])}, sort_keys=True
        )
    )


def _connections(text: str) -> dict[str, object]:
    """Each connection by its id: the URI, or the fields that the stack sets."""
    return {
        name: value
        if isinstance(value, str)
        else Connection.model_validate(value).model_dump(by_alias=True, exclude_unset=True)
        for name, value in json.loads(text).items()
    }


def _config() -> dict[str, str]:
    """The config of the running stack: text by key."""
    return {**get_config_env(), **CONFIG.get()}


def stack_name() -> str:
    """The name of the stack, as commands take it."""
    return pulumi.get_stack()
