"""Every call to the simulated clouds, one line of JSON each, in the order of their ends."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from lab.lock import locked

MASK: Final = "[secret]"


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call and its outcome."""

    op: str
    """create, read, update, delete, invoke or configure."""
    type: str
    id: str
    urn: str
    started: float
    """Seconds since the epoch."""
    ended: float
    outcome: str
    """`ok`, or the caller's error."""
    seconds: float = 0.0
    """Duration of the call in a real cloud, from the latency table."""
    inputs: dict[str, Any] = field(default_factory=dict[str, Any])
    """Inputs with secrets masked."""

    @property
    def name(self) -> str:
        """The resource's logical name."""
        return self.urn.rpartition("::")[2]


@dataclass(frozen=True)
class Journal:
    """The journal in the folder of an inventory."""

    folder: Path

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / "journal.jsonl"

    def write(self, call: Call) -> None:
        """Append a call; only complete lines, even with several writers."""
        with locked(self.folder / "journal.lock"):
            new = not self.path.exists()
            with self.path.open("a") as handle:
                handle.write(json.dumps(vars(call)) + "\n")
            if new:
                self.path.chmod(0o600)

    def calls(self, *ops: str) -> list[Call]:
        """The calls of some kinds, or all, in the order of their ends."""
        if not self.path.exists():
            return []
        found = [Call(**json.loads(line)) for line in self.path.read_text().splitlines()]
        return [call for call in found if not ops or call.op in ops]
