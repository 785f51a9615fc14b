"""Settings of the shipped stack files, and of changed ones."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import yaml

from components.settings import parser
from components.settings.stack import Settings
from lab.stack_file import filled_in
from tests.unit.recording.stacks import ROOT

SHIPPED = {
    "dev": "Pulumi.dev.yaml",
    "prod": "Pulumi.prod.yaml",
    **{path.stem: str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs/stacks").glob("*.yaml"))},
}
"""The files of stacks on a cloud, by name."""


def settings(file: str, **changes: Any) -> Settings:
    """The settings in a file of the checkout; changes are values by path, with two underscores between keys."""
    values = {key.partition(":")[2]: value for key, value in _config(file).items()}
    for path, value in changes.items():
        *outer, last = path.split("__")
        section = values
        for step in outer:
            section = section.setdefault(step, {})
        section[last] = value
    return parser.parse(values)


def _config(file: str) -> dict[str, Any]:
    return filled_in(deepcopy(yaml.safe_load((ROOT / file).read_text())["config"]))
