"""Outputs that resolve only after other resources exist."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi


def after(value: pulumi.Output[str], resources: Sequence[pulumi.Resource]) -> pulumi.Output[str]:
    """A value that resolves only after the resources exist."""
    return pulumi.Output.all(value, *(resource.urn for resource in resources)).apply(lambda values: str(values[0]))
