"""Kubernetes objects as plain data, for the places where Airflow wants a manifest instead of an object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pulumi

# The SDK has no public way to turn its Args classes into the names of the Kubernetes API; Output.from_input uses these.
from pulumi._types import input_type_to_dict, is_input_type


def plain(value: Any) -> Any:
    """Args classes as dictionaries with the field names of the Kubernetes API; Outputs stay where they are."""
    if is_input_type(cast("type[Any]", type(value))):
        return {key: plain(part) for key, part in input_type_to_dict(value).items() if part is not None}
    if isinstance(value, Mapping):
        return {key: plain(part) for key, part in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(part) for part in cast("Sequence[Any]", value)]
    return value


def json_text(value: Any) -> pulumi.Output[str]:
    """The manifest as JSON, which is YAML too."""
    return pulumi.Output.json_dumps(plain(value), indent=1, sort_keys=True)
