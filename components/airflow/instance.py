"""One instance of Airflow: its features, and everything in its namespace in the order of creation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import pulumi
from pulumi_kubernetes.core.v1 import Namespace
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.airflow import rbac
from components.airflow.additions import pods, secret_environment, secret_options
from components.airflow.auth import login, sessions
from components.airflow.auth.people import People, PeopleArgs
from components.airflow.config import additional_options, cloud_connections, scheduling, timezone
from components.airflow.context import InstanceContext
from components.airflow.core import environment, services
from components.airflow.dags import bundles, library_caches
from components.airflow.database import ca_bundle, connections, migration, proxy
from components.airflow.database.entries import Entries, EntriesArgs, has_entries
from components.airflow.executors import celery, choice, placement, task_pods
from components.airflow.feature import Feature, FeatureModule, Features
from components.airflow.logs import store
from components.airflow.network import external_access
from components.airflow.network.gateway import Exposure, ExposureArgs
from components.airflow.pods import scripts
from components.airflow.pods.deployment import create_service
from components.airflow.ports import API_PORT
from components.airflow.projects import package
from components.airflow.rbac import Access, AccessArgs
from components.airflow.secrets import backend, matrix
from components.airflow.secrets.generated import Secrets, SecretsArgs
from components.airflow.secrets.provided import create_pull_secret
from components.airflow.task_space import admission, pod_defaults, quota
from components.airflow.volumes import NAMESPACE_MINUTES
from components.contract.requirements import task_space, workloads
from components.kubernetes import naming
from components.kubernetes.pod_security import pod_security_labels
from components.settings.sections.options import Option

if TYPE_CHECKING:
    from components.contract.cloud import Cloud
    from components.contract.workloads import Workload
    from components.settings.stack import Settings

FEATURES: Final[Sequence[FeatureModule]] = (
    environment,
    scripts,
    bundles,
    store,
    cloud_connections,
    ca_bundle,
    proxy,
    library_caches,
    connections,
    migration,
    matrix,
    backend,
    choice,
    celery,
    task_pods,
    placement,
    pod_defaults,
    quota,
    admission,
    external_access,
    sessions,
    login,
    rbac,
    timezone,
    scheduling,
    package,
    pods,
    secret_environment,
    secret_options,
    additional_options,
)
"""The features of an instance. Their overlays are applied in this order: later defaults of options, and so the stack's
own options at the end, replace earlier ones."""
RESERVED_OPTIONS: Final[dict[Option, str | None]] = {
    option: key for module in FEATURES for option, key in module.RESERVED.items()
}
"""Options that `airflow:options` may not set, each with the key of the stack file that decides it, if any."""


class Airflow(pulumi.ComponentResource):
    """Airflow with its secrets, database schema, services and executor, in a namespace of its own."""

    admin_password: pulumi.Output[str]
    flower_password: pulumi.Output[str] | None
    user_passwords: Mapping[str, pulumi.Output[str]]
    """Generated passwords of the accounts in `airflow:auth.users`, by login name."""
    namespace: pulumi.Output[str]
    outputs: Mapping[str, pulumi.Input[str]]
    """Outputs of the stack, from all features."""

    def __init__(self, name: str, settings: Settings, cloud: Cloud, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:airflow:Airflow", name, None, opts)
        executor = settings.executor
        namespace = self._create_namespace(name, settings, cloud)
        self.namespace = namespace.metadata.name
        tasks = self._create_task_namespace(name, settings, cloud) if task_space(settings) else None
        context = self._create_context(name, settings, cloud, namespace, tasks)
        features = Features(features=[create_feature(module, context) for module in FEATURES])
        features = features.with_feature(task_pods.create_template(context, features))
        self.outputs = features.outputs()
        schema = migration.Migration(
            f"{name}-migrate",
            migration.MigrationArgs(
                context=context,
                features=features,
                database_identity=cloud.databases.identity,
                entries=has_entries(settings),
                people=settings.auth.kept,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.user_passwords = self._create_rows(name, context, features, schema)
        services.create_services(context, features, self, schema.done)
        ui = create_service(
            context, "api-server", ports={"http": API_PORT}, opts=context.child, exposure=settings.exposure
        )
        backend_services: dict[Workload, pulumi.Output[str]] = {"api-server": ui.metadata.name}
        if executor.celery is not None:
            workers = celery.Celery(
                f"{name}-celery",
                celery.CeleryArgs(
                    context=context,
                    features=features,
                    celery=executor.celery,
                    broker_volume=cloud.volumes["broker"],
                    after=[schema.done],
                ),
                opts=pulumi.ResourceOptions(parent=self),
            )
            if workers.flower_service is not None:
                backend_services["flower"] = workers.flower_service
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

    def _create_rows(
        self, name: str, context: InstanceContext, features: Features, schema: migration.Migration
    ) -> Mapping[str, pulumi.Output[str]]:
        """The Jobs that write rows of the stack after the migration. Returns the generated passwords of accounts."""
        settings, child = context.settings, pulumi.ResourceOptions(parent=self)
        if has_entries(settings):
            Entries(f"{name}-entries", EntriesArgs(context=context, features=features, migration=schema), opts=child)
        if not settings.auth.kept:
            return {}
        args = PeopleArgs(
            context=context,
            features=features,
            migration=schema,
            database_identity=context.cloud.databases.identity,
        )
        return People(f"{name}-people", args, opts=child).passwords

    def _create_namespace(self, name: str, settings: Settings, cloud: Cloud) -> Namespace:
        return Namespace(
            f"{name}-namespace",
            metadata=ObjectMetaArgs(
                name=settings.namespace,
                labels={
                    **naming.labels(name, "namespace"),
                    # Pod Security allows folders of the node only with the level "privileged".
                    **pod_security_labels("privileged" if settings.node_folders else "restricted"),
                },
            ),
            opts=self._namespace_options(cloud),
        )

    def _create_task_namespace(self, name: str, settings: Settings, cloud: Cloud) -> Namespace:
        """The namespace of the pods that DAG authors influence. It holds what tasks need, and no other Secret."""
        return Namespace(
            f"{name}-task-namespace",
            metadata=ObjectMetaArgs(
                name=settings.task_namespace,
                labels={**naming.labels(name, "task-namespace"), **pod_security_labels("restricted")},
            ),
            opts=self._namespace_options(cloud),
        )

    def _namespace_options(self, cloud: Cloud) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(
            parent=self,
            provider=cloud.kubernetes,
            # Task pods that still run when the stack is destroyed have their grace period, and end with the namespace.
            custom_timeouts=pulumi.CustomTimeouts(delete=f"{NAMESPACE_MINUTES}m"),
        )

    def _create_context(
        self, name: str, settings: Settings, cloud: Cloud, namespace: Namespace, tasks: Namespace | None
    ) -> InstanceContext:
        """The context, with the accounts and secrets that all workloads use."""
        celery_settings, apart = settings.executor.celery, task_space(settings)
        namespaces: dict[Workload, Namespace] = {
            workload: tasks if tasks is not None and workload in apart else namespace
            for workload in workloads(settings)
        }
        access = Access(
            f"{name}-access",
            AccessArgs(
                settings=settings,
                namespaces={workload: home.metadata.name for workload, home in namespaces.items()},
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
                broker_host=f"{name}-redis.{settings.namespace}.svc" if celery_settings is not None else None,
                flower=celery_settings is not None and celery_settings.flower.enabled,
                existing=settings.existing_secrets,
                protect=settings.protect,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.admin_password, self.flower_password = secrets.admin_password, secrets.flower_password
        return InstanceContext(
            settings=settings,
            cloud=cloud,
            component=self,
            namespace_object=namespace,
            task_namespace_object=tasks,
            namespaces=namespaces,
            accounts=access.accounts,
            secrets=secrets.stored,
            pull_secret=create_pull_secret(
                settings,
                [home.metadata.name for home in (namespace, tasks) if home is not None],
                cloud.kubernetes,
                self,
            ),
        )


def create_feature(module: FeatureModule, context: InstanceContext) -> Feature:
    """The feature of a module, after a check that every fixed option it sets is listed in `RESERVED`."""
    feature = module.create_feature(context)
    unlisted = {option for overlay in feature.overlays for option in overlay.options} - module.RESERVED.keys()
    assert not unlisted, f"{module} sets {sorted(unlisted)} and does not list them in RESERVED"
    return feature
