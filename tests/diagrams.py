"""The diagrams in docs/diagrams/, drawn from the recordings of the shipped stacks: `python -m tests.diagrams`."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from docs import diagrams
from tests.unit import conftest
from tests.unit.recording import stacks, stacks_gcp
from tests.unit.recording.recorder import Recording

FOLDER: Final = stacks.ROOT / "docs/diagrams"
INDEX: Final = "index.md"
SHIPPED: Final = {
    "Pulumi.local.yaml": "stack file local",
    "Pulumi.dev.yaml": "gcp, stack file dev",
    "Pulumi.prod.yaml": "azure, stack file prod",
    "docs/stacks/gcp-kubernetes.yaml": "gcp, sample kubernetes",
    "docs/stacks/gcp-celery-kubernetes.yaml": "gcp, sample both",
    "docs/stacks/azure-celery.yaml": "azure, sample celery",
    "docs/stacks/azure-celery-kubernetes.yaml": "azure, sample both",
}
"""The recording of each stack file."""


def recorded(stack: str) -> Recording:
    """The recording of a shipped stack."""
    return stacks_gcp.recorded(stack) if stack in stacks_gcp.STACKS else stacks.recorded(stack)


def graph(recording: Recording) -> diagrams.Graph:
    """The resources of a recording."""
    return diagrams.Graph(
        [
            diagrams.Node(
                urn=found.urn,
                parent=found.parent,
                type=found.type,
                name=found.name,
                component=not found.custom,
                dependencies=found.dependencies,
            )
            for found in recording.registrations
        ]
    )


def name(file: str) -> str:
    """The name of a stack file's stack."""
    return Path(file).stem.removeprefix("Pulumi.")


def pages() -> Iterator[tuple[str, str]]:
    """The name and the text of each page."""
    yield INDEX, index()
    for file, stack in SHIPPED.items():
        yield f"{name(file)}.md", diagrams.page(name(file), file, graph(recorded(stack)))


def index() -> str:
    """The page that lists the others."""
    lines = ["# Resources of the shipped stacks", "", diagrams.MARK, "", "| stack file | diagram |", "|---|---|"]
    lines += [f"| `{file}` | [{name(file)}]({name(file)}.md) |" for file in SHIPPED]
    return "\n".join((*lines, ""))


def main() -> None:
    """Write all pages, and delete those of stack files that do not exist."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(conftest.isolated_environment(Path(home)))
        texts = dict(pages())
    for stale in set(FOLDER.glob("*.md")) - {FOLDER / page for page in texts}:
        stale.unlink()
    for page, text in texts.items():
        (FOLDER / page).write_text(text)


if __name__ == "__main__":
    main()
