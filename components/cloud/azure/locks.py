"""Management locks: Azure itself refuses to delete the locked resources, for every login."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi_azure_native import authorization


class Locks(pulumi.ComponentResource):
    """A lock on each scope. The `up` that turns protection off deletes the locks first."""

    def __init__(
        self, name: str, scopes: Mapping[str, pulumi.Input[str]], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("airflow:azure:Locks", name, None, opts)
        for use, scope in scopes.items():
            authorization.ManagementLockByScope(
                f"{name}-{use}",
                lock_name="airflow",
                scope=scope,
                level=authorization.LockLevel.CAN_NOT_DELETE,
                notes="Holds data of Airflow. Goes with `airflow:protect: false` and one `pulumi up`.",
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})
