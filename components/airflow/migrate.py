"""The database's way to the state that this Airflow version wants, before anything else runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_kubernetes.batch.v1 import Job, JobSpecArgs
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components import naming
from components.airflow.site import PartPod, Site, options_map, pod_template, script
from components.settings.model import Sizing

SIZING: Final = Sizing(cpu_milli=200, memory_mib=768)
AWAIT_MARGIN_SECONDS: Final = 60
"""The engine waits longer than the Job may take: the Job's own failure names the cause."""
RETRIES: Final = 3


@dataclass(frozen=True, kw_only=True)
class MigrationArgs:
    """What the database is migrated for."""

    site: Site
    database_identity: str


class Migration(pulumi.ComponentResource):
    """Two Jobs, each awaited: `airflow db migrate`, then the first user.

    Their names carry a hash of what they depend on. A new image or database makes new Jobs; anything else leaves the
    finished ones alone. They have no time to live: a Job that vanishes would be made, and run, again.
    """

    migrated: pulumi.Resource
    """Finished when the database has its schema."""
    admin_exists: pulumi.Resource
    """Finished when the first user exists."""

    def __init__(self, name: str, args: MigrationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:airflow:Migration", name, None, opts)
        site, settings = args.site, args.site.settings
        migrate = PartPod(
            part="migration",
            # One container for both: what keeps it from starting is named by the engine, which looks at no other.
            args=["python", "-c", script("migrate.py")]
            if "databases" in site.secrets
            else ["airflow", "db", "migrate"],
            sizing=SIZING,
            after="nothing",
            restart_policy="OnFailure",
        )
        create_admin = PartPod(
            part="admin",
            args=["python", "-c", script("create_admin.py")],
            sizing=SIZING,
            after="nothing",
            restart_policy="OnFailure",
            environment={"ADMIN_USERNAME": settings.admin.username, "ADMIN_EMAIL": settings.admin.email},
        )
        depends = (settings.image.reference, settings.image.version, args.database_identity)
        self.migrated = self._job(name, site, migrate, naming.digest(*depends), after=None)
        self.admin_exists = self._job(
            name, site, create_admin, naming.digest(*depends, settings.admin.username), after=self.migrated
        )
        self.register_outputs({})

    def _job(self, name: str, site: Site, pod: PartPod, digest: str, *, after: pulumi.Resource | None) -> Job:
        opts = pulumi.ResourceOptions(parent=self, provider=site.kubernetes)
        options = options_map(site, pod.part, opts)
        return Job(
            f"{name}-{pod.part}",
            metadata=ObjectMetaArgs(
                name=naming.object_name(site.name, pod.part, digest),
                namespace=site.namespace,
                labels=site.labels(pod.part),
                # A Job that gave up never tries again: the next `up` makes a new one.
                annotations={"pulumi.com/replaceUnready": "true"},
            ),
            spec=JobSpecArgs(
                backoff_limit=RETRIES,
                active_deadline_seconds=site.settings.migration.deadline_seconds,
                template=pod_template(site, pod, options.metadata.name),
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=site.kubernetes,
                # The first user can only be put into tables that exist.
                depends_on=[after] if after is not None else None,
                delete_before_replace=True,
                custom_timeouts=pulumi.CustomTimeouts(
                    create=f"{site.settings.migration.deadline_seconds + AWAIT_MARGIN_SECONDS}s"
                ),
            ),
        )
