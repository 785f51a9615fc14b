"""Field managers: who owns which fields of a live object."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from lab.engine.kubernetes_provider.names import CREATOR
from lab.engine.kubernetes_provider.objects import Object, pluck, remove_path, set_path
from lab.engine.provider_diff import path_of

# Whose fields the applier takes over before its first apply: managers by prefix, and the operation they used.
# The first is our own create, which is no apply and therefore another manager to the server.
_TAKEN_OVER: Final = (
    (CREATOR, "Update"),
    ("pulumi-resource-kubernetes", "Update"),
    ("before-first-apply", "Update"),
    ("kubectl", "Apply"),
    ("kubectl", "Update"),
)
_OURS_BEFORE: Final = frozenset({CREATOR, f"{CREATOR}.exe", "pulumi-resource-kubernetes"})


def managed_fields(live: Object) -> list[dict[str, Any]]:
    """The records of who manages what."""
    return pluck(live, "metadata", "managedFields") or []


def created_by_us(live: Object) -> bool:
    """Whether fields are still owned by the create (or an update) of this plugin and not by an apply."""
    return any(entry["operation"] == "Update" and entry["manager"] in _OURS_BEFORE for entry in managed_fields(live))


def handed_over(live: Object, manager: str) -> list[dict[str, Any]] | None:
    """The records with what create and kubectl own given to the applier; None when nothing changes."""
    kept: list[dict[str, Any]] = []
    ours: dict[str, Any] | None = None
    edited = False
    for entry in managed_fields(live):
        if entry["manager"] == manager and entry["operation"] == "Apply":
            ours = {**entry, "fieldsV1": _union(entry["fieldsV1"], (ours or {}).get("fieldsV1", {}))}
        elif _is_taken_over(entry):
            merged = _union((ours or {}).get("fieldsV1", {}), entry["fieldsV1"])
            ours = {**(ours or {**entry, "manager": manager, "operation": "Apply"}), "fieldsV1": merged}
            edited = True
        else:
            kept.append(entry)
    return [*kept, ours] if edited and ours else None


def _is_taken_over(entry: dict[str, Any]) -> bool:
    return not entry.get("subresource") and any(
        entry["operation"] == operation and entry["manager"].startswith(prefix) for prefix, operation in _TAKEN_OVER
    )


def _union(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    result = dict(one)
    for key, below in other.items():
        result[key] = _union(result.get(key, {}), below)
    return result


def leave_to_others(inputs: Object, live: Object, manager: str, ignored: Iterable[str]) -> None:
    """Take what is ignored out of the inputs where others manage it, and set it to its live value where we do."""
    ours: dict[str, Any] = {}
    theirs: dict[str, Any] = {}
    for entry in managed_fields(live):
        if entry["manager"] == manager:
            ours = _union(ours, entry["fieldsV1"])
        else:
            theirs = _union(theirs, entry["fieldsV1"])
    for text in ignored:
        path = [str(step) for step in path_of(text)]
        if _owns(theirs, path) and not _owns(ours, path):
            remove_path(inputs, path)
            continue
        value = pluck(live, *path)
        if value is not None:
            set_path(inputs, path, value)


def _owns(fields: dict[str, Any], path: Sequence[str]) -> bool:
    for step in path:
        if f"f:{step}" not in fields:
            return False
        fields = fields[f"f:{step}"]
    return True
