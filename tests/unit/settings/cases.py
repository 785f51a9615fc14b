"""Cases of settings that cannot be used: the files of `bad_input`, one for each section of a stack file.

A case is a valid stack, a change to it, and the whole report of the changed stack:

    - name: a misspelt key of a section
      stack: existing                          # one of STACKS
      without: [cloud]                         # keys of that stack that are left out
      change: {executor.workers.replica: 2}    # value by path
      secrets: {metadata_database_url: TEXT}   # encrypted values
      report: |                                # a line for each error
        airflow:KEY: VALUE RULE; REMEDY.       # KUBECONFIG stands for the path of the kubeconfig
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from tests.unit.recording.stacks import AZURE, GCP

FOLDER: Final = Path(__file__).parent / "bad_input"
CELERY: Final = {"kind": "celery", "flower": {"enabled": True}}
STACKS: Final[Mapping[str, Mapping[str, Any]]] = {
    "existing": {"cloud": {"kind": "existing"}, "executor": CELERY},
    "gcp": {"cloud": GCP, "executor": CELERY},
    "azure": {"cloud": AZURE, "executor": CELERY},
}
"""Valid stacks."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A stack whose settings cannot be used."""

    name: str
    stack: str
    report: str
    without: Sequence[str] = ()
    change: Mapping[str, Any] = field(default_factory=dict[str, Any])
    secrets: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def config(self) -> dict[str, Any]:
        """The `config` of its stack file."""
        sections: dict[str, Any] = deepcopy({**STACKS[self.stack]})
        for key in self.without:
            del sections[key]
        for path, value in self.change.items():
            *outer, last = path.split(".")
            section = sections
            for step in outer:
                section = section.setdefault(step, {})
            section[last] = value
        config = {f"airflow:{key}": value for key, value in sections.items()}
        return {**config, **{f"airflow:{key}": {"secure": text} for key, text in self.secrets.items()}}


@cache
def cases() -> Mapping[str, Case]:
    """Every case by its file and its name: "several: nothing"."""
    found = [
        (f"{file.stem}: {entry['name']}", Case(**entry))
        for file in sorted(FOLDER.glob("*.yaml"))
        for entry in yaml.safe_load(file.read_text())
    ]
    assert len(dict(found)) == len(found), "two cases of a file have one name"
    return dict(found)
