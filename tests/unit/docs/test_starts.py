"""The commands of the start pages run in a shell, with stand-ins for the programs, and lead to a valid stack."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from lab.stack_file import filled_in
from tests.unit.docs import pages
from tests.unit.recording import recorder
from tests.unit.recording.recorder import Recording
from tests.unit.recording.stacks import ROOT

FENCE: Final = re.compile(r"```console\n(.*?)```", re.DOTALL)
TOOLS: Final = (
    "az",
    "curl",
    "docker",
    "gcloud",
    "kind",
    "kubectl",
    "kubelogin",
    "make",
    "minikube",
    ".venv/bin/python",
)
IMAGE: Final = "airflow:3.3.2-1"
STARTS: Final[Mapping[str, tuple[str, dict[str, Any]]]] = {
    "laptop": ("Pulumi.local.yaml", {}),
    "google-cloud": ("Pulumi.dev.yaml", {"registry": True}),
    "azure": ("docs/stacks/azure-celery.yaml", {}),
}
"""The stack file of each page, and what the page says to set in its section `cloud` by hand."""
NEEDED: Final = (
    "pulumi login",
    "pulumi install",
    "pulumi stack init",
    "pulumi up",
    "pulumi destroy",
    "pulumi stack rm",
)


@dataclass(frozen=True, kw_only=True)
class Newcomer:
    """What the commands of one page did."""

    config: dict[str, Any]
    """The stack's config at the end."""
    calls: list[str]
    """Every call of a program, in order."""


def commands(page: str) -> list[str]:
    """The lines of a page that begin with a prompt."""
    text = (pages.DOCS / f"start/{page}.md").read_text()
    return [line.removeprefix("$ ") for block in FENCE.findall(text) for line in block.splitlines() if line[:2] == "$ "]


def config(page: str) -> dict[str, Any]:
    """The config of a page's stack before its first command."""
    file, by_hand = STARTS[page]
    found = filled_in(yaml.safe_load((ROOT / file).read_text())["config"])
    found["airflow:cloud"].update(by_hand)
    return found


def followed(page: str, outputs: Mapping[str, Any], folder: Path) -> Newcomer:
    """Run all commands of a page in one shell; it ends at the first that fails."""
    values, log = folder / "values", folder / "calls"
    values.mkdir()
    for name, value in outputs.items():
        (values / name).write_text(f"{recorder.plain(value)}\n")
    note = f'for word in "$@"; do printf "%s\\037" "$word"; done >> {log}; echo >> {log}\n'
    (folder / "bin").mkdir()
    for tool in TOOLS:
        path = folder / tool if "/" in tool else folder / "bin" / tool
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'#!/bin/sh\nset -- {tool} "$@"\n{note}')
        path.chmod(0o755)
    pulumi = folder / "bin/pulumi"
    output = f'if [ "$1 $2" = "stack output" ]; then cat "{values}/$3"; exit; fi\n'
    pulumi.write_text(f'#!/bin/sh\n{output}set -- pulumi "$@"\n{note}')
    pulumi.chmod(0o755)
    shutil.copytree(ROOT / "docs/stacks", folder / "docs/stacks")
    script = "\n".join((*commands(page), "wait"))
    subprocess.run(["sh", "-euc", script], cwd=folder, check=True, env={"PATH": f"{folder}/bin:/usr/bin:/bin"})
    calls = [line.rstrip("\037").split("\037") for line in log.read_text().splitlines()]
    final = config(page)
    for call in calls:
        if call[:3] == ["pulumi", "config", "set"]:
            final = changed(final, call[3:])
    return Newcomer(config=final, calls=[shlex.join(call) for call in calls])


def changed(before: dict[str, Any], arguments: list[str]) -> dict[str, Any]:
    """A config after `pulumi config set`."""
    after = deepcopy(before)
    *flags, key, value = arguments
    if flags != ["--path"]:
        assert flags == []
        after[key] = value
        return after
    section, *names, last = key.split(".")
    place = after.setdefault(section, {})
    for name in names:
        place = place.setdefault(name, {})
    place[last] = value
    return after


def images(recording: Recording) -> set[str]:
    """The images of Airflow's Deployments."""
    found = [each.plain["spec"]["template"]["spec"]["containers"][0] for each in recording.of_type("Deployment")]
    return {container["image"] for container in found}


@pytest.mark.parametrize("page", STARTS)
def test_a_newcomer_who_follows_a_page_has_a_stack_of_their_own_and_removes_it(page: str, tmp_path: Path) -> None:
    first = recorder.run(config(page))
    assert first.error is None
    newcomer = followed(page, first.outputs, tmp_path)
    for call in NEEDED:
        assert [made for made in newcomer.calls if made.startswith(call)], f"no {call} on the page"
    last = first if newcomer.config == config(page) else recorder.run(newcomer.config)
    assert last.error is None, last.error
    assert last.outputs.keys() >= first.outputs.keys()
    if "airflow:image" in newcomer.config:
        assert {image for image in images(last) if image.endswith(IMAGE)} == images(last)
        assert not last.of_type("ConfigMap") or "airflow-example-dags" not in {
            found.name for found in last.registrations
        }


@pytest.mark.parametrize("page", STARTS)
def test_every_page_says_what_it_needs_how_long_it_takes_and_what_it_costs(page: str) -> None:
    text = (pages.DOCS / f"start/{page}.md").read_text()
    for words in ("## What you need", "Duration", "Price:", "A DAG of your own", "Remove it"):
        assert words in text
    if page != "laptop":
        assert "## Roles" in text
        assert "## Quotas" in text
