"""Outputs that resolve only after other resources exist."""

from __future__ import annotations

from collections.abc import Iterable

import pulumi


def after(value: pulumi.Output[str], others: Iterable[pulumi.Output[str]]) -> pulumi.Output[str]:
    """A value that resolves only after others have: ids or URNs of resources that must exist before it is used.

    In a preview the id of a resource to be created is unknown, and with it the value; its URN is known.
    """
    return pulumi.Output.all(value, *others).apply(lambda values: str(values[0]))
