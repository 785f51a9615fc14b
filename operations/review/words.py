"""Renders changes as Markdown: the most dangerous first, values shortened, nothing of a value interpreted."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Final

from operations.review.changes import OPERATIONS, Change, Operation, Preview
from operations.review.differences import ABSENT, SECRET, UNKNOWN, Difference, Json

VALUE_MAX: Final = 120
"""Characters of a value that are shown."""
DIFFERENCES_MAX: Final = 25
"""Differences of a resource that are shown."""
HEADINGS: Final[dict[Operation, str]] = {
    "replace": "Replaced",
    "delete": "Deleted",
    "update": "Updated",
    "create": "Created",
}
DETAILED: Final[frozenset[Operation]] = frozenset({"replace", "delete", "update"})
"""Operations whose differences are shown. A new resource has only new values."""


def summary(preview: Preview) -> str:
    """One line with the number of resources by operation."""
    counted = [(HEADINGS[operation].lower(), len(preview.of(operation))) for operation in OPERATIONS]
    words = [f"{count} {word}" for word, count in counted if count]
    return f"{', '.join(words) or 'No changes'}; {preview.unchanged} unchanged."


def blocks(preview: Preview) -> list[str]:
    """All changes as blocks of Markdown, each complete by itself: headings and items with their differences."""
    found: list[str] = []
    for operation in OPERATIONS:
        changes = preview.of(operation)
        if not changes:
            continue
        found.append(f"#### {HEADINGS[operation]} ({len(changes)})")
        found += [item(change) for change in changes]
    return found


def labelled_item(change: Change) -> str:
    """One resource with its operation, for lists that have no headings."""
    return item(change, label=f"{HEADINGS[change.operation].lower()}: ")


def item(change: Change, *, label: str = "") -> str:
    """One resource, with its differences below it."""
    lines = [f"- {label}**{code(change.name)}** {code(change.type)}"]
    if change.operation in DETAILED:
        lines += [f"  - {difference(each)}" for each in change.differences[:DIFFERENCES_MAX]]
        more = len(change.differences) - DIFFERENCES_MAX
        if more > 0:
            lines.append(f"  - and {more} more")
    return "\n".join(lines)


def difference(found: Difference) -> str:
    """One property, from its value to the other."""
    reason = " (forces the replacement)" if found.replaces else ""
    path = code(found.path)
    if found.before == SECRET and found.after == SECRET:
        return f"{path}: another secret{reason}"
    if found.before == ABSENT:
        return f"{path}: added {value(found.after)}{reason}"
    if found.after == ABSENT:
        return f"{path}: removed {value(found.before)}{reason}"
    return f"{path}: {value(found.before)} → {value(found.after)}{reason}"


def value(content: Json) -> str:
    """A value as code, or a stand-in in words."""
    if content in (SECRET, UNKNOWN, ABSENT):
        return str(content).strip("[]")
    text = content if isinstance(content, str) else json.dumps(content, sort_keys=True, ensure_ascii=False)
    shown = " ".join(text.split())
    if len(shown) > VALUE_MAX:
        shown = f"{shown[:VALUE_MAX]}… ({len(text)} characters)"
    return code(shown)


def code(text: str) -> str:
    """Text as inline code in Markdown, whatever characters it has.

    The fence is longer than any run of backticks in the text (CommonMark 0.31, section 6.1), so that values of an
    untrusted pull request are neither links, mentions, images, nor HTML.
    """
    flat = " ".join(text.split()) or " "
    fence = "`" * (_longest_run(flat) + 1)
    space = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{fence}{space}{flat}{space}{fence}"


def verbatim(texts: Sequence[str]) -> str:
    """Texts of several lines as one block of code."""
    text = "\n".join(texts)
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}text\n{text}\n{fence}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)
