"""Fault injection: an environment variable names a file that describes which calls fail, and how.

The file is a JSON list. Each entry selects calls and describes their fault:

    [{"op": "create", "type": "gcp:container/nodePool:NodePool", "kind": "error", "message": "…"},
     {"op": "create", "type": "*", "nth": 3, "kind": "lost"},
     {"op": "create", "type": "gcp:storage/bucket:Bucket", "kind": "busy", "code": 429, "times": 2}]

op       create, read, update, delete, invoke or configure
type     a type token, a pattern (`*` is every type) or a list of patterns; for configure the plugin's name
name     a pattern of the logical name; default `*`
nth      the first matching call that fails, from 1; default 1
times    the number of calls that fail from then on; default 1, 0 means all
kind     error    refused before any change, permanently, after `seconds` (of a real cloud); `message` is the
                  cloud's message
         lost     done, but the answer is lost: the caller gets an error and no state
         partial  done, but the operation ended with an error: the caller gets an error and the state
         busy     refused with `code` 429 or 503, as by a busy cloud; the plugin retries a limited number of times
         late     done, but takes `seconds` (of a real cloud) longer
         crash    the plugin dies before any change; with `"after": true` after the change and before its answer
         hang     no answer until the engine gives up
         leftover of a delete: done, but its dependent resources remain and block the next `left` deletions
         unsettled  of a create: done, but hidden from the next `left` lookups, because propagation takes time

Counters continue across commands: they are in the inventory.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final, Literal, get_args

from lab.clouds.inventory import World
from lab.errors import LabError

FAULTS_VARIABLE: Final = "LAB_CLOUD_FAULTS"

Effect = Literal["error", "lost", "partial", "busy", "late", "crash", "hang", "leftover", "unsettled"]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One entry of the file."""

    op: str
    kind: Effect
    type: str | Sequence[str] = "*"
    name: str = "*"
    nth: int = 1
    times: int = 1
    message: str = "the simulated cloud was told to refuse this"
    code: int = 400
    seconds: float = 0.0
    after: bool = False
    left: int = 1

    def means(self, op: str, token: str, name: str) -> bool:
        """Whether a call matches this fault."""
        patterns = [self.type] if isinstance(self.type, str) else self.type
        return self.op == op and fnmatchcase(name, self.name) and any(fnmatchcase(token, each) for each in patterns)


def read() -> tuple[Fault, ...]:
    """The requested faults; read again for each call, so that a running plugin sees changes.

    Raises:
        LabError: the file is missing or invalid.
    """
    path = os.environ.get(FAULTS_VARIABLE)
    if not path:
        return ()
    try:
        entries: list[dict[str, Any]] = json.loads(Path(path).read_text())
        found = tuple(Fault(**entry) for entry in entries)
    except (OSError, ValueError, TypeError) as error:
        raise LabError(
            f"{FAULTS_VARIABLE}={path}: {error}.", remedy="See lab/clouds/faults.py for its form."
        ) from error
    for fault in found:
        if fault.kind not in get_args(Effect):
            raise LabError(
                f"{FAULTS_VARIABLE}={path}: no kind {fault.kind!r}.", remedy=f"Use one of {get_args(Effect)}."
            )
    return found


def due(world: World, op: str, token: str, name: str) -> Fault | None:
    """The fault of this call; must be called once for every call, because it counts them."""
    met: Fault | None = None
    for fault in read():
        if not fault.means(op, token, name):
            continue
        number = world.count(f"fault {fault.op} {fault.type} {fault.name} {fault.kind} {fault.nth}")
        if number >= fault.nth and (fault.times == 0 or number < fault.nth + fault.times):
            met = met or fault
    return met
