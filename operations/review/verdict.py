"""Decides whether a review passes: the preview's errors, lost data, policies, and whatever could not be computed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from operations.review.changes import Preview
from operations.review.protected import Loss, losses
from operations.review.words import code

FINE: Final = 0
FAILED: Final = 1
NOT_COMPUTED: Final = 2


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The result of a review."""

    failures: tuple[str, ...]
    """Findings that fail the check, each with its remedy, as Markdown."""
    problems: tuple[str, ...]
    """Parts that could not be computed, each with its remedy, as Markdown. A check never passes with one."""
    allowed: tuple[Loss, ...] = ()
    """Losses that the label allows."""

    @property
    def code(self) -> int:
        """The exit code: 0 fine, 1 the check fails, 2 something could not be computed."""
        if self.problems:
            return NOT_COMPUTED
        return FAILED if self.failures else FINE


def judge(
    preview: Preview,
    *,
    labels: Collection[str],
    allow_label: str,
    policy_packs: Sequence[str] = (),
    problems: Sequence[str] = (),
) -> Verdict:
    """The verdict on a preview.

    Args:
        preview: what was read.
        labels: labels of the pull request.
        allow_label: the label that allows to destroy data.
        policy_packs: paths of the packs that had to run.
        problems: parts of the review that could not be computed, as Markdown.
    """
    found = losses(preview)
    allowed = allow_label in labels
    failures = [
        f"{loss}. If that is intended, set the label {code(allow_label)} on the pull request and run the job again."
        for loss in (() if allowed else found)
    ]
    failures += [
        f"The policy {code(finding.policy)} is violated{f' by {code(finding.resource)}' if finding.resource else ''}; "
        "its message below names the remedy."
        for finding in preview.findings
        if finding.fails
    ]
    return Verdict(
        failures=tuple(failures),
        problems=(*_unfinished(preview), *_policies(preview, policy_packs), *problems),
        allowed=found if allowed else (),
    )


def _unfinished(preview: Preview) -> list[str]:
    """The errors of a preview that failed for another reason than a policy."""
    if preview.errors:
        return ["The preview failed: its errors are below. Correct them, and push again."]
    if preview.failed and not any(finding.fails for finding in preview.findings):
        return ["The preview failed without an error message; its log has the output of the engine."]
    if not preview.complete:
        return ["The preview did not end: its output has no summary. Run the job again."]
    return []


def _policies(preview: Preview, wanted: Sequence[str]) -> list[str]:
    if not wanted:
        return []
    if preview.policy_packs is None:
        return [
            "The preview is a digest, which has no policy findings; write it with "
            "PULUMI_ENABLE_STREAMING_JSON_PREVIEW=true."
        ]
    # A failed preview ends before its packs are counted; its error is reported already.
    if len(preview.policy_packs) < len(wanted) and not preview.errors and not preview.failed:
        return [f"The policies in {code(', '.join(wanted))} did not run; give the preview `--policy-pack`."]
    return []
