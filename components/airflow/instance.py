"""One instance of Airflow: everything in its namespace, in the order in which it comes to exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
from pulumi_kubernetes.core.v1 import Namespace
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.airflow.context import InstanceContext
from components.airflow.core import services
from components.airflow.dags.source import dag_source
from components.airflow.database.ca_bundle import create_ca_bundle
from components.airflow.database.migration import Migration, MigrationArgs
from components.airflow.executors import task_pods
from components.airflow.executors.celery import Celery, CeleryArgs
from components.airflow.logs.store import LogFolder, remote_logging
from components.airflow.network.gateway import Exposure, ExposureArgs
from components.airflow.pods.options import API_PORT
from components.airflow.pods.scripts import scripts_map
from components.airflow.rbac import Access, AccessArgs
from components.airflow.secrets.generated import Secrets, SecretsArgs
from components.airflow.secrets.provided import create_pull_secret
from components.airflow.volumes import NAMESPACE_MINUTES, ClaimArgs, claim
from components.kubernetes import naming
from components.kubernetes.pod_security import pod_security_labels

if TYPE_CHECKING:
    from components.contract.cloud import Cloud, VolumeUse
    from components.contract.workloads import Workload
    from components.settings.stack import Settings


class Airflow(pulumi.ComponentResource):
    """Airflow with its secrets, database schema, services and executor parts, in a namespace of its own."""

    admin_password: pulumi.Output[str]
    flower_password: pulumi.Output[str] | None
    namespace: pulumi.Output[str]

    def __init__(self, name: str, settings: Settings, cloud: Cloud, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:airflow:Airflow", name, None, opts)
        child = pulumi.ResourceOptions(parent=self, provider=cloud.kubernetes)
        celery_settings, task_pod_settings = settings.executor.celery, settings.executor.pods

        namespace = Namespace(
            f"{name}-namespace",
            metadata=ObjectMetaArgs(
                name=settings.namespace,
                labels={
                    **naming.labels(name, "namespace"),
                    # A folder of the node is what Pod Security forbids first.
                    **pod_security_labels("privileged" if settings.dags.node_folder is not None else "restricted"),
                },
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=cloud.kubernetes,
                # Task pods that still run when the stack is destroyed have their grace period, and end with this.
                custom_timeouts=pulumi.CustomTimeouts(delete=f"{NAMESPACE_MINUTES}m"),
            ),
        )
        self.namespace = namespace.metadata.name
        context = self._context(name, settings, cloud, namespace)
        migration = Migration(
            f"{name}-migrate",
            MigrationArgs(context=context, database_identity=cloud.databases.identity),
            opts=pulumi.ResourceOptions(parent=self),
        )
        after: list[pulumi.Resource] = [migration.done]

        template = task_pods.template(context, task_pod_settings, child) if task_pod_settings else None
        chosen = settings.components
        for pod, component, surge in (
            (services.api_server(context), chosen.api_server, 1),
            (services.scheduler(context, template), chosen.scheduler, 1),
            # Two of them over the same files write the same rows; scheduler and tasks go on without one for a while.
            (services.dag_processor(context), chosen.dag_processor, None),
            (services.triggerer(context), chosen.triggerer, 1),
        ):
            services.deployment(context, pod, replicas=component.replicas, surge=surge, parent=self, after=after)
        ui = services.service(context, "api-server", ports={"http": API_PORT}, opts=child, exposure=settings.exposure)
        backend_services: dict[Workload, pulumi.Output[str]] = {"api-server": ui.metadata.name}
        if celery_settings is not None:
            celery = Celery(
                f"{name}-celery",
                CeleryArgs(
                    context=context,
                    workers=celery_settings.workers,
                    broker=celery_settings.broker,
                    flower=celery_settings.flower,
                    broker_volume=cloud.volumes["broker"],
                    protect=settings.protect,
                    after=after,
                ),
                opts=pulumi.ResourceOptions(parent=self),
            )
            if celery.flower_service is not None:
                backend_services["flower"] = celery.flower_service
        if settings.exposure.gateway is not None:
            assert cloud.load_balancer is not None, "a cloud must have the load balancer that settings ask for"
            Exposure(
                f"{name}-exposure",
                ExposureArgs(
                    context=context,
                    exposure=settings.exposure.gateway,
                    load_balancer=cloud.load_balancer,
                    services=backend_services,
                ),
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({"namespace": self.namespace})

    def _shared_claim(
        self, use: VolumeUse, settings: Settings, cloud: Cloud, namespace: Namespace
    ) -> pulumi.Output[str] | None:
        """The name of the claim for a volume that many pods mount; None where the cloud has none for this use."""
        if use not in cloud.volumes:
            return None
        # In state as "<name>-logs" and "<name>-dags": renaming loses what is on them.
        made = claim(
            f"{settings.name}-{use}",
            ClaimArgs(
                use=use,
                volume=cloud.volumes[use],
                instance=settings.name,
                namespace=self.namespace,
                namespace_name=settings.namespace,
                kubernetes=cloud.kubernetes,
                protect=settings.protect,
            ),
            parent=self,
            # Task pods are not in state, and one that is left holds the claim: only the namespace ends both.
            deleted_with=namespace,
        )
        return made.metadata.name

    def _context(self, name: str, settings: Settings, cloud: Cloud, namespace: Namespace) -> InstanceContext:
        """The context that workloads share: accounts, secrets, DAG files and the log volume."""
        child = pulumi.ResourceOptions(parent=self, provider=cloud.kubernetes)
        celery = settings.executor.celery
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
                broker_host=f"{name}-redis.{settings.namespace}.svc" if celery is not None else None,
                flower=celery is not None and celery.flower.enabled,
                protect=settings.protect,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.admin_password = secrets.admin_password
        self.flower_password = secrets.flower_password
        return InstanceContext(
            settings=settings,
            namespace=self.namespace,
            kubernetes=cloud.kubernetes,
            accounts=access.accounts,
            secrets=secrets.stored,
            pull_secret=create_pull_secret(settings, self.namespace, cloud.kubernetes, self),
            dags=dag_source(settings, self.namespace, self._shared_claim("dags", settings, cloud, namespace), child),
            logs=LogFolder(claim_name=self._shared_claim("logs", settings, cloud, namespace)),
            scripts=scripts_map(name, self.namespace, child).metadata.name,
            identities=cloud.identities,
            log_store_variables=remote_logging(cloud.log_store) if cloud.log_store is not None else {},
            ca_bundle=create_ca_bundle(name, cloud.databases, self.namespace, child),
            database_sidecar=cloud.databases.sidecar,
            max_connections=cloud.databases.max_connections,
            task_node_selector=cloud.task_node_selector,
            task_taint=cloud.task_taint,
            # The address is the proxy's own, too: some add it to the list of who forwarded a request.
            trusted_proxies=(*cloud.load_balancer.trusted_proxies, cloud.load_balancer.address)
            if cloud.load_balancer
            else (),
        )
