"""Reads a stack's settings outside its Pulumi program."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

import pulumi.automation as automation

from components.airflow.instance import RESERVED_OPTIONS
from components.settings import loader
from components.settings.secret_keys import PROJECT
from components.settings.stack import Settings
from operations.errors import OperationError, error_line

FOLDER: Final = Path(__file__).resolve().parent.parent
"""The folder with Pulumi.yaml and the stack files."""


def project_folder() -> Path:
    """The current folder if it has a Pulumi.yaml, else this checkout."""
    return Path.cwd() if Path("Pulumi.yaml").exists() else FOLDER


def settings(stack: str) -> Settings:
    """The settings of a stack, checked against this machine; encrypted values are decrypted.

    Raises:
        OperationError: the stack does not exist, or the Pulumi command line cannot read it.
        SettingsError: its settings are invalid.
    """
    values = config(stack)
    texts = {key: value.value for key, value in values.items()}
    secret = {key for key, value in values.items() if value.secret}
    return loader.read(texts, secret=secret, reserved=RESERVED_OPTIONS)


def config(stack: str) -> dict[str, automation.ConfigValue]:
    """The config of a stack with the project's keys, as the Pulumi command line reads it.

    Raises:
        OperationError: the stack does not exist, or the Pulumi command line cannot read it.
    """
    try:
        found = automation.select_stack(stack_name=stack, work_dir=str(project_folder())).get_all_config()
    except automation.StackNotFoundError:
        raise OperationError(f"There is no stack {stack}; create it with `pulumi stack init {stack}`.") from None
    except (automation.CommandError, FileNotFoundError, subprocess.SubprocessError) as error:
        reason = error_line(str(error), type(error).__name__)
        raise OperationError(f"The Pulumi command line cannot read stack {stack}: {reason}") from None
    return {key: value for key, value in found.items() if key.startswith(f"{PROJECT}:")}
