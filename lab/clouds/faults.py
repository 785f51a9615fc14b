"""Faults on purpose: which call goes wrong, and how, is said in a file that a variable of the environment names.

The file is a JSON list. Each entry says which calls it means and what becomes of them:

    [{"op": "create", "type": "gcp:container/nodePool:NodePool", "kind": "error", "message": "…"},
     {"op": "create", "type": "*", "nth": 3, "kind": "lost"},
     {"op": "create", "type": "gcp:storage/bucket:Bucket", "kind": "busy", "code": 429, "times": 2}]

op       create, read, update, delete, invoke or configure
type     a type token, a pattern (`*` is every type) or a list of patterns; for configure the plugin's name
name     a pattern of the logical name; default `*`
nth      the first matching call that goes wrong, from 1; default 1
times    how many calls go wrong from then on; default 1, 0 is all
kind     error    refused before anything happened, for good, after `seconds` (of a real cloud); `message` is what the
                  cloud says
         lost     done, and the answer lost: the caller gets an error and no state
         partial  done, and its operation ended in an error: the caller gets an error and the state
         busy     refused with `code` 429 or 503, as if the cloud had too much to do; the plugin tries again, boundedly
         late     done, but takes `seconds` (of a real cloud) longer
         crash    the plugin dies before anything happened; with `"after": true` after it was done and before it answers
         hang     no answer until the engine gives up
         leftover of a delete: done, but what it made by itself stays and stands in the way of the next `left` deletions
         unsettled  of a create: done, but the next `left` looks of others miss it, because news take their time

Counting goes on from one command to the next: the counters are in the inventory.
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
        """Whether a call is one that this fault counts."""
        patterns = [self.type] if isinstance(self.type, str) else self.type
        return self.op == op and fnmatchcase(name, self.name) and any(fnmatchcase(token, each) for each in patterns)


def read() -> tuple[Fault, ...]:
    """The faults that are asked for; read anew for each call, so that a running plugin learns of changes.

    Raises:
        LabError: the file is missing or says something that is not understood.
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
    """The fault that this call meets; every call has to ask once, for the count."""
    met: Fault | None = None
    for fault in read():
        if not fault.means(op, token, name):
            continue
        number = world.count(f"fault {fault.op} {fault.type} {fault.name} {fault.kind} {fault.nth}")
        if number >= fault.nth and (fault.times == 0 or number < fault.nth + fault.times):
            met = met or fault
    return met
