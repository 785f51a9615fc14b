"""Programs and packages that a stack needs on this machine."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import yaml

from components.cloud.preflight.findings import Finding, missing, ok, unknown
from components.settings.preflight import LOGIN
from operations import programs, stacks
from operations.errors import OperationError

TIMEOUT_SECONDS: Final = 4.0
"""Maximum time of a program that prints its version."""
VERSION: Final = re.compile(r"\d+\.\d+(?:\.\d+)?")
PINNED: Final = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)", re.MULTILINE)
"""A package with its version in requirements.txt."""
DIRECT: Final = re.compile(r"^[A-Za-z0-9_.-]+", re.MULTILINE)
"""A package in requirements.in."""


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A program of another maker."""

    name: str
    version: Sequence[str]
    """Arguments that print its version."""
    remedy: str
    least: tuple[int, ...] = ()
    """The first version that the project works with; empty means any."""

    def check(self) -> Finding:
        """Whether it is on the PATH, and its version."""
        absent = f"{self.name} is not on PATH"
        try:
            done = programs.run(
                [self.name, *self.version],
                folder=stacks.FOLDER,
                timeout_seconds=TIMEOUT_SECONDS,
                missing=absent,
                late=f"{self.name} does not print its version within {TIMEOUT_SECONDS:.0f} s",
            )
        except OperationError as error:
            return missing(str(error), self.remedy) if str(error) == absent else unknown(str(error), "run it by hand")
        printed = VERSION.search(done.stdout + done.stderr)
        if done.returncode != 0 or printed is None:
            return unknown(f"{self.name} prints no version", f"run it by hand: {self.name} {' '.join(self.version)}")
        if tuple(map(int, printed[0].split("."))) < self.least:
            needed = ".".join(map(str, self.least))
            return missing(f"{self.name} {printed[0]} is older than {needed}", self.remedy)
        return ok(f"{self.name} {printed[0]}")


KUBECTL: Final = Tool(
    name="kubectl",
    version=("version", "--client"),
    remedy="install it: https://kubernetes.io/docs/tasks/tools/",
)
OF_CLOUDS: Final[Mapping[str, Sequence[Tool]]] = {
    "gcp": (
        Tool(name="gcloud", version=("version",), remedy="install it: https://cloud.google.com/sdk/docs/install"),
        Tool(name=LOGIN["gcp"][0], version=("--version",), remedy=LOGIN["gcp"][1]),
    ),
    "azure": (
        Tool(
            name="az",
            version=("version",),
            remedy="install it: https://learn.microsoft.com/cli/azure/install-azure-cli",
        ),
        Tool(name=LOGIN["azure"][0], version=("--version",), remedy=LOGIN["azure"][1]),
    ),
}
"""By kind of cloud: what logs in to it and to its clusters."""


def findings(kind: str | None) -> Iterator[Finding]:
    """Findings about programs and packages.

    Args:
        kind: the kind of cloud of the stack; None if it is unknown.
    """
    pulumi = Tool(
        name="pulumi",
        version=("version",),
        remedy="install or update it: https://www.pulumi.com/docs/install/",
        least=_required_pulumi(),
    )
    tools = [pulumi, KUBECTL, *(OF_CLOUDS.get(kind, ()) if kind is not None else ())]
    with ThreadPoolExecutor(len(tools)) as pool:
        yield from pool.map(Tool.check, tools)
    yield packages()


def packages() -> Finding:
    """Whether the direct requirements are installed in the versions of requirements.txt."""
    direct = {name.casefold() for name in DIRECT.findall((stacks.FOLDER / "requirements.in").read_text())}
    pinned = dict(PINNED.findall((stacks.FOLDER / "requirements.txt").read_text()))
    other: list[str] = []
    for name, version in pinned.items():
        if name.casefold() not in direct:
            continue
        try:
            installed = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            installed = "not installed"
        if installed != version:
            other.append(f"{name} is {installed} and not {version}")
    if other:
        return missing(f"Python packages: {', '.join(other)}", "run `pulumi install`")
    return ok(f"the {len(direct)} Python packages have the versions of requirements.txt")


def _required_pulumi() -> tuple[int, ...]:
    """The oldest engine that Pulumi.yaml accepts."""
    required = yaml.safe_load((stacks.FOLDER / "Pulumi.yaml").read_text())["requiredPulumiVersion"]
    return tuple(map(int, str(required).removeprefix(">=").split(".")))
