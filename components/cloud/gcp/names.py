"""Names of a stack's resources in Google Cloud."""

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
its project together are limited to 98."""


@dataclass(frozen=True, kw_only=True)
class ResourceNames:
    """Resource names of one stack, with a random suffix that is new after each `destroy`.

    The name of a deleted server is blocked for a week, bucket names are global, and two stacks of one name may share a
    project.
    """

    instance: str
    suffix: pulumi.Output[str]

    def physical_name(self, *parts: str, limit: int = NAME_MAX) -> pulumi.Output[str]:
        """A name made of the instance, the parts and the random suffix."""
        return self.suffix.apply(lambda suffix: naming.truncated_name(limit, self.instance, *parts, suffix))

    def labels(self) -> dict[str, str]:
        """Labels that identify this stack's resources in cost reports and searches."""
        return {"app": naming.PART_OF, "instance": self.instance, "managed-by": "pulumi"}
