"""The Markdown pages of the project: their links, their headings, and the anchors that a link can name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.unit.recording.stacks import ROOT

DOCS: Final = ROOT / "docs"
FENCE: Final = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
CODE: Final = re.compile(r"`[^`\n]*`")
LINK: Final = re.compile(r"!?\[(?:[^\]\[]|\[[^\]]*\])*\]\(\s*<?([^)\s>]+)>?[^)]*\)|<(https?://[^>\s]+)>")
HEADING: Final = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)


def docs() -> list[Path]:
    """Every page of the site."""
    return sorted(DOCS.rglob("*.md"))


def checked() -> list[Path]:
    """Every page of the site, and the pages beside it that GitHub shows."""
    return [
        *docs(),
        *sorted(ROOT.glob("*.md")),
        ROOT / "lab/README.md",
        ROOT / "images/README.md",
        ROOT / "policies/README.md",
        ROOT / "tests/README.md",
    ]


def name(page: Path) -> str:
    """A page's path in the project."""
    return page.relative_to(ROOT).as_posix()


def links(text: str) -> Iterator[str]:
    """The targets of all links; those in code are none."""
    for first, second in LINK.findall(CODE.sub("", FENCE.sub("", text))):
        yield first or second


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub and the site make them."""
    found: set[str] = set()
    for heading in HEADING.findall(FENCE.sub("", text)):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        base = re.sub(r"[^\w\- ]", "", words).strip().replace(" ", "-")
        found.add(base if base not in found else f"{base}-1")
    return found


def fault(page: Path, target: str) -> str | None:
    """The reason why a link of a page leads nowhere, or None."""
    if re.match(r"[a-z]+:", target):
        return None if re.fullmatch(r"(https?://[\w.-]+(:\d+)?(/\S*)?|mailto:\S+@\S+)", target) else "is no address"
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    if not file.exists():
        return "is no file"
    if page.is_relative_to(DOCS) and not file.is_relative_to(DOCS):
        return "leaves docs/, which is all that the site has"
    if anchor and file.suffix == ".md" and anchor not in anchors(file.read_text()):
        return f"is no heading of {name(file)}"
    return None
