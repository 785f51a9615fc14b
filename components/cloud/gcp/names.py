"""Names of resources in Google Cloud."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi

from components.kubernetes import naming

ACCOUNT_MAX: Final = 30
"""Characters in a service account's id, https://cloud.google.com/iam/docs/service-accounts-create."""
CLUSTER_MAX: Final = 40
"""Characters in a cluster's name, https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters."""
NAME_MAX: Final = 63
"""Characters in most names, https://cloud.google.com/compute/docs/naming-resources; the names of a Cloud SQL server and
its project have 98 together."""


@dataclass(frozen=True, kw_only=True)
class ResourceNames:
    """Physical names of one stack. Their random end is new after each `destroy`.

    Names of servers are blocked for a week after deletion, those of buckets belong to all the world, and two stacks of
    one name may share a project.
    """

    instance: str
    suffix: pulumi.Output[str]

    def physical_name(self, *parts: str, limit: int = NAME_MAX) -> pulumi.Output[str]:
        """A name that holds the instance, the parts and the random end."""
        return self.suffix.apply(lambda suffix: naming.fitted(limit, self.instance, *parts, suffix))

    def labels(self) -> dict[str, str]:
        """Labels by which costs and searches tell this stack's things from others."""
        return {"app": naming.PART_OF, "instance": self.instance, "managed-by": "pulumi"}
