"""Reads the settings in a stack file, without a login, an engine or the stack's secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import yaml

from components.airflow.instance import RESERVED_OPTIONS
from components.settings import parser, placeholders, stack_config
from components.settings.errors import SettingsError
from components.settings.secret_keys import PROJECT, SECRETS
from components.settings.stack import Settings
from operations.errors import OperationError


def settings(path: Path) -> Settings:
    """The settings in a stack file.

    Examples of the shipped files, such as the project `my-project`, are accepted. Secrets are not read.

    Raises:
        OperationError: the file cannot be read, has no `config`, or encrypts a key that is no secret.
        SettingsError: its settings are invalid.
    """
    values = {key: value for key, value in _values(path).items() if key not in SECRETS}
    for key, value in values.items():
        if isinstance(value, Mapping) and "secure" in value:
            raise OperationError(f"{path}: {PROJECT}:{key} is encrypted; read the stack instead: --stack NAME.")
    return without_machine(converted(values))


def without_machine(values: Mapping[str, object]) -> Settings:
    """Settings that are valid by themselves, whatever this machine has installed. Secrets are not checked.

    Args:
        values: the value of each key of the project, without the project's name.

    Raises:
        SettingsError: they are invalid, other than by an example of a shipped file.
    """
    plain = {key: value for key, value in values.items() if key not in SECRETS}
    found, errors = parser.examine(plain, reserved=RESERVED_OPTIONS)
    absent = {f"{PROJECT}:{key}" for key in SECRETS}
    examples = set(placeholders.setting_errors(plain))
    errors = [error for error in errors if error.key.partition(".")[0] not in absent and error not in examples]
    if found is None or errors:
        raise SettingsError(errors)
    return found


def _values(path: Path) -> dict[str, object]:
    try:
        text = path.read_text()
    except OSError as error:
        raise OperationError(f"{path} cannot be read: {error.strerror}; name a stack file: Pulumi.NAME.yaml.") from None
    return values(text, str(path))


def converted(values: Mapping[str, object]) -> dict[str, object]:
    """The values as the program gets them. Pulumi passes them as text; `pulumi config set` writes true as "true"."""
    texts = {key: value if isinstance(value, str) else json.dumps(value, default=str) for key, value in values.items()}
    return stack_config.values({f"{PROJECT}:{key}": text for key, text in texts.items()})


def values(text: str, path: str) -> dict[str, object]:
    """The value of each key of this project in the text of a stack file, without the project's name.

    Raises:
        OperationError: the text is not YAML, or has no `config`. `path` names it in the message.
    """
    try:
        content: object = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise OperationError(f"{path} is not YAML: {' '.join(str(error).split())}; correct the file.") from None
    config = cast("Mapping[str, object]", content).get("config") if isinstance(content, Mapping) else None
    if not isinstance(config, Mapping):
        raise OperationError(f"{path} has no key `config`; name a stack file: Pulumi.NAME.yaml.")
    own = cast("Mapping[object, object]", config).items()
    return {str(key).removeprefix(f"{PROJECT}:"): value for key, value in own if str(key).startswith(f"{PROJECT}:")}
