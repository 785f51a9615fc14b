"""Values that are known no sooner than what they are of use with."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi


def after(value: pulumi.Output[str], resources: Sequence[pulumi.Resource]) -> pulumi.Output[str]:
    """A value that is known once the resources are there, too."""
    return pulumi.Output.all(value, *(resource.urn for resource in resources)).apply(lambda known: str(known[0]))
