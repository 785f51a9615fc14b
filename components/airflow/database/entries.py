"""Rows of the metadata database that the stack keeps: pools. One awaited Job writes them after the migration."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

import pulumi
from pulumi_kubernetes.batch.v1 import Job, JobSpecArgs
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.airflow.context import InstanceContext
from components.airflow.database.migration import AWAIT_MARGIN_SECONDS, RETRIES, Migration
from components.airflow.feature import Features
from components.airflow.pods.scripts import script
from components.airflow.pods.template import WorkloadPod, pod_template
from components.kubernetes import naming
from components.settings.stack import Settings
from components.settings.types import Resources

RESOURCES: Final = Resources(cpu_milli=100, memory_mib=512)
"""For one start of Airflow's models."""


def entries(settings: Settings) -> dict[str, Any]:
    """The rows that the settings name, by kind; empty if there are none."""
    pools = {
        project.name: {"slots": project.pool.slots, "description": f"project {project.name}"}
        for project in settings.projects
        if project.pool is not None
    }
    return {"pools": pools} if pools else {}


@dataclass(frozen=True, kw_only=True)
class EntriesArgs:
    """Arguments of the entries."""

    context: InstanceContext
    features: Features
    migration: Migration


class Entries(pulumi.ComponentResource):
    """One awaited Job that brings the rows to the settings; its name carries their hash.

    It has the account and the credentials of the migration, and runs after it. Without any entry there is no Job: the
    migration then deletes what the stack wrote before.
    """

    def __init__(self, name: str, args: EntriesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:airflow:Entries", name, None, opts)
        context, settings = args.context, args.context.settings
        deadline_seconds = settings.migration.deadline_seconds
        text = json.dumps(entries(settings), sort_keys=True)
        pod = WorkloadPod(
            workload="migration",
            container="entries",
            args=["python", "-c", script("apply_entries.py")],
            resources=RESOURCES,
            restart_policy="OnFailure",
            environment={"ENTRIES": text},
        )
        Job(
            f"{name}-job",
            metadata=ObjectMetaArgs(
                name=naming.object_name(context.name, "entries", naming.digest(settings.image.reference, text)),
                namespace=context.namespace,
                labels=context.labels("entries"),
                # A failed Job never retries: the next `up` creates a new one.
                annotations={"pulumi.com/replaceUnready": "true"},
            ),
            spec=JobSpecArgs(
                backoff_limit=RETRIES,
                active_deadline_seconds=deadline_seconds,
                template=pod_template(context, args.features, pod, args.migration.options),
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=context.kubernetes,
                delete_before_replace=True,
                # The tables exist after the migration.
                depends_on=[args.migration.done],
                custom_timeouts=pulumi.CustomTimeouts(create=f"{deadline_seconds + AWAIT_MARGIN_SECONDS}s"),
            ),
        )
        self.register_outputs({})
