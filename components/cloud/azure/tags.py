"""Tags that others manage on the resources of a stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pulumi


def ignore_tags(names: Sequence[str]) -> pulumi.ResourceTransformation:
    """A transformation that neither adds nor removes tags of these names.

    A policy of the subscription may set them. Tags set during creation are in the API's answer and cause no difference.
    The next `up` would remove tags that are set later, and the policy would add them again.
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
