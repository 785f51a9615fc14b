"""Tags that others put on the resources of a stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pulumi


def left_to_others(names: Sequence[str]) -> pulumi.ResourceTransformation:
    """A transformation by which tags of these names are neither added to a resource nor taken from it.

    A policy of the subscription may put them there. What it puts there while a resource is made is in the answer, and
    no difference; what it puts there later would be taken away by the next `up`, and come back.
    """
    paths = [f'tags["{name}"]' for name in names]

    def transformed(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        props = cast("Mapping[str, Any]", getattr(args.props, "__dict__", args.props))
        if not args.type_.startswith("azure-native:") or props.get("tags") is None:
            return None
        ignored = [*(args.opts.ignore_changes or []), *paths]
        args.opts.ignore_changes = ignored
        return pulumi.ResourceTransformationResult(args.props, args.opts)

    return transformed
