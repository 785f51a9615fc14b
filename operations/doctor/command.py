"""The command `doctor`: its arguments, the order of the checks, and the exit code."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, cast

import pulumi.automation as automation

from components import cloud
from components.cloud.preflight.findings import Finding, missing, ok, unknown
from components.contract.requirements import requirements
from components.settings.errors import SettingsError
from components.settings.secret_keys import PROJECT
from components.settings.stack import Settings
from operations import programs, stacks
from operations.doctor import cluster, tools
from operations.errors import OperationError, error_line

BACK_END_SECONDS: Final = 10.0
"""Maximum time of the back end's answer."""


def add(command: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    command.description = (
        "Checks this machine, the Pulumi back end, the settings of a stack, its cluster and its cloud. "
        "Changes nothing. Exit code 1 if something is missing."
    )
    command.add_argument("--stack", "-s", required=True, help="the stack: its file is Pulumi.STACK.yaml")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    return run(options.stack)


def run(stack: str) -> int:
    """Print one line for each check and return the exit code: 1 if something is missing, else 0."""
    failed = 0
    with ThreadPoolExecutor() as pool:
        for part in _parts(stack, pool):
            for finding in part.result():
                print(finding, flush=True)
                failed += finding.verdict == "missing"
    print(f"{failed} missing" if failed else "Nothing is missing.")
    return 1 if failed else 0


def _parts(stack: str, pool: ThreadPoolExecutor) -> Iterator[Future[list[Finding]]]:
    """The checks in the order of their lines; those that do not depend on each other run at the same time."""

    def submit(check: Callable[[], Iterator[Finding]]) -> Future[list[Finding]]:
        return pool.submit(lambda: [*check()])

    back_end = submit(_back_end)
    values, unreadable = _config(stack)
    described = _described_cloud(values)
    yield submit(lambda: tools.findings(described.get("kind")))
    yield back_end
    if unreadable is not None:
        yield submit(lambda: iter([unreadable]))
        return
    settings, errors = _settings(stack, values)
    yield submit(lambda: iter(errors))
    if settings is None:
        return
    asked = submit(lambda: cloud.preflight_findings(settings.cloud, requirements(settings)))
    outputs = _outputs(stack)
    yield submit(lambda: cluster.findings(described, settings.namespace, outputs))
    yield asked


def _back_end() -> Iterator[Finding]:
    """The back end that keeps the state of stacks, and the login to it."""
    try:
        done = programs.run(
            ["pulumi", "whoami", "--json", "--non-interactive"],
            folder=stacks.project_folder(),
            timeout_seconds=BACK_END_SECONDS,
            missing="Pulumi back end: there is no `pulumi` on the PATH",
            late=f"Pulumi back end: no answer within {BACK_END_SECONDS:.0f} s",
        )
    except OperationError as error:
        yield unknown(str(error), "check your network, and install the Pulumi CLI")
        return
    if done.returncode != 0:
        reason = error_line(done.stderr, f"it ended with {done.returncode}").removeprefix("error: ")
        yield missing(f"Pulumi back end: {reason}", "run `pulumi login`, or set PULUMI_BACKEND_URL")
        return
    found = cast("dict[str, Any]", json.loads(done.stdout))
    yield ok(f"Pulumi back end {found.get('url')}, as {found.get('user')}")


def _config(stack: str) -> tuple[Mapping[str, automation.ConfigValue], Finding | None]:
    """The config of a stack, or why it cannot be read."""
    try:
        return stacks.config(stack), None
    except OperationError as error:
        return {}, missing(str(error).rstrip("."), "see https://www.pulumi.com/docs/iac/concepts/stacks/")


def _described_cloud(values: Mapping[str, automation.ConfigValue]) -> dict[str, Any]:
    """The setting `airflow:cloud` as written; empty if it is no map."""
    try:
        found = json.loads(values[f"{PROJECT}:cloud"].value)
    except (KeyError, ValueError):
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _settings(stack: str, values: Mapping[str, automation.ConfigValue]) -> tuple[Settings | None, list[Finding]]:
    """The settings of a stack, and a finding for each that cannot be used."""
    try:
        settings = stacks.checked(values)
    except SettingsError as error:
        return None, [missing(str(each).rstrip("."), "") for each in error.setting_errors]
    return settings, [ok(f"the settings of stack {stack} are valid")]


def _outputs(stack: str) -> dict[str, Any]:
    try:
        return stacks.outputs(stack)
    except OperationError:
        return {}
