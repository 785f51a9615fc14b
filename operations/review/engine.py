"""Runs previews by the Pulumi command line, which streams the engine's events.

The Automation API starts the same command; its event classes drop the exceptions of policies (`policyEvent.exceptions`,
sdk 3.272), without which an excepted violation looks like a failure.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from operations import programs, stacks
from operations.errors import OperationError, error_line

STREAM: Final = {"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"}
"""The variable by which `--json` writes events instead of a digest (`pulumi preview --help`)."""
TIMEOUT_SECONDS: Final = 3600
NAME: Final = re.compile(r"\w[\w.-]*(/\w[\w.-]*){0,2}", re.ASCII)
"""Name of a stack, with its organisation and project: https://www.pulumi.com/docs/iac/concepts/stacks/."""
REMEDIES: Final = (
    (
        "no stack named",
        "There is no stack {stack} in this back end; create it with `pulumi stack init {stack}`, or log in to another "
        "back end with `pulumi login URL`",
    ),
    (
        "PULUMI_ACCESS_TOKEN",
        "Pulumi is not logged in to a back end; run `pulumi login URL`, or set PULUMI_BACKEND_URL (for Pulumi Cloud "
        "PULUMI_ACCESS_TOKEN). A pull request from a fork has no secrets: its preview runs on simulated clouds, see "
        "docs/pull-requests.md",
    ),
    (
        "passphrase",
        "The secrets of stack {stack} cannot be decrypted; set PULUMI_CONFIG_PASSPHRASE, or use a key of the cloud "
        "(`pulumi stack change-secrets-provider`)",
    ),
)
"""Texts in errors of the command line, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Output:
    """The output of a command of the engine."""

    text: str
    """Events, one JSON object a line."""
    code: int
    """Exit code."""
    errors: str
    """The standard error stream."""


def preview(stack: str, *, policy_packs: Sequence[str] = (), refresh: bool = False) -> Output:
    """Run `pulumi preview` of a stack, with `refresh` after reading the real resources.

    Raises:
        OperationError: the engine did not begin: no such stack, no login, no Pulumi.
    """
    packs = [part for pack in policy_packs for part in ("--policy-pack", pack)]
    return _run(stack, ["preview", *packs, *(["--refresh"] if refresh else [])])


def refresh_preview(stack: str) -> Output:
    """Run `pulumi refresh --preview-only` of a stack.

    Raises:
        OperationError: the engine did not begin: no such stack, no login, no Pulumi.
    """
    return _run(stack, ["refresh", "--preview-only"])


def require_name(stack: str) -> None:
    """Refuse a text that cannot be the name of a stack. It is part of markers and of commands.

    Raises:
        OperationError: it is none.
    """
    if not NAME.fullmatch(stack):
        raise OperationError(f"--stack: {stack!r} is not the name of a stack; use letters, digits, '-', '_' and '.'.")


def _run(stack: str, command: Sequence[str]) -> Output:
    arguments = ["pulumi", *command, "--stack", stack, "--json", "--non-interactive", "--color", "never"]
    done = programs.run(
        arguments,
        folder=stacks.project_folder(),
        environment={**os.environ, **STREAM},
        timeout_seconds=TIMEOUT_SECONDS,
        missing="There is no `pulumi` on the PATH; install it: https://www.pulumi.com/docs/install/.",
        late=f"`pulumi {command[0]}` did not end within {TIMEOUT_SECONDS} s; look for a cloud that does not answer.",
    )
    if done.returncode != 0 and '"sequence":' not in done.stdout:
        raise OperationError(reason(stack, done.stderr or done.stdout))
    return Output(text=done.stdout, code=done.returncode, errors=done.stderr)


def reason(stack: str, said: str) -> str:
    """One sentence for an error of the command line, with its remedy where that is known."""
    for text, remedy in REMEDIES:
        if text in said:
            return f"{remedy.format(stack=stack)}."
    line = error_line(said, "it gave no reason")
    return f"The Pulumi command line cannot preview stack {stack}: {line.removeprefix('error: ')}"
