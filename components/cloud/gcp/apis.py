"""The APIs of Google Cloud that a stack uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_gcp.projects import Service

FULL_NAMES: Final = {
    "artifacts": "artifactregistry.googleapis.com",
    "certificates": "certificatemanager.googleapis.com",
    "compute": "compute.googleapis.com",
    "container": "container.googleapis.com",
    "credentials": "iamcredentials.googleapis.com",
    "files": "file.googleapis.com",
    "iam": "iam.googleapis.com",
    "iap": "iap.googleapis.com",
    "networking": "servicenetworking.googleapis.com",
    "projects": "cloudresourcemanager.googleapis.com",
    "sql": "sqladmin.googleapis.com",
    "storage": "storage.googleapis.com",
}
"""By the name that they have in state, where the official one may change."""
ALWAYS: Final = ("compute", "container", "credentials", "iam", "networking", "projects", "sql")


@dataclass(frozen=True, kw_only=True)
class ApisArgs:
    """What is enabled beyond what every stack needs."""

    names: Sequence[str]
    """Keys of FULL_NAMES."""


class Apis(pulumi.ComponentResource):
    """Enabled APIs. They stay enabled when the stack goes: others in the project may use them."""

    enabled: dict[str, pulumi.Resource]

    def __init__(self, name: str, args: ApisArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:gcp:Apis", name, None, opts)
        self.enabled = {
            api: Service(
                f"{name}-{api}",
                service=FULL_NAMES[api],
                disable_on_destroy=False,
                opts=pulumi.ResourceOptions(parent=self, custom_timeouts=pulumi.CustomTimeouts(create="20m")),
            )
            for api in (*ALWAYS, *args.names)
        }
        self.register_outputs({})

    def of(self, *names: str) -> list[pulumi.Resource]:
        """What to depend on before the first use of these APIs."""
        return [self.enabled[name] for name in names]
