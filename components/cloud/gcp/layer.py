"""The cloud layer of a stack on Google Cloud."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import pulumi
import pulumi_gcp
import pulumi_kubernetes as kubernetes
import pulumi_random as random

from components.cloud.gcp.apis import Apis, ApisArgs
from components.cloud.gcp.bigquery import Datasets, DatasetsArgs
from components.cloud.gcp.cluster import Cluster, ClusterArgs, cluster_apis
from components.cloud.gcp.database import Database, DatabaseArgs
from components.cloud.gcp.identity import (
    DagAccess,
    DatabaseAccess,
    DatasetAccess,
    Identities,
    IdentitiesArgs,
    LogAccess,
    SecretAccess,
)
from components.cloud.gcp.load_balancer import LoadBalancer, LoadBalancerArgs
from components.cloud.gcp.names import ResourceNames
from components.cloud.gcp.network import Network, NetworkArgs
from components.cloud.gcp.nodes import POOL_LABEL, TASK_TAINT, NodeIdentity, NodeIdentityArgs, Nodes, NodesArgs
from components.cloud.gcp.projects import Projects, ProjectsArgs
from components.cloud.gcp.registry import Registry, RegistryArgs
from components.cloud.gcp.scope import GcpScope
from components.cloud.gcp.storage import (
    BrokerDisk,
    BrokerDiskArgs,
    DagBucket,
    DagBucketArgs,
    LogBucket,
    LogBucketArgs,
    Share,
    ShareArgs,
)
from components.cloud.preflight import google
from components.cloud.preflight.warning import before_first
from components.contract import cloud as contract
from components.contract.cloud import (
    SHARED,
    Cloud,
    CloudServices,
    Identity,
    ProjectAccess,
    SecretStore,
    Volume,
    VolumeUse,
)
from components.contract.requirements import CloudRequirements
from components.contract.workloads import Workload
from components.settings.gcp.cloud import GcpCloud
from components.settings.gcp.network import DnsEndpoint

SUFFIX_BYTES: Final = 3
"""Random suffix of names: 6 hexadecimal characters, so that two stacks of one name in one project do not collide."""


def provision(cloud: GcpCloud, requirements: CloudRequirements) -> Cloud:
    """The cloud layer of a stack on Google Cloud."""
    args = GoogleCloudArgs(settings=cloud, requirements=requirements)
    return GoogleCloud(f"{requirements.instance}-cloud", args).cloud


@dataclass(frozen=True, kw_only=True)
class GoogleCloudArgs:
    """The settings of Google Cloud, and Airflow's requirements of any cloud."""

    settings: GcpCloud
    requirements: CloudRequirements


class GoogleCloud(pulumi.ComponentResource):
    """Network, cluster, database, and further resources that settings and requirements ask for."""

    cloud: Cloud

    def __init__(self, name: str, args: GoogleCloudArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:gcp:Cloud", name, None, opts)
        cloud, needed = args.settings, args.requirements
        provider = pulumi_gcp.Provider(
            f"{name}-provider",
            project=cloud.project,
            region=cloud.region,
            # IAP may be among the APIs that refuse a user's login without a quota project,
            # https://github.com/hashicorp/terraform-provider-google/issues/24500; other logins are not affected.
            user_project_override=True if cloud.iap else None,
            billing_project=cloud.project if cloud.iap else None,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._name, self._needed = name, needed
        self._child = pulumi.ResourceOptions(parent=self, providers=[provider])
        self._scope = scope = self._create_scope(cloud)
        network = Network(f"{name}-network", NetworkArgs(scope=scope), opts=self._child)
        database = Database(
            f"{name}-database",
            DatabaseArgs(
                scope=scope,
                private_network=network.private_network,
                private_range=network.private_range,
                results=needed.results_database,
            ),
            opts=self._child,
        )
        node_identity = NodeIdentity(f"{name}-node-identity", NodeIdentityArgs(scope=scope), opts=self._child)
        cluster = Cluster(
            f"{name}-cluster",
            ClusterArgs(
                scope=scope,
                network=network.id,
                subnet=network.subnet,
                node_account=node_identity.email,
                shares=needed.shares,
            ),
            opts=self._child,
        )
        nodes = Nodes(
            f"{name}-nodes",
            NodesArgs(scope=scope, cluster=cluster.id, identity=node_identity, egress=network.egress),
            opts=self._child,
        )
        self.cloud = self._create_cloud(network, database, node_identity, cluster, nodes)
        self.register_outputs({})

    def _create_scope(self, cloud: GcpCloud) -> GcpScope:
        """The names of the stack, and its APIs."""
        name, needed = self._name, self._needed
        suffix = random.RandomId(f"{name}-suffix", byte_length=SUFFIX_BYTES, opts=pulumi.ResourceOptions(parent=self))
        apis = Apis(
            f"{name}-apis",
            ApisArgs(
                project=cloud.project,
                names=[*_apis(cloud, needed)],
                before=before_first(f"{name}-preflight", lambda: google.preflight(cloud, needed)),
            ),
            opts=self._child,
        )
        names = ResourceNames(instance=needed.instance, suffix=suffix.hex)
        return GcpScope(settings=cloud, names=names, apis=apis, protect=needed.protect)

    def _create_cloud(
        self, network: Network, database: Database, node_identity: NodeIdentity, cluster: Cluster, nodes: Nodes
    ) -> Cloud:
        """The cluster as Airflow sees it, with further resources that settings and requirements ask for."""
        name, cloud, needed = self._name, self._scope.settings, self._needed.dag_bucket
        bucket = self._create_log_bucket()
        dags = self._create_dag_bucket()
        registry = self._create_registry(node_identity) if cloud.registry else None
        outputs: dict[str, pulumi.Input[Any] | None] = {
            "cluster": cluster.name,
            "kubeconfig": cluster.kubeconfig,
            "kubeconfig_command": _login_command(cloud, cluster.name),
            "log_bucket": bucket.name if bucket is not None else None,
            "dag_bucket": dags.name if dags is not None else None,
            "upload_command": _upload_command(dags.name, needed.prefix)
            if dags is not None and needed is not None
            else None,
            "registry": registry.address if registry is not None else None,
        }
        tasks_apart = cloud.cluster.task_nodes is not None
        return Cloud(
            # In state as "<name>-kubernetes": renaming replaces every object of the stack.
            kubernetes=kubernetes.Provider(
                f"{name}-kubernetes",
                kubeconfig=cluster.kubeconfig,
                # A new address or certificate does not make it another cluster.
                cluster_identifier=cluster.id,
                # Objects in the cluster are created after its nodes and deleted before them.
                opts=pulumi.ResourceOptions(parent=self, depends_on=nodes.pools),
            ),
            # The name that gcloud gives to the context.
            context=pulumi.Output.concat(f"gke_{cloud.project}_{cloud.cluster_location}_", cluster.name),
            databases=database.databases,
            volumes=self._create_volumes(network),
            identities=self._create_identities(cluster, bucket, database, dags),
            log_store=bucket.log_store if bucket is not None else None,
            services=CloudServices(
                kind="google",
                project=cloud.project,
                datasets=[dataset.name for dataset in cloud.bigquery.datasets],
            ),
            secret_store=SecretStore(kind="secret_manager", location=cloud.project)
            if self._needed.secret_store is not None
            else None,
            projects=self._create_projects(cluster, bucket),
            dag_bucket=dags,
            load_balancer=self._create_load_balancer(),
            task_node_selector={POOL_LABEL: "tasks"} if tasks_apart else {},
            task_taint=TASK_TAINT if tasks_apart else None,
            outputs={key: value for key, value in outputs.items() if value is not None},
        )

    def _create_registry(self, node_identity: NodeIdentity) -> Registry:
        args = RegistryArgs(scope=self._scope, node_account=node_identity.email)
        return Registry(f"{self._name}-registry", args, opts=self._child)

    def _create_log_bucket(self) -> LogBucket | None:
        logs = self._needed.log_store
        if logs is None:
            return None
        args = LogBucketArgs(scope=self._scope, retention_days=logs.retention_days)
        return LogBucket(f"{self._name}-logs", args, opts=self._child)

    def _create_dag_bucket(self) -> contract.FileBucket | None:
        """The bucket for DAG files: that of the settings, or one of the stack."""
        needed = self._needed.dag_bucket
        if needed is None:
            return None
        if needed.existing is not None:
            return contract.FileBucket(name=needed.existing)
        args = DagBucketArgs(scope=self._scope)
        return contract.FileBucket(name=DagBucket(f"{self._name}-dags", args, opts=self._child).name)

    def _create_identities(
        self, cluster: Cluster, bucket: LogBucket | None, database: Database, files: contract.FileBucket | None
    ) -> dict[Workload, Identity]:
        needed, logs, through_proxy, datasets, dags, secrets = self._needed, None, None, None, None, None
        if (store := needed.secret_store) is not None:
            secrets = SecretAccess(prefixes=store.prefixes, workloads=store.readers)
        if files is not None and needed.dag_bucket is not None:
            dags = DagAccess(bucket=files.name, workloads=needed.dag_bucket.readers)
        if bucket is not None and needed.log_store is not None:
            logs = LogAccess(bucket=bucket.name, writers=needed.log_store.writers, readers=needed.log_store.readers)
        if self._scope.settings.database.proxy_image is not None:
            through_proxy = DatabaseAccess(server=database.name, workloads=needed.database_clients)
        if self._scope.settings.bigquery.datasets:
            created = Datasets(f"{self._name}-datasets", DatasetsArgs(scope=self._scope), opts=self._child)
            datasets = DatasetAccess(datasets=created.ids, workloads=needed.data_users)
        if not needed.cloud_identities and not [
            access for access in (logs, through_proxy, datasets, dags, secrets) if access is not None
        ]:
            return {}
        return Identities(
            f"{self._name}-identities",
            IdentitiesArgs(
                scope=self._scope,
                requirements=needed,
                workload_pool=cluster.workload_pool,
                logs=logs,
                database=through_proxy,
                datasets=datasets,
                dags=dags,
                secrets=secrets,
            ),
            opts=self._child,
        ).identities

    def _create_projects(self, cluster: Cluster, bucket: LogBucket | None) -> dict[str, ProjectAccess]:
        if not self._needed.projects:
            return {}
        args = ProjectsArgs(
            scope=self._scope,
            projects=self._needed.projects,
            workload_pool=cluster.workload_pool,
            log_bucket=bucket.name if bucket is not None else None,
        )
        return Projects(f"{self._name}-projects", args, opts=self._child).projects

    def _create_volumes(self, network: Network) -> dict[VolumeUse, Volume]:
        volumes: dict[VolumeUse, Volume] = {}
        required = self._needed.volumes
        for use in SHARED:
            if use in required:
                volumes[use] = self._create_share(use, required[use].size_gib, network)
        if "broker" in required:
            args = BrokerDiskArgs(scope=self._scope, size_gib=required["broker"].size_gib)
            volumes["broker"] = BrokerDisk(f"{self._name}-broker", args, opts=self._child).volume
        return volumes

    def _create_share(self, use: Literal["logs", "dags"], size_gib: int, network: Network) -> Volume:
        args = ShareArgs(
            scope=self._scope,
            use=use,
            size_gib=size_gib,
            private_network=network.private_network,
            private_range=network.private_range,
        )
        return Share(f"{self._name}-{use}-share", args, opts=self._child).volume

    def _create_load_balancer(self) -> contract.LoadBalancer | None:
        access = self._needed.external_access
        if access is None:
            return None
        args = LoadBalancerArgs(scope=self._scope, hosts=access.hosts, managed_certificates=access.cloud_certificate)
        return LoadBalancer(f"{self._name}-load-balancer", args, opts=self._child).load_balancer


def _apis(cloud: GcpCloud, needed: CloudRequirements) -> Iterator[str]:
    """The APIs that a stack uses in addition to ALWAYS."""
    access = needed.external_access
    if needed.log_store is not None or needed.project_buckets or needed.dag_bucket is not None:
        yield "storage"
    if cloud.bigquery.datasets:
        yield "bigquery"
    if needed.shares:
        yield "files"
    if needed.secret_store is not None:
        yield "secrets"
    if access is not None and access.cloud_certificate:
        yield "certificates"
    if cloud.iap:
        yield "iap"
    if cloud.registry:
        yield "artifacts"
    yield from cluster_apis(cloud)


def _login_command(cloud: GcpCloud, cluster: pulumi.Output[str]) -> pulumi.Output[str]:
    by_name = " --dns-endpoint" if isinstance(cloud.cluster.endpoint, DnsEndpoint) else ""
    return pulumi.Output.concat(
        "gcloud container clusters get-credentials ",
        cluster,
        f" --project {cloud.project} --location {cloud.cluster_location}{by_name}",
    )


def _upload_command(bucket: pulumi.Input[str], prefix: str) -> pulumi.Output[str]:
    """The command that makes the folder of a bucket equal to the local folder `dags`.

    https://cloud.google.com/sdk/gcloud/reference/storage/rsync
    """
    command = "gcloud storage rsync --recursive --delete-unmatched-destination-objects dags gs://"
    return pulumi.Output.concat(command, bucket, f"/{prefix}")
