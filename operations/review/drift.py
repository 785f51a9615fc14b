"""The command `drift`: compares a stack with its cloud, and keeps one issue about the difference."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from operations.errors import OperationError
from operations.review import comment, engine, words
from operations.review.changes import Change, Preview, UnreadablePreviewError, read
from operations.review.command import add_forge_arguments, publish
from operations.review.differences import UNKNOWN
from operations.review.forge.choice import FORGES, PRINT, Forge, log_address, shortened
from operations.review.verdict import FAILED, FINE, NOT_COMPUTED
from operations.review.words import code

HARMLESS: Final[Mapping[str, re.Pattern[str]]] = {
    "azure-native:containerservice:ManagedCluster": re.compile(r"agentPoolProfiles\[[1-9]\d*\].*"),
}
"""Differences by type that `up --refresh` would report after every refresh, though it changes nothing: Azure lists the
pools that are resources of their own in the cluster as well, https://learn.microsoft.com/en-us/rest/api/aks/managed-clusters.
"""


@dataclass(frozen=True, kw_only=True)
class Drift:
    """The difference between a stack and its cloud."""

    stack: str
    planned: tuple[Change, ...] = ()
    """Changes that `pulumi up --refresh` would make: the drift."""
    seen: tuple[Change, ...] = ()
    """Resources that differ from the state, whether or not `up` would change them."""
    problems: tuple[str, ...] = ()
    """Reasons why the drift is not known, as Markdown."""

    @property
    def code(self) -> int:
        """The exit code: 0 no drift, 1 drift, 2 not known."""
        if self.problems:
            return NOT_COMPUTED
        return FAILED if self.planned else FINE


def add(command: argparse.ArgumentParser) -> None:
    """Declare the command and its arguments."""
    command.description = (
        "Compares a stack with its cloud, without a change to either. Exit code 0: no drift; 1: drift; 2: not known."
    )
    command.set_defaults(run=run)
    command.add_argument("--stack", "-s", required=True, help="the stack: its file is Pulumi.STACK.yaml")
    add_forge_arguments(command)


def run(arguments: argparse.Namespace, environment: Mapping[str, str] = os.environ) -> int:
    """Look for drift and return the exit code: 0 none, 1 drift, 2 not known.

    An open issue is edited if there is drift or if drift is not known, and closed if there is none.

    Raises:
        OperationError: the stack's name is none, or the forge refused the issue; the result is printed before.
    """
    engine.require_name(arguments.stack)
    forge = FORGES[arguments.forge](environment) if arguments.forge != PRINT else None
    log = arguments.log or log_address(environment)
    found = drift(arguments.stack)
    text = render(found, log=log)
    print(text, flush=True)
    publish(text, arguments.output, environment)
    if forge is not None:
        address = _write(forge, found, log)
        print(f"\nIssue: {address}" if address else "\nThere is no open issue.", flush=True)
    return found.code


def drift(stack: str) -> Drift:
    """Compare a stack with its cloud. Nothing is changed, neither the cloud nor the state."""
    problems: list[str] = []
    previews: list[Preview] = []
    try:
        # The first names every difference, the second those that the program would undo. Node pools that scale and
        # disks that grow differ from the state, and the program leaves them alone (`ignore_changes`).
        for output in (engine.refresh_preview(stack), engine.preview(stack, refresh=True)):
            found = read(output.text)
            previews.append(found)
            if output.code != 0 or found.errors or not found.complete:
                said = "; ".join(found.errors) or engine.reason(stack, output.errors)
                problems.append(f"The stack could not be compared with its cloud: {code(said)}")
                break
    except (OperationError, UnreadablePreviewError) as error:
        problems.append(f"The stack could not be compared with its cloud: {code(str(error))}")
    if problems:
        return Drift(stack=stack, problems=tuple(problems))
    seen, planned = previews
    return Drift(stack=stack, planned=undone(planned.changes), seen=seen.changes)


def undone(planned: Sequence[Change]) -> tuple[Change, ...]:
    """The changes of a preview without harmless ones, and without those that only wait for a harmless one."""
    harmful = [change for change in planned if not _is_harmless(change)]
    if len(harmful) < len(planned) and all(_only_waits(change) for change in harmful):
        return ()
    return tuple(harmful)


def _is_harmless(change: Change) -> bool:
    pattern = HARMLESS.get(change.type)
    return (
        pattern is not None
        and change.operation == "update"
        and all(pattern.fullmatch(each.path) for each in change.differences)
        and change.differences != ()
    )


def _only_waits(change: Change) -> bool:
    """Whether a change is one only because the outputs of another changed resource are not known yet."""
    values = [each.after for each in change.differences]
    return change.operation == "update" and values != [] and all(value == UNKNOWN for value in values)


def marker(stack: str) -> str:
    """The first line of the issue, which Markdown does not show: one issue for each stack."""
    return f"<!-- airflow-drift: {stack} -->"


def title(found: Drift) -> str:
    """The title of the issue."""
    return f"Drift in stack {found.stack}" if not found.problems else f"Drift of stack {found.stack} is not known"


def render(found: Drift, *, length_max: int | None = None, log: str = "") -> str:
    """The text of the issue. `length_max` is in characters, `log` the address of the complete text."""
    blocks = [marker(found.stack)]
    if found.problems:
        blocks += ["⚠️ **It is not known whether this stack has drifted.**", *(f"- {text}" for text in found.problems)]
    elif not found.planned:
        blocks.append(f"✅ Stack {code(found.stack)} has no drift.")
    else:
        blocks.append(
            f"❌ The cloud or the program differs from stack {code(found.stack)}: the next `pulumi up --refresh` would "
            "make these changes. If somebody changed the cloud by hand, put the change into the stack file or the "
            f"program, or undo it with `pulumi up --refresh --stack {found.stack}`."
        )
        blocks += [words.labelled_item(change) for change in found.planned]
    if found.seen:
        blocks.append("#### Seen in the cloud")
        blocks.append("Resources whose real properties differ from the state, for example by autoscaling:")
        blocks += [words.labelled_item(change) for change in found.seen]
    if log:
        blocks.append(f"[Log of this run]({log})")
    return comment.cut(blocks, length_max, log)


def _write(forge: Forge, found: Drift, log: str) -> str | None:
    own = marker(found.stack)

    def write(length_max: int) -> str | None:
        text = render(found, length_max=length_max, log=log)
        if found.code == FINE:
            return forge.close_issue(own, text)
        return forge.issue(own, title(found), text)

    return shortened(forge, write)
