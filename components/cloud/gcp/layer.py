"""The cloud layer of a stack on Google Cloud."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Literal

import pulumi
import pulumi_gcp
import pulumi_kubernetes as kubernetes
import pulumi_random as random

from components.cloud.gcp.apis import Apis, ApisArgs
from components.cloud.gcp.cluster import Cluster, ClusterArgs, cluster_apis
from components.cloud.gcp.database import Database, DatabaseArgs
from components.cloud.gcp.identity import DatabaseAccess, Identities, IdentitiesArgs, LogAccess
from components.cloud.gcp.load_balancer import Front, FrontArgs
from components.cloud.gcp.names import Names
from components.cloud.gcp.network import Network, NetworkArgs
from components.cloud.gcp.nodes import POOL_LABEL, TASK_TAINT, NodeIdentity, NodeIdentityArgs, Nodes, NodesArgs
from components.cloud.gcp.registry import Registry, RegistryArgs
from components.cloud.gcp.storage import BrokerDisk, BrokerDiskArgs, LogBucket, LogBucketArgs, Share, ShareArgs
from components.cloud.preflight import google
from components.cloud.preflight.warning import before_first
from components.contract import cloud as contract
from components.contract.cloud import DATABASE_CLIENTS, LOG_READERS, LOG_WRITERS, Cloud, Identity, Volume, VolumeUse
from components.settings.gcp.cloud import DnsEndpoint, GcpCloud
from components.settings.sections.dags import ShareDags
from components.settings.sections.executor import CeleryExecutor, KubernetesExecutor
from components.settings.sections.exposure import Gateway, ManagedTls
from components.settings.sections.logs import StoreLogs, VolumeLogs
from components.settings.stack import Settings

SUFFIX_BYTES: Final = 3
"""Random end of names: with 6 hexadecimal characters, two stacks of one name in one project never meet."""


def provision(settings: Settings, cloud: GcpCloud) -> Cloud:
    """The cloud layer of a stack on Google Cloud."""
    return GoogleCloud(f"{settings.name}-cloud", settings, cloud).cloud


class GoogleCloud(pulumi.ComponentResource):
    """Network, cluster, database, and what else the stack's settings ask for."""

    cloud: Cloud

    def __init__(
        self, name: str, settings: Settings, cloud: GcpCloud, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("airflow:gcp:Cloud", name, None, opts)
        provider = pulumi_gcp.Provider(
            f"{name}-provider",
            project=cloud.project,
            region=cloud.region,
            # IAP may be among the APIs that refuse a person's login without a project that is asked for quota,
            # https://github.com/hashicorp/terraform-provider-google/issues/24500; for other logins it changes nothing.
            user_project_override=True if cloud.iap else None,
            billing_project=cloud.project if cloud.iap else None,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._name, self._settings, self._cloud = name, settings, cloud
        self._child = pulumi.ResourceOptions(parent=self, providers=[provider])
        suffix = random.RandomId(f"{name}-suffix", byte_length=SUFFIX_BYTES, opts=pulumi.ResourceOptions(parent=self))
        self._names = Names(instance=settings.name, suffix=suffix.hex)
        self._apis = Apis(
            f"{name}-apis",
            ApisArgs(
                project=cloud.project,
                names=[*_apis(settings, cloud)],
                before=before_first(lambda: google.preflight(settings, cloud)),
            ),
            opts=self._child,
        )

        network = self._network()
        database = self._database(network)
        node_identity = NodeIdentity(
            f"{name}-node-identity",
            NodeIdentityArgs(names=self._names, apis=self._apis, project=cloud.project),
            opts=self._child,
        )
        cluster = self._cluster(network, node_identity)
        nodes = Nodes(
            f"{name}-nodes",
            NodesArgs(
                settings=cloud,
                names=self._names,
                apis=self._apis,
                cluster=cluster.id,
                identity=node_identity,
                egress=network.egress,
            ),
            opts=self._child,
        )
        bucket = self._log_bucket()
        registry = self._registry(node_identity) if cloud.registry else None
        outputs: dict[str, pulumi.Input[Any] | None] = {
            "cluster": cluster.name,
            "kubeconfig": cluster.kubeconfig,
            "kubeconfig_command": _login_command(cloud, cluster.name),
            "log_bucket": bucket.name if bucket is not None else None,
            "registry": registry.address if registry is not None else None,
        }
        tasks_apart = cloud.cluster.task_nodes is not None
        self.cloud = Cloud(
            # In state as "cluster": renaming replaces every object of the stack.
            kubernetes=kubernetes.Provider(
                "cluster",
                kubeconfig=cluster.kubeconfig,
                # The same cluster under a new address or certificate stays the same cluster.
                cluster_identifier=cluster.id,
                # What runs in the cluster comes after its nodes and goes before them.
                opts=pulumi.ResourceOptions(depends_on=nodes.pools),
            ),
            # The name that gcloud gives it.
            context=pulumi.Output.concat(f"gke_{cloud.project}_{cloud.cluster_location}_", cluster.name),
            databases=database.databases,
            volumes=self._volumes(network),
            identities=self._identities(cluster, bucket, database),
            log_store=bucket.log_store if bucket is not None else None,
            front=self._front(),
            task_node_selector={POOL_LABEL: "tasks"} if tasks_apart else {},
            task_taint=TASK_TAINT if tasks_apart else None,
            outputs={key: value for key, value in outputs.items() if value is not None},
        )
        self.register_outputs({})

    def _network(self) -> Network:
        return Network(
            f"{self._name}-network",
            NetworkArgs(
                names=self._names,
                apis=self._apis,
                region=self._cloud.region,
                addresses=self._cloud.addresses,
                flow_logs=self._cloud.cluster.observe == "everything",
            ),
            opts=self._child,
        )

    def _database(self, network: Network) -> Database:
        return Database(
            f"{self._name}-database",
            DatabaseArgs(
                settings=self._cloud,
                names=self._names,
                apis=self._apis,
                private_network=network.private_network,
                private_range=network.private_range,
                results=_has_workers(self._settings),
                protect=self._settings.protect,
            ),
            opts=self._child,
        )

    def _cluster(self, network: Network, node_identity: NodeIdentity) -> Cluster:
        return Cluster(
            f"{self._name}-cluster",
            ClusterArgs(
                settings=self._cloud,
                names=self._names,
                apis=self._apis,
                network=network.id,
                subnet=network.subnet,
                node_account=node_identity.email,
                shares=_has_shares(self._settings),
                protect=self._settings.protect,
            ),
            opts=self._child,
        )

    def _registry(self, node_identity: NodeIdentity) -> Registry:
        return Registry(
            f"{self._name}-registry",
            RegistryArgs(
                names=self._names,
                apis=self._apis,
                region=self._cloud.region,
                node_account=node_identity.email,
                protect=self._settings.protect,
            ),
            opts=self._child,
        )

    def _log_bucket(self) -> LogBucket | None:
        logs = self._settings.task_logs
        if not isinstance(logs, StoreLogs):
            return None
        return LogBucket(
            f"{self._name}-logs",
            LogBucketArgs(
                names=self._names,
                apis=self._apis,
                region=self._cloud.region,
                retention_days=logs.retention_days,
                protect=self._settings.protect,
            ),
            opts=self._child,
        )

    def _identities(self, cluster: Cluster, bucket: LogBucket | None, database: Database) -> dict[str, Identity]:
        settings = self._settings
        absent = {
            "worker": not _has_workers(settings),
            "task": isinstance(settings.executor, CeleryExecutor),
        }
        logs, through_proxy = None, None
        if bucket is not None:
            logs = LogAccess(
                bucket=bucket.name, parts=[part for part in (*LOG_WRITERS, *LOG_READERS) if not absent.get(part)]
            )
        if self._cloud.database.proxy_image is not None:
            through_proxy = DatabaseAccess(
                project=self._cloud.project,
                server=database.name,
                parts=[part for part in DATABASE_CLIENTS if not absent.get(part)],
            )
        if logs is None and through_proxy is None:
            return {}
        return Identities(
            f"{self._name}-identities",
            IdentitiesArgs(
                names=self._names,
                apis=self._apis,
                namespace=settings.namespace,
                workload_pool=cluster.workload_pool,
                logs=logs,
                database=through_proxy,
            ),
            opts=self._child,
        ).identities

    def _volumes(self, network: Network) -> dict[VolumeUse, Volume]:
        volumes: dict[VolumeUse, Volume] = {}
        settings = self._settings
        if isinstance(settings.task_logs, VolumeLogs):
            volumes["logs"] = self._share("logs", settings.task_logs.size_gib, network)
        if isinstance(settings.dags, ShareDags):
            volumes["dags"] = self._share("dags", settings.dags.size_gib, network)
        if not isinstance(settings.executor, KubernetesExecutor):
            volumes["broker"] = BrokerDisk(
                f"{self._name}-broker",
                BrokerDiskArgs(
                    settings=self._cloud,
                    names=self._names,
                    apis=self._apis,
                    size_gib=settings.executor.broker.size_gib,
                    protect=settings.protect,
                ),
                opts=self._child,
            ).volume
        return volumes

    def _share(self, use: Literal["logs", "dags"], size_gib: int, network: Network) -> Volume:
        return Share(
            f"{self._name}-{use}-share",
            ShareArgs(
                settings=self._cloud,
                names=self._names,
                apis=self._apis,
                use=use,
                size_gib=size_gib,
                private_network=network.private_network,
                private_range=network.private_range,
                protect=self._settings.protect,
            ),
            opts=self._child,
        ).volume

    def _front(self) -> contract.Front | None:
        exposure = self._settings.exposure
        if not isinstance(exposure, Gateway):
            return None
        hosts = {"api-server": exposure.host}
        if exposure.flower_host is not None:
            hosts["flower"] = exposure.flower_host
        return Front(
            f"{self._name}-front",
            FrontArgs(
                names=self._names,
                apis=self._apis,
                hosts=hosts,
                managed_certificates=isinstance(exposure.tls, ManagedTls),
                members=self._cloud.iap,
                protect=self._settings.protect,
            ),
            opts=self._child,
        ).front


def _has_workers(settings: Settings) -> bool:
    return not isinstance(settings.executor, KubernetesExecutor)


def _has_shares(settings: Settings) -> bool:
    return isinstance(settings.task_logs, VolumeLogs) or isinstance(settings.dags, ShareDags)


def _apis(settings: Settings, cloud: GcpCloud) -> Iterator[str]:
    """The APIs that a stack uses beyond what every stack does."""
    exposure = settings.exposure
    if isinstance(settings.task_logs, StoreLogs):
        yield "storage"
    if _has_shares(settings):
        yield "files"
    if isinstance(exposure, Gateway) and isinstance(exposure.tls, ManagedTls):
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
