"""Runs `pulumi` commands on one stack, and returns the engine's events as data."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from lab.errors import LabError

UNCHANGED: Final = frozenset({"same", "read", "refresh"})
"""Steps without changes."""
TIMEOUT_SECONDS: Final = 600.0


@dataclass(frozen=True, kw_only=True)
class Step:
    """One operation of the engine on a resource, or a planned one in a preview."""

    op: str
    """The engine's name: create, update, delete, replace, create-replacement, delete-replaced, same, …"""
    urn: str
    type: str
    differences: Mapping[str, str]
    """Property path to kind (add, update, delete, with -replace where it forces a replacement)."""

    @property
    def name(self) -> str:
        """The logical name."""
        return self.urn.rsplit("::", 1)[1]

    @property
    def is_implied(self) -> bool:
        """Whether the engine created the resource itself."""
        default_provider = self.type.startswith("pulumi:providers:") and self.name.startswith("default")
        return default_provider or self.type == "pulumi:pulumi:Stack"


@dataclass(frozen=True, kw_only=True)
class Run:
    """Output and events of one `pulumi` command."""

    arguments: tuple[str, ...]
    code: int
    stdout: str
    stderr: str
    event_log: str = ""
    """The engine's events in order, one line of JSON each; empty for commands without an engine."""

    def events(self, *kinds: str) -> list[Mapping[str, Any]]:
        """The events of these kinds in order. Each has its kind as a key, in addition to number and time.

        Kinds are resourcePreEvent, resOutputsEvent, diagnosticEvent, policyEvent, summaryEvent, …
        """
        # A log has megabytes, of which a caller needs little.
        marks = [f'"{kind}":' for kind in kinds]
        return [json.loads(line) for line in self.event_log.splitlines() if any(mark in line for mark in marks)]

    def steps(self, *ops: str) -> list[Step]:
        """The steps with one of these names; without names, all steps with changes.

        Without names, the stack itself and default providers are left out, because they depend on their first user.
        """
        if ops:
            return [step for step in self._all_steps if step.op in ops]
        return [step for step in self._all_steps if step.op not in UNCHANGED and not step.is_implied]

    def changes(self) -> dict[str, set[str]]:
        """Logical names by operation: a table of the whole run for one assertion."""
        table: dict[str, set[str]] = defaultdict(set)
        for step in self.steps():
            table[step.op].add(step.name)
        return dict(table)

    def messages(self, severity: str = "error") -> list[str]:
        """Messages of engine, program and plugins at one severity (debug, info, info#err, warning, error)."""
        said = [event["diagnosticEvent"] for event in self.events("diagnosticEvent")]
        return [_text(entry) for entry in said if entry["severity"] == severity and not entry.get("ephemeral")]

    def violations(self) -> list[Mapping[str, Any]]:
        """Violations that policy packs reported."""
        return [event["policyEvent"] for event in self.events("policyEvent")]

    @cached_property
    def _all_steps(self) -> list[Step]:
        return [_step(event["resourcePreEvent"]["metadata"]) for event in self.events("resourcePreEvent")]


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A stack of the program in a folder, with the environment of its commands."""

    folder: Path
    name: str
    environment: Mapping[str, str]

    def create(self) -> None:
        """Create the stack unless it exists."""
        self.pulumi("stack", "select", "--create", self.name)

    def preview(self, *arguments: str, check: bool = True) -> Run:
        """Run `pulumi preview`."""
        return self._operation("preview", *arguments, check=check)

    def up(self, *arguments: str, check: bool = True) -> Run:
        """Run `pulumi up --skip-preview`."""
        return self._operation("up", "--yes", "--skip-preview", *arguments, check=check)

    def refresh(self, *arguments: str, check: bool = True) -> Run:
        """Run `pulumi refresh --skip-preview`."""
        return self._operation("refresh", "--yes", "--skip-preview", *arguments, check=check)

    def destroy(self, *arguments: str, check: bool = True) -> Run:
        """Run `pulumi destroy --skip-preview`."""
        return self._operation("destroy", "--yes", "--skip-preview", *arguments, check=check)

    def configure(self, key: str, value: str, *, secret: bool = False, path: bool = False) -> None:
        """Set one key of the stack's config; `path` reads the key as a property path."""
        self.pulumi(
            "config",
            "set",
            *(["--path"] if path else []),
            "--secret" if secret else "--plaintext",
            "--stack",
            self.name,
            key,
            "--",
            value,
        )

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, with secrets decrypted."""
        shown = self.pulumi("stack", "output", "--json", "--show-secrets", "--stack", self.name)
        return dict(json.loads(shown.stdout))

    def state(self) -> dict[str, Any]:
        """The stored deployment, with secrets as ciphertext."""
        return dict(json.loads(self.pulumi("stack", "export", "--stack", self.name).stdout)["deployment"])

    def resource(self, name: str) -> dict[str, Any]:
        """The stored state of the one resource with this logical name.

        Raises:
            LabError: there is no such resource, or more than one.
        """
        found = [entry for entry in self.state().get("resources", []) if entry["urn"].rsplit("::", 1)[1] == name]
        if len(found) != 1:
            raise LabError(f"{len(found)} resources of stack {self.name} are named {name!r}.")
        return dict(found[0])

    def pulumi(
        self,
        *arguments: str,
        check: bool = True,
        timeout_seconds: float = TIMEOUT_SECONDS,
        environment: Mapping[str, str] | None = None,
    ) -> Run:
        """Run any `pulumi` command in the program's folder, without questions.

        Raises:
            LabError: it did not end in time (it is killed then), or it failed and `check` is set; with its last lines.
        """
        with subprocess.Popen(
            ["pulumi", "--non-interactive", "--color", "never", *arguments],
            cwd=self.folder,
            env={**self.environment, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as child:
            try:
                stdout, stderr = child.communicate(timeout=timeout_seconds)
            except subprocess.TimeoutExpired as error:
                raise LabError(f"pulumi {arguments[0]} did not end within {timeout_seconds:.0f} s.") from error
            finally:
                if child.poll() is None:
                    os.killpg(child.pid, signal.SIGKILL)
        run = Run(arguments=arguments, code=child.returncode, stdout=stdout, stderr=stderr)
        if check:
            _require_success(run)
        return run

    def _operation(self, *arguments: str, check: bool) -> Run:
        with tempfile.TemporaryDirectory(prefix="pulumi-events-") as folder:
            log = Path(folder) / "events.jsonl"
            run = self.pulumi(
                *arguments,
                "--stack",
                self.name,
                "--event-log",
                str(log),
                check=False,
                # The event log is only available as a debugging flag.
                environment={"PULUMI_DEBUG_COMMANDS": "true"},
            )
            event_log = log.read_text() if log.exists() else ""
        run = Run(
            arguments=run.arguments,
            code=run.code,
            stdout=run.stdout,
            stderr=run.stderr,
            event_log=event_log,
        )
        if check:
            _require_success(run)
        return run


def _require_success(run: Run) -> None:
    if run.code != 0:
        said = "\n".join([*run.messages(), run.stderr.strip()]) or run.stdout
        raise LabError(f"pulumi {run.arguments[0]} ended with exit code {run.code}:\n{said[-4000:]}")


def _step(metadata: Mapping[str, Any]) -> Step:
    differences = metadata.get("detailedDiff") or {}
    return Step(
        op=metadata["op"],
        urn=metadata["urn"],
        type=metadata["type"],
        differences={path: entry["diffKind"] for path, entry in differences.items()},
    )


def _text(diagnostic: Mapping[str, Any]) -> str:
    return str(diagnostic["message"]).strip()
