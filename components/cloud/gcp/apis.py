"""The APIs of Google Cloud that a stack uses."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_gcp.projects import Service

from components.cloud.gcp import lateness
from components.cloud.retries import Late, retry_hook

FULL_NAMES: Final = {
    "artifacts": "artifactregistry.googleapis.com",
    "binaries": "binaryauthorization.googleapis.com",
    "certificates": "certificatemanager.googleapis.com",
    "compute": "compute.googleapis.com",
    "container": "container.googleapis.com",
    "credentials": "iamcredentials.googleapis.com",
    "files": "file.googleapis.com",
    "iam": "iam.googleapis.com",
    "iap": "iap.googleapis.com",
    "networking": "servicenetworking.googleapis.com",
    "posture": "containersecurity.googleapis.com",
    "projects": "cloudresourcemanager.googleapis.com",
    "sql": "sqladmin.googleapis.com",
    "storage": "storage.googleapis.com",
}
"""By the name that they have in state, where the official one may change."""
DISABLED: Final = re.compile(r"has not been used in project .*/apis/api/([a-z.]+googleapis\.com)/", re.DOTALL)
"""What Google answers for a disabled API, and which that is; https://cloud.google.com/service-usage/docs/troubleshooting."""
ALWAYS: Final = ("compute", "container", "credentials", "iam", "networking", "projects", "sql")


@dataclass(frozen=True, kw_only=True)
class ApisArgs:
    """Which APIs are enabled, and where."""

    project: str
    names: Sequence[str]
    """Keys of FULL_NAMES, beyond what every stack needs."""
    before: Sequence[pulumi.ResourceHook] = ()
    """What runs before the first API is enabled."""


class Apis(pulumi.ComponentResource):
    """Enabled APIs. They stay enabled when the stack goes: others in the project may use them."""

    enabled: dict[str, pulumi.Resource]
    hooks: pulumi.ResourceHookBinding
    """For every resource of Google Cloud: what is late is waited for."""

    def __init__(self, name: str, args: ApisArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:gcp:Apis", name, None, opts)
        self._name = name
        self.hooks = self.hooks_for("late")
        hooks = pulumi.ResourceHookBinding(
            before_create=[*args.before], on_error=[_advice(f"{name}-advice", args.project)]
        )
        self.enabled = {
            api: Service(
                f"{name}-{api}",
                service=FULL_NAMES[api],
                disable_on_destroy=False,
                opts=pulumi.ResourceOptions(
                    parent=self, hooks=hooks, custom_timeouts=pulumi.CustomTimeouts(create="20m")
                ),
            )
            for api in (*ALWAYS, *args.names)
        }
        self.register_outputs({})

    def of(self, *names: str) -> list[pulumi.Resource]:
        """The resources to depend on before the first use of these APIs."""
        return [self.enabled[name] for name in names]

    def hooks_for(self, purpose: str, *further: Late) -> pulumi.ResourceHookBinding:
        """The same as `hooks` for resources that wait for more than all do; the purpose is part of a hook's name."""
        hook = retry_hook(f"{self._name}-{purpose}", *lateness.EVERYWHERE, *further)
        return pulumi.ResourceHookBinding(on_error=[hook])


def _advice(name: str, project: str) -> pulumi.ErrorHook:
    """Says once what to run where the API that enables all others is disabled: no program can enable that."""
    told = threading.Event()

    def tell(failed: pulumi.ErrorHookArgs) -> bool:
        found = next(filter(None, map(DISABLED.search, failed.errors)), None)
        if found is not None and not told.is_set():
            told.set()
            pulumi.log.error(
                f"Project {project} has {found[1]} disabled, which this program needs to enable any other API; run "
                f"`gcloud services enable {found[1]} --project {project}`, and then the same command again"
            )
        return False

    return pulumi.ErrorHook(name, tell)
