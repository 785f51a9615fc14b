"""Kubernetes objects as plain data, for options of Airflow that take a manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pulumi

# The SDK has no public function that converts its Args classes to the API's field names; Output.from_input uses these.
from pulumi._types import input_type_to_dict, is_input_type


def plain(value: Any) -> Any:
    """Args classes as dictionaries with the field names of the Kubernetes API; Outputs are not resolved."""
    if is_input_type(cast("type[Any]", type(value))):
        return {key: plain(child) for key, child in input_type_to_dict(value).items() if child is not None}
    if isinstance(value, Mapping):
        return {key: plain(child) for key, child in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(child) for child in cast("Sequence[Any]", value)]
    return value


def json_text(value: Any) -> pulumi.Output[str]:
    """The manifest as JSON, which is also valid YAML."""
    return pulumi.Output.json_dumps(plain(value), indent=1, sort_keys=True)
