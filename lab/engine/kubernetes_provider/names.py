"""Names that the provider gives: to objects, to field managers, and to the annotations that steer it."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any, Final

from lab.engine.kubernetes_provider.objects import (
    FIELD_MANAGER,
    Object,
    annotated_true,
    annotation,
    name_of,
    pluck,
)
from lab.engine.provider_values import is_unknown

AUTONAMED: Final = "pulumi.com/autonamed"
SKIP_AWAIT: Final = "pulumi.com/skipAwait"
TIMEOUT_SECONDS: Final = "pulumi.com/timeoutSeconds"
WAIT_FOR: Final = "pulumi.com/waitFor"
REPLACE_UNREADY: Final = "pulumi.com/replaceUnready"
PATCH_FORCE: Final = "pulumi.com/patchForce"
PATCH_FIELD_MANAGER: Final = "pulumi.com/patchFieldManager"
DELETION_PROPAGATION: Final = "pulumi.com/deletionPropagationPolicy"

CREATOR: Final = "pulumi-kubernetes"
"""The field manager of objects as they were created; the first update hands its fields over to the applier."""
_RANDOM_DIGITS: Final = 8


def unique(prefix: str, seed: bytes = b"") -> str:
    """The prefix and eight hexadecimal digits, always the same ones for one seed."""
    if not seed:
        return prefix + secrets.token_hex(_RANDOM_DIGITS // 2)
    return prefix + hashlib.sha256(seed + prefix.encode()).hexdigest()[:_RANDOM_DIGITS]


def logical_name(urn: str) -> str:
    """The resource's name in the program."""
    return urn.split("::", 3)[3]


def type_token(urn: str) -> str:
    """The resource's own type, without those of its parents."""
    return urn.split("::")[2].rpartition("$")[2]


def group_version_kind(urn: str) -> tuple[str, str]:
    """The apiVersion and kind that a type token stands for."""
    _, module, kind = type_token(urn).split(":", 2)
    return module.removeprefix("core/"), kind


def refusal(urn: str) -> str:
    """Why a resource of this type cannot be had, or ""."""
    token = type_token(urn)
    kind = token.rpartition(":")[2]
    not_modelled = "is not modelled by the lab's kubernetes stand-in; use the typed resources"
    if token.startswith(("kubernetes:helm.sh/", "kubernetes:yaml", "kubernetes:kustomize")):
        return f"{token} {not_modelled}"
    if kind.endswith("Patch") and not token.startswith("kubernetes:apiextensions"):
        return f"{kind} {not_modelled}"
    if kind.endswith("List"):
        return f"{kind}: a list exists in manifests only and cannot be created; use the resources in it"
    return ""


def give_name(inputs: Object, urn: str, seed: bytes, proposed: str = "", mode: int = 0) -> None:
    """Name an object that has no name: the logical one with a random suffix, unless the engine proposes another.

    Raises:
        ValueError: the engine's naming is disabled.
    """
    if _is_named(inputs) or pluck(inputs, "metadata", "generateName"):
        return
    metadata = inputs.setdefault("metadata", {})
    if not isinstance(metadata, dict):  # unknown as a whole
        return
    match mode:
        case _Autonaming.DISABLE:
            raise ValueError(f"automatic naming is disabled and {logical_name(urn)!r} has no .metadata.name")
        case _Autonaming.ENFORCE | _Autonaming.PROPOSE if proposed:
            metadata["name"] = proposed
        case _:
            metadata["name"] = unique(f"{logical_name(urn)}-", seed)
    _annotate_autonamed(metadata)


class _Autonaming:
    """The modes of CheckRequest.AutonamingOptions."""

    PROPOSE: Final = 0
    ENFORCE: Final = 1
    DISABLE: Final = 2


def keep_name(inputs: Object, old: Object) -> None:
    """Give an unnamed object the name that it was given before."""
    if _is_named(inputs) or not annotated_true(old, AUTONAMED):
        return
    metadata = inputs.setdefault("metadata", {})
    if isinstance(metadata, dict):
        metadata["name"] = name_of(old)
        _annotate_autonamed(metadata)


def _is_named(inputs: Object) -> bool:
    metadata = inputs.get("metadata")
    return is_unknown(metadata) or bool(pluck(metadata, "name"))


def _annotate_autonamed(metadata: dict[str, Any]) -> None:
    annotations = metadata.setdefault("annotations", {})
    if isinstance(annotations, dict):
        annotations[AUTONAMED] = "true"


def field_manager(state: Object, inputs: Object, *, server_side: bool, seed: bytes = b"") -> str:
    """Who applies: as annotated, as recorded in state, or a new name of our own."""
    if not server_side:
        return CREATOR
    return annotation(inputs, PATCH_FIELD_MANAGER) or state.get(FIELD_MANAGER) or unique(f"{CREATOR}-", seed)


def timeout_seconds(requested: float, inputs: Object) -> float | None:
    """How long to wait at most: the resource's custom timeout, else its annotation, else nothing said."""
    if requested:
        return requested
    said = annotation(inputs, TIMEOUT_SECONDS)
    return float(said) if said.lstrip("-").isdigit() else None
