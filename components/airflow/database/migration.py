"""Migration Job: databases and users, `airflow db migrate`, the first user. Everything else waits for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi

from components.airflow.context import InstanceContext
from components.airflow.database.job import DatabaseJob
from components.airflow.feature import Feature, Features, InitContainer, PodOverlay
from components.airflow.pods.scripts import script
from components.airflow.pods.template import WorkloadPod, create_options
from components.contract.workloads import METADATA_CLIENTS, RUNS_ONCE
from components.settings.sections.options import Reserved
from components.settings.types import Resources

RESOURCES: Final = Resources(cpu_milli=200, memory_mib=768)
WAIT_SECONDS: Final = 120
WAIT_RESOURCES: Final = Resources(cpu_milli=50, memory_mib=512)
"""Requests and limits for one start of Airflow's command line."""
KEEPS_ENTRIES: Final = {"ENTRIES_KEPT": "true"}
"""Variable of the script by which it leaves the rows of the stack to another Job."""
KEEPS_PEOPLE: Final = {"PEOPLE_KEPT": "true"}
"""Variable of the script by which it leaves the accounts and roles of the stack to another Job."""

RESERVED: Final[Reserved] = {}


def create_feature(context: InstanceContext) -> Feature:
    """An init container that waits until the database has the schema of this image's Airflow."""
    del context
    wait = InitContainer(
        name="wait-for-migration",
        args=["python", "-c", script("wait_for_migration.py"), str(WAIT_SECONDS)],
        resources=WAIT_RESOURCES,
    )
    # Workers and task pods have no access to the metadata database.
    return Feature(overlays=[PodOverlay(workloads=METADATA_CLIENTS - RUNS_ONCE, init_containers=[wait])])


@dataclass(frozen=True, kw_only=True)
class MigrationArgs:
    """Arguments of the migration."""

    context: InstanceContext
    features: Features
    database_identity: pulumi.Input[str]
    """Identifies the database server; another server runs the migration again."""
    entries: bool = False
    """Whether another Job keeps rows of the stack; without it, the migration deletes those that the stack wrote."""
    people: bool = False
    """Whether another Job keeps accounts and roles of the stack; without it, the migration ends the access of those
    that the stack wrote."""


class Migration(pulumi.ComponentResource):
    """One awaited Job: databases and their users, `airflow db migrate`, then the first user.

    Its name carries a hash of what it depends on. A new image, database, first user or password creates a new
    Job; anything else leaves the completed Job unchanged.
    """

    done: pulumi.Resource
    """The Job; it completes when the database has its schema and the first user."""
    options: pulumi.Output[str]
    """Name of the ConfigMap with its options."""

    def __init__(self, name: str, args: MigrationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:airflow:Migration", name, None, opts)
        context, settings = args.context, args.context.settings
        child = pulumi.ResourceOptions(parent=self, provider=context.kubernetes)
        kept = {**(KEEPS_ENTRIES if args.entries else {}), **(KEEPS_PEOPLE if args.people else {})}
        pod = WorkloadPod(
            workload="migration",
            args=["python", "-c", script("migrate.py")],
            resources=RESOURCES,
            restart_policy="OnFailure",
            environment={
                # The reference may be a digest, which does not contain the version.
                "AIRFLOW_VERSION_WANTED": settings.image.version,
                "ADMIN_USERNAME": settings.admin.username,
                "ADMIN_EMAIL": settings.admin.email,
                **kept,
            },
        )
        self.options = create_options(context, args.features, pod.workload, child).metadata.name
        self.done = DatabaseJob(
            context=context,
            features=args.features,
            pod=pod,
            options=self.options,
            inputs=[
                settings.image.reference,
                settings.image.version,
                settings.admin.username,
                *kept,
                args.database_identity,
                context.secrets["admin"].checksum,
            ],
        ).create(f"{name}-job", self)
        self.register_outputs({})
