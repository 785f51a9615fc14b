"""Names of a stack's resources in Azure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import pulumi

from components.kubernetes import naming

NAME_MAX: Final = 63
"""Characters in the name of a cluster or a database server: the lowest limit of names with dashes,
https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules."""
ACCOUNT_MAX: Final = 24
"""Characters in the name of a storage account: lower-case letters and digits."""
REGISTRY_MAX: Final = 50
"""Characters in the name of a registry: letters and digits."""
VAULT_MAX: Final = 24
"""Characters in the name of a key vault: letters, digits and dashes."""
NODE_GROUP_MAX: Final = 80
"""Characters in the name of the resource group that a cluster creates for its nodes."""

DNS_TAG: Final = re.compile(r"[A-Za-z][\w.-]*", re.ASCII)
"""Names of tags that DNS zones accept: no spaces, no leading digit, only ASCII,
https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources."""


def alphanumeric_name(limit: int, *parts: str) -> str:
    """The parts as lower-case letters and digits, with at most `limit` characters.

    Only the first part is shortened: the other parts make the name unique.

    Raises:
        ValueError: the limit leaves no room for the first part.
    """
    first, *rest = (re.sub(r"[^a-z0-9]", "", part.lower()) for part in parts)
    room = limit - sum(map(len, rest))
    if room < 1:
        raise ValueError(f"{limit} characters leave no room in addition to {' '.join(rest)}")
    return first[:room] + "".join(rest)


@dataclass(frozen=True, kw_only=True)
class ResourceNames:
    """Resource names of one stack, with a random suffix that is new after each `destroy`.

    Names of servers, storage accounts and registries are global, and some stay blocked after deletion.
    """

    instance: str
    suffix: pulumi.Output[str]
    own_tags: Mapping[str, str] = field(default_factory=dict[str, str])
    """Tags from the settings."""

    def physical_name(self, *parts: str, limit: int = NAME_MAX) -> pulumi.Output[str]:
        """A name made of the instance, the parts and the random suffix."""
        return self.suffix.apply(lambda suffix: naming.truncated_name(limit, self.instance, *parts, suffix))

    def alphanumeric_name(self, *parts: str, limit: int = ACCOUNT_MAX) -> pulumi.Output[str]:
        """The same for names without dashes."""
        return self.suffix.apply(lambda suffix: alphanumeric_name(limit, self.instance, *parts, suffix))

    def tags(self) -> dict[str, str]:
        """Tags that identify this stack's resources in cost reports and searches."""
        return {**self.own_tags, "app": naming.PART_OF, "instance": self.instance, "managed-by": "pulumi"}

    def dns_tags(self) -> dict[str, str]:
        """The same for DNS zones, without the names that they refuse."""
        return {name: value for name, value in self.tags().items() if DNS_TAG.fullmatch(name)}
