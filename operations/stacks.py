"""Settings of a stack outside its program."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

import pulumi.automation as automation

from components.settings import loader
from components.settings.secret_keys import PROJECT
from components.settings.stack import Settings
from operations.errors import OperationError

FOLDER: Final = Path(__file__).resolve().parent.parent
"""The program: where Pulumi.yaml and the stack files are."""


def settings(stack: str) -> Settings:
    """The settings of a stack, encrypted values opened as `pulumi` does.

    Raises:
        OperationError: there is no such stack, or the Pulumi command line cannot read it.
        SettingsError: its settings cannot be used.
    """
    place = Path.cwd() if Path("Pulumi.yaml").exists() else FOLDER
    try:
        found = automation.select_stack(stack_name=stack, work_dir=str(place))
        config = found.get_all_config()
    except automation.StackNotFoundError:
        raise OperationError(f"There is no stack {stack}; make it with `pulumi stack init {stack}`.") from None
    except (automation.CommandError, FileNotFoundError, subprocess.SubprocessError) as error:
        reason = str(error).strip().splitlines()
        said = next((line for line in reason if "error:" in line), reason[-1] if reason else type(error).__name__)
        raise OperationError(f"The Pulumi command line cannot read stack {stack}: {said.strip()}") from None
    values = {key: value.value for key, value in config.items() if key.startswith(f"{PROJECT}:")}
    return loader.parse(values, secret={key for key, value in config.items() if value.secret})
