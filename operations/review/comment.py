"""The comment of a review: Markdown with a hidden marker, cut to the length that the forge takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from operations.review import words
from operations.review.changes import Preview
from operations.review.verdict import FAILED, FINE, Verdict

STATUS: Final = {
    FINE: "✅ **The check passes.**",
    FAILED: "❌ **The check fails.**",
}
NOT_COMPUTED: Final = "⚠️ **The check fails: the review is not complete.**"
SIMULATED: Final = (
    "_Simulated: the preview ran on the project's simulated clouds, without access to a real cloud or to secrets. "
    "It compares the base branch with this pull request, whose code took part in it: read its diff._"
)


@dataclass(frozen=True, kw_only=True)
class Review:
    """Everything that a comment tells."""

    stack: str
    verdict: Verdict
    preview: Preview | None = None
    """None if there is none."""
    price: tuple[str, ...] = ()
    """Blocks of Markdown about the price; empty if it is not part of the review."""
    policies: bool = False
    """Whether policies are part of the review."""
    simulated: bool = False


def marker(stack: str, *, simulated: bool = False) -> str:
    """The first line of the comment, which Markdown does not show: one comment for each stack."""
    return f"<!-- airflow-review: {stack}{' simulated' if simulated else ''} -->"


def render(review: Review, *, length_max: int | None = None, log: str = "") -> str:
    """The text of the comment.

    Args:
        review: the content.
        length_max: maximum length in characters; None for no limit.
        log: address of the complete text, which a cut comment names; "" if there is none.
    """
    blocks = [marker(review.stack, simulated=review.simulated), f"### Preview of stack {words.code(review.stack)}"]
    if review.simulated:
        blocks.append(SIMULATED)
    blocks.append(STATUS.get(review.verdict.code, NOT_COMPUTED))
    blocks += _items(review.verdict.problems)
    blocks += _items(review.verdict.failures)
    if review.verdict.allowed:
        blocks.append("The label allows these changes:")
        blocks += _items([str(loss) for loss in review.verdict.allowed])
    preview = review.preview
    if preview is not None:
        if preview.errors:
            blocks += ["#### Errors of the preview", words.verbatim(preview.errors)]
        blocks += review.price
        blocks += _policies(review, preview)
        blocks += ["#### Changes", words.summary(preview), *words.blocks(preview)]
    else:
        blocks += review.price
    if log:
        blocks.append(f"[Log of this run]({log})")
    return cut(blocks, length_max, log)


def _items(texts: Sequence[str]) -> list[str]:
    return [f"- {' '.join(text.split())}" for text in texts]


def _policies(review: Review, preview: Preview) -> list[str]:
    if not review.policies or preview.policy_packs is None:
        return []
    if not preview.findings:
        return ["#### Policies", "No findings."]
    blocks = [f"#### Policies ({len(preview.findings)} findings)"]
    for finding in preview.findings:
        level = "**mandatory**" if finding.fails else "advisory"
        where = f" {words.code(finding.resource)}" if finding.resource else ""
        blocks.append(f"- {level} {words.code(finding.policy)}{where}: {words.code(finding.message)}")
    return blocks


def cut(blocks: Sequence[str], length_max: int | None, log: str) -> str:
    """The blocks as one text; if it is too long, its beginning, and where the complete text is.

    A block is never divided, so that no code block or list stays open.
    """
    whole = "\n".join(_spaced(blocks))
    if length_max is None or len(whole) <= length_max:
        return whole
    place = f"[the log of this run]({log})" if log else "the log of this run"
    end = f"\n\n_This comment is cut: it has {{shown}} of {len(blocks)} blocks. The complete text is in {place}._"
    room = length_max - len(end) - len(str(len(blocks)))
    shown: list[str] = []
    for block in blocks:
        if len("\n".join(_spaced([*shown, block]))) > room:
            break
        shown.append(block)
    return "\n".join(_spaced(shown)) + end.format(shown=len(shown))


def _spaced(blocks: Sequence[str]) -> list[str]:
    """The blocks with an empty line between those that are not items of one list."""
    lines: list[str] = []
    for before, block in zip(["", *blocks], blocks, strict=False):
        if lines and not (before.startswith("- ") and block.startswith("- ")):
            lines.append("")
        lines.append(block)
    return lines
