"""The Google Cloud APIs that a stack uses."""

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
    "bigquery": "bigquery.googleapis.com",
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
    "secrets": "secretmanager.googleapis.com",
    "sql": "sqladmin.googleapis.com",
    "storage": "storage.googleapis.com",
}
"""Official names by the names in state, which stay if an official name changes."""
DISABLED: Final = re.compile(r"has not been used in project .*/apis/api/([a-z.]+googleapis\.com)/", re.DOTALL)
"""Google's message for a disabled API, which it names; https://cloud.google.com/service-usage/docs/troubleshooting."""
ALWAYS: Final = ("compute", "container", "credentials", "iam", "networking", "projects", "sql")


@dataclass(frozen=True, kw_only=True)
class ApisArgs:
    """The APIs to enable in a project."""

    project: str
    names: Sequence[str]
    """Keys of FULL_NAMES, in addition to ALWAYS."""
    before: Sequence[pulumi.ResourceHook] = ()
    """Hooks that run before the first API is enabled."""


class Apis(pulumi.ComponentResource):
    """Enabled APIs. They stay enabled after `destroy`, because others in the project may use them."""

    enabled: dict[str, pulumi.Resource]
    hooks: pulumi.ResourceHookBinding
    """Hooks for every resource of Google Cloud: they wait for APIs, accounts and pools that become effective late."""

    def __init__(self, name: str, args: ApisArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:gcp:Apis", name, None, opts)
        self._name = name
        self.hooks = self.hooks_for("late")
        hooks = pulumi.ResourceHookBinding(
            before_create=[*args.before], on_error=[_api_disabled_hook(f"{name}-advice", args.project)]
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
        """The resources that the first user of these APIs must depend on."""
        return [self.enabled[name] for name in names]

    def hooks_for(self, purpose: str, *further: Late) -> pulumi.ResourceHookBinding:
        """Hooks like `hooks` that also wait for further changes; the purpose is part of the hook's name."""
        hook = retry_hook(f"{self._name}-{purpose}", *lateness.EVERYWHERE, *further)
        return pulumi.ResourceHookBinding(on_error=[hook])


def _api_disabled_hook(name: str, project: str) -> pulumi.ErrorHook:
    """Prints the remedy once if the API that enables all others is disabled: no program can enable that API."""
    printed = threading.Event()

    def print_remedy(failed: pulumi.ErrorHookArgs) -> bool:
        match = next(filter(None, map(DISABLED.search, failed.errors)), None)
        if match is not None and not printed.is_set():
            printed.set()
            pulumi.log.error(
                f"Project {project} has {match[1]} disabled, which this program needs to enable any other API; run "
                f"`gcloud services enable {match[1]} --project {project}`, and then the same command again"
            )
        return False

    return pulumi.ErrorHook(name, print_remedy)
