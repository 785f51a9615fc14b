"""Rows of the metadata database that the stack keeps: pools, variables, connections. One awaited Job writes them.

Plain rows are in the Job's environment, secret ones in a Secret that only the Job mounts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

import pulumi
import pulumi_random as random
from pulumi_kubernetes.core.v1 import VolumeMountArgs

from components.airflow.context import InstanceContext
from components.airflow.database.job import DatabaseJob
from components.airflow.database.migration import Migration
from components.airflow.feature import Feature, Features
from components.airflow.pods.scripts import script
from components.airflow.pods.template import WorkloadPod
from components.airflow.secrets.provided import ProvidedSecret, create_secret
from components.settings.loader import secret_entries
from components.settings.stack import Settings
from components.settings.types import Resources

RESOURCES: Final = Resources(cpu_milli=100, memory_mib=512)
"""For one start of Airflow's models."""


FILE: Final = "entries.json"
FOLDER: Final = "/opt/airflow/entries"


def entries(settings: Settings) -> dict[str, Any]:
    """The plain rows that the settings name, by kind; empty if there are none."""
    pools = {
        project.name: {"slots": project.pool.slots, "description": f"project {project.name}"}
        for project in settings.projects
        if project.pool is not None
    }
    pools |= {pool.name: pool.model_dump(exclude={"name"}) for pool in settings.pools}
    found = {"pools": pools, "variables": dict(settings.variables)}
    return {kind: rows for kind, rows in found.items() if rows}


def has_entries(settings: Settings) -> bool:
    """Whether the stack names any row."""
    return bool(entries(settings)) or secret_entries() is not None


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
        text = json.dumps(entries(settings), sort_keys=True)
        secret = self._create_secret(name, context)
        checksums = [stored.checksum for stored in secret.stored.values()] if secret is not None else []
        pod = WorkloadPod(
            workload="migration",
            container="entries",
            args=["python", "-c", script("apply_entries.py")],
            resources=RESOURCES,
            restart_policy="OnFailure",
            environment={
                "ENTRIES": text,
                **({"SECRET_ENTRIES": f"{FOLDER}/{FILE}"} if secret is not None else {}),
            },
        )
        # After the migration, which creates the tables.
        DatabaseJob(
            context=context,
            features=args.features.with_feature(_feature(context, secret)),
            pod=pod,
            options=args.migration.options,
            inputs=[settings.image.reference, text, *checksums],
        ).create(f"{name}-job", self, args.migration.done)
        self.register_outputs({})

    def _create_secret(self, name: str, context: InstanceContext) -> ProvidedSecret | None:
        """The Secret with the connections and secret variables; None if the stack sets none."""
        text = secret_entries()
        if text is None:
            return None
        # The hash of the content is in the Job's name: with a short password alone it could be guessed.
        salt = random.RandomBytes(f"{name}-salt", length=32, opts=pulumi.ResourceOptions(parent=self))
        content = {FILE: text, "salt": pulumi.Output.secret(salt.base64)}
        return create_secret(context, "entries", content, {"migration"})


def _feature(context: InstanceContext, secret: ProvidedSecret | None) -> Feature:
    """Additions to the Job's pod alone: the file of secret rows, and the key that the database keeps them with."""
    if secret is None:
        return Feature()
    mount = VolumeMountArgs(name="entries", mount_path=FOLDER, read_only=True)
    return Feature(overlays=secret.overlays("entries", [mount]))
