"""Reads a stack's settings outside its Pulumi program."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

import pulumi.automation as automation

from components.airflow.instance import RESERVED_OPTIONS
from components.settings import loader
from components.settings.secret_keys import PROJECT
from components.settings.stack import Settings
from operations import programs
from operations.errors import OperationError, error_line

FOLDER: Final = Path(__file__).resolve().parent.parent
"""The folder with Pulumi.yaml and the stack files."""
TIMEOUT_SECONDS: Final = 300


def project_folder() -> Path:
    """The current folder if it has a Pulumi.yaml, else this checkout."""
    return Path.cwd() if Path("Pulumi.yaml").exists() else FOLDER


def settings(stack: str) -> Settings:
    """The settings of a stack, checked against this machine; encrypted values are decrypted.

    Raises:
        OperationError: the stack does not exist, or the Pulumi command line cannot read it.
        SettingsError: its settings are invalid.
    """
    return checked(config(stack))


def checked(values: Mapping[str, automation.ConfigValue]) -> Settings:
    """The settings in the config of a stack, checked against this machine.

    Raises:
        SettingsError: they are invalid.
    """
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


def outputs(stack: str) -> dict[str, Any]:
    """The outputs of a stack; secrets are not decrypted.

    Raises:
        OperationError: the stack does not exist, or the Pulumi command line cannot read it.
    """
    return cast("dict[str, Any]", json.loads(_pulumi(stack, ["stack", "output", "--json"])))


def _pulumi(stack: str, command: Sequence[str]) -> str:
    """The output of a command of the Pulumi command line. The Automation API would decrypt all secrets."""
    arguments = ["pulumi", *command, "--stack", stack, "--non-interactive", "--color", "never"]
    failed = f"The Pulumi command line cannot read stack {stack}"
    done = programs.run(
        arguments,
        folder=project_folder(),
        timeout_seconds=TIMEOUT_SECONDS,
        missing=f"{failed}: there is no `pulumi` on the PATH.",
        late=f"{failed}: it does not answer.",
    )
    if done.returncode != 0:
        if "no stack named" in done.stderr:
            raise OperationError(f"There is no stack {stack}; create it with `pulumi stack init {stack}`.")
        reason = error_line(done.stderr, f"it ended with {done.returncode}").removeprefix("error: ")
        raise OperationError(f"{failed}: {reason}")
    return done.stdout
