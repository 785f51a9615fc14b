"""One Airflow installation: everything in its namespace, in the order in which it comes to exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
from pulumi_kubernetes.core.v1 import Namespace
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components import naming
from components.airflow import executors, services, task_pods
from components.airflow.access import Access, AccessArgs
from components.airflow.celery import Celery, CeleryArgs
from components.airflow.dags import dag_source
from components.airflow.logs import claim, log_folder
from components.airflow.migrate import Migration, MigrationArgs
from components.airflow.options import API_PORT
from components.airflow.secrets import Secrets, SecretsArgs
from components.airflow.site import Site
from components.namespaces import pod_security_labels

if TYPE_CHECKING:
    from components.cloud.interface import Cloud
    from components.settings.stack import Settings


class Airflow(pulumi.ComponentResource):
    """Airflow with its secrets, database schema, services and executor parts, in a namespace of its own."""

    admin_password: pulumi.Output[str]
    flower_password: pulumi.Output[str] | None
    namespace: pulumi.Output[str]

    def __init__(self, name: str, settings: Settings, cloud: Cloud, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:airflow:Airflow", name, None, opts)
        child = pulumi.ResourceOptions(parent=self, provider=cloud.kubernetes)
        parts = executors.parts_of(settings.executor)

        namespace = Namespace(
            f"{name}-namespace",
            metadata=ObjectMetaArgs(
                name=settings.namespace,
                labels={
                    **naming.labels(name, "namespace"),
                    # A folder of the node is what Pod Security forbids first.
                    **pod_security_labels("privileged" if settings.dags.kind == "host_path" else "restricted"),
                },
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=cloud.kubernetes,
                # Task pods that still run when the stack is destroyed have their grace period, and end with this.
                custom_timeouts=pulumi.CustomTimeouts(delete="20m"),
            ),
        )
        self.namespace = namespace.metadata.name
        site = self._site(name, settings, cloud, namespace)
        migration = Migration(
            f"{name}-migrate",
            MigrationArgs(site=site, database_identity=cloud.databases.identity),
            opts=pulumi.ResourceOptions(parent=self),
        )
        after: list[pulumi.Resource] = [migration.done]

        template = task_pods.template(site, parts.task_pods, child) if parts.task_pods else None
        chosen = settings.components
        for pod, component in (
            (services.api_server(site), chosen.api_server),
            (services.scheduler(site, template), chosen.scheduler),
            (services.dag_processor(site), chosen.dag_processor),
            (services.triggerer(site), chosen.triggerer),
        ):
            services.deployment(site, pod, component, parent=self, after=after)
        services.service(site, "api-server", ports={"http": API_PORT}, opts=child, exposure=settings.exposure)
        if parts.celery is not None:
            Celery(
                f"{name}-celery",
                CeleryArgs(
                    site=site,
                    workers=parts.celery.workers,
                    broker=parts.celery.broker,
                    flower=parts.celery.flower,
                    broker_volume=cloud.volumes["broker"],
                    protect=settings.protect,
                    after=after,
                ),
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({"namespace": self.namespace})

    def _site(self, name: str, settings: Settings, cloud: Cloud, namespace: Namespace) -> Site:
        """What the parts share: accounts, secrets, DAG files and the log volume."""
        child = pulumi.ResourceOptions(parent=self, provider=cloud.kubernetes)
        parts = executors.parts_of(settings.executor)
        access = Access(
            f"{name}-access",
            AccessArgs(
                settings=settings,
                namespace=self.namespace,
                kubernetes=cloud.kubernetes,
                identities=cloud.identities,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        secrets = Secrets(
            f"{name}-secrets",
            SecretsArgs(
                instance=name,
                namespace=self.namespace,
                kubernetes=cloud.kubernetes,
                databases=cloud.databases,
                broker_host=f"{name}-redis.{settings.namespace}.svc" if parts.celery else None,
                flower=parts.celery is not None and parts.celery.flower.enabled,
                protect=settings.protect,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.admin_password = secrets.admin_password
        self.flower_password = secrets.flower_password
        log_claim = None
        if "logs" in cloud.volumes:
            # In state as "<name>-logs": renaming loses all task logs.
            log_claim = claim(
                f"{name}-logs",
                name,
                cloud.volumes["logs"],
                self.namespace,
                pulumi.ResourceOptions(
                    parent=self,
                    provider=cloud.kubernetes,
                    protect=settings.protect,
                    # Task pods are not in state, and one that is left holds the claim: only the namespace ends both.
                    deleted_with=namespace,
                ),
            ).metadata.name
        return Site(
            settings=settings,
            namespace=self.namespace,
            kubernetes=cloud.kubernetes,
            accounts=access.accounts,
            secrets=secrets.stored,
            dags=dag_source(settings, self.namespace, child),
            logs=log_folder(log_claim),
            identities=cloud.identities,
            log_store_variables=cloud.log_store.variables if cloud.log_store else {},
        )
