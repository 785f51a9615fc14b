"""Reads the engine's output of a preview: changes of resources, policy findings, and errors.

Two forms are read. The stream of events is complete: `pulumi preview --json` with the variable
PULUMI_ENABLE_STREAMING_JSON_PREVIEW writes one event a line. The digest, which the command writes without the variable,
has no policy findings (pkg/v3/backend/display/json.go of the engine, v3.274.1: "we don't handle policy events").
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from operations.review.differences import Difference, Json, differences, entries

Operation = Literal["replace", "delete", "update", "create"]
OPERATIONS: Final[tuple[Operation, ...]] = ("replace", "delete", "update", "create")
"""From the most to the least dangerous."""
MEANING: Final[Mapping[str, Operation]] = {
    "create": "create",
    "import": "create",
    "update": "update",
    "delete": "delete",
    "replace": "replace",
    "create-replacement": "replace",
    "delete-replaced": "replace",
    "import-replacement": "replace",
    "read-replacement": "replace",
}
"""The engine's names of steps that change something (apitype.OpType); all others leave the resource as it is."""
CONCLUSIONS: Final = frozenset({"preview failed", "update failed"})
"""Errors by which the engine ends a run that failed for another reason, for example a mandatory policy."""
IMPLIED: Final = ("pulumi:pulumi:Stack", "pulumi:providers:")
"""Types of resources that the engine manages itself. They exist in no cloud."""
FAILING: Final = frozenset({"mandatory", "remediate"})
"""Enforcement levels of policies that fail the preview (apitype.EnforcementLevel)."""


class UnreadablePreviewError(ValueError):
    """The text is not the output of a preview. The message says why."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """A resource that would change."""

    operation: Operation
    urn: str
    type: str
    protected: bool
    """Whether the engine protects the existing resource from deletion."""
    differences: tuple[Difference, ...]

    @property
    def name(self) -> str:
        """The logical name."""
        return self.urn.rsplit("::", 1)[-1]


@dataclass(frozen=True, kw_only=True)
class PolicyFinding:
    """One violation of a policy."""

    policy: str
    message: str
    resource: str
    """The logical name; "" if the finding is about the whole stack."""
    fails: bool
    """Whether it fails the preview: mandatory, and without an exception of the pack."""


@dataclass(frozen=True, kw_only=True)
class Preview:
    """The content of a preview's output."""

    changes: tuple[Change, ...]
    """From the most to the least dangerous operation, then by name."""
    unchanged: int
    """Number of resources that stay as they are."""
    findings: tuple[PolicyFinding, ...]
    policy_packs: frozenset[str] | None
    """Names of the packs that ran; None for a digest, which does not tell."""
    errors: tuple[str, ...]
    complete: bool
    """Whether the output has its end, the summary of the whole run."""
    failed: bool
    """Whether the engine says that the run failed."""

    def of(self, operation: Operation) -> tuple[Change, ...]:
        """The changes with this operation."""
        return tuple(change for change in self.changes if change.operation == operation)


def read(text: str) -> Preview:
    """The preview in the output of `pulumi preview --json`, as a stream of events or as a digest.

    Raises:
        UnreadablePreviewError: the text is neither.
    """
    if not text.strip():
        raise UnreadablePreviewError("the output of the preview is empty")
    try:
        whole = json.loads(text)
    except ValueError:
        return _from_events(_events(text))
    if not isinstance(whole, dict):
        raise UnreadablePreviewError("the output of the preview is no JSON object")
    digest = cast("dict[str, Any]", whole)
    if "sequence" in digest:
        return _from_events([digest])
    if "steps" in digest or "changeSummary" in digest or "diagnostics" in digest:
        return _from_digest(digest)
    raise UnreadablePreviewError("the JSON object has neither events nor steps of a preview")


def _events(text: str) -> list[Mapping[str, Any]]:
    events: list[Mapping[str, Any]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("{"):
            continue
        try:
            events.append(json.loads(line))
        except ValueError:
            raise UnreadablePreviewError(f"line {number} of the output of the preview is cut or no JSON") from None
    if not any("sequence" in event for event in events):
        raise UnreadablePreviewError("the output of the preview has no event of the engine")
    return events


def _from_events(events: Sequence[Mapping[str, Any]]) -> Preview:
    steps: list[Mapping[str, Any]] = []
    refreshed: dict[str, Mapping[str, Any]] = {}
    findings: list[PolicyFinding] = []
    errors: list[str] = []
    summary: Mapping[str, Any] | None = None
    for event in events:
        if "resourcePreEvent" in event:
            steps.append(event["resourcePreEvent"]["metadata"])
        elif "resOutputsEvent" in event:
            metadata = event["resOutputsEvent"]["metadata"]
            refreshed[metadata["urn"]] = metadata
        elif "policyEvent" in event:
            findings.append(_finding(event["policyEvent"]))
        elif "diagnosticEvent" in event:
            diagnostic = event["diagnosticEvent"]
            if diagnostic.get("severity") == "error" and not diagnostic.get("ephemeral"):
                errors.append(str(diagnostic["message"]).strip())
        elif "summaryEvent" in event:
            summary = event["summaryEvent"]
    # A refresh is announced as such; its result, which comes with the outputs, is the difference.
    steps = [refreshed.get(step["urn"], step) if step["op"] == "refresh" else step for step in steps]
    end = entries(summary)
    reasons = [error for error in errors if error not in CONCLUSIONS]
    return _preview(
        steps,
        findings,
        frozenset(entries(end.get("PolicyPacks"))),
        reasons,
        complete=summary is not None,
        # Older engines write no result, but a conclusion.
        failed=len(reasons) < len(errors) or end.get("result", "succeeded") != "succeeded",
    )


def _from_digest(digest: Mapping[str, Any]) -> Preview:
    steps = [_as_metadata(step) for step in _items(digest, "steps")]
    errors = [str(each["message"]).strip() for each in _items(digest, "diagnostics") if each.get("severity") == "error"]
    ended = digest.get("changeSummary") is not None
    return _preview(steps, [], None, errors, complete=ended, failed=bool(errors))


def _items(digest: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    return digest.get(key) or []


def _as_metadata(step: Mapping[str, Any]) -> Mapping[str, Any]:
    """A step of a digest under the names of an event."""
    state = entries(step.get("newState") or step.get("oldState"))
    details = {
        path: {"diffKind": each["kind"], "inputDiff": each.get("inputDiff")}
        for path, each in entries(step.get("detailedDiff")).items()
    }
    return {
        "op": step["op"],
        "urn": step["urn"],
        "type": state.get("type", ""),
        "old": step.get("oldState"),
        "new": step.get("newState"),
        "keys": step.get("replaceReasons"),
        "diffs": step.get("diffReasons"),
        "detailedDiff": details or None,
    }


def _preview(
    steps: Sequence[Mapping[str, Any]],
    findings: Sequence[PolicyFinding],
    packs: frozenset[str] | None,
    errors: Sequence[str],
    *,
    complete: bool,
    failed: bool,
) -> Preview:
    changes: dict[str, Change] = {}
    unchanged: set[str] = set()
    for step in steps:
        if str(step["type"]).startswith(IMPLIED):
            continue
        operation = MEANING.get(step["op"])
        if operation is None:
            unchanged.add(step["urn"])
        else:
            change = _change(operation, step)
            changes[change.urn] = _more_dangerous(changes.get(change.urn), change)
    ordered = sorted(changes.values(), key=lambda change: (OPERATIONS.index(change.operation), change.name))
    return Preview(
        changes=tuple(ordered),
        unchanged=len(unchanged - changes.keys()),
        findings=tuple(_once(findings)),
        policy_packs=packs,
        errors=tuple(dict.fromkeys(errors)),
        complete=complete,
        failed=failed,
    )


def _once(findings: Sequence[PolicyFinding]) -> Iterator[PolicyFinding]:
    """The findings without repetitions, those that fail first."""
    yield from sorted(dict.fromkeys(findings), key=lambda each: (not each.fails, each.policy, each.resource))


def _change(operation: Operation, step: Mapping[str, Any]) -> Change:
    old = entries(step.get("old"))
    listed: tuple[Difference, ...] = ()
    # A new or deleted resource has no difference to its former self.
    if operation in ("update", "replace"):
        listed = differences(
            old,
            entries(step.get("new")),
            detailed=cast("Mapping[str, Mapping[str, Json]] | None", step.get("detailedDiff")),
            keys=step.get("diffs") or [],
            replacing=step.get("keys") or [],
            type_=step["type"],
        )
    return Change(
        operation=operation,
        urn=step["urn"],
        type=step["type"],
        protected=bool(old.get("protect")),
        differences=listed,
    )


def _more_dangerous(first: Change | None, second: Change) -> Change:
    """One change for the steps of a replacement, with the differences of the step that has some."""
    if first is None:
        return second
    chosen = min((first, second), key=lambda change: OPERATIONS.index(change.operation))
    listed = max((first, second), key=lambda change: len(change.differences)).differences
    return Change(
        operation=chosen.operation,
        urn=chosen.urn,
        type=chosen.type,
        protected=first.protected or second.protected,
        differences=listed,
    )


def _finding(event: Mapping[str, Any]) -> PolicyFinding:
    urn = str(event.get("resourceUrn") or "")
    about_stack = "::pulumi:pulumi:Stack::" in urn
    return PolicyFinding(
        policy=event["policyName"],
        message=str(event["message"]).strip(),
        resource="" if about_stack else urn.rsplit("::", 1)[-1],
        fails=event["enforcementLevel"] in FAILING and not event.get("exceptions"),
    )
