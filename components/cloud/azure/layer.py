"""The cloud layer of a stack on Azure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import pulumi
import pulumi_azure_native
import pulumi_kubernetes as kubernetes
import pulumi_random as random
from pulumi_azure_native import authorization, managedidentity, resources

from components.cloud.azure import cluster as clusters
from components.cloud.azure import role_assignments
from components.cloud.azure.accounts import AccountArgs
from components.cloud.azure.audit import Audit, AuditArgs, Audited
from components.cloud.azure.cluster import Cluster, ClusterArgs
from components.cloud.azure.database import Database, DatabaseArgs
from components.cloud.azure.identity import Identities, IdentitiesArgs, log_roles
from components.cloud.azure.kubeconfig import kubeconfig_command, kubelogin_command
from components.cloud.azure.late import waiting
from components.cloud.azure.load_balancer import Address, AddressArgs, gateway_api
from components.cloud.azure.locks import Locks
from components.cloud.azure.names import ResourceNames
from components.cloud.azure.network import Network, NetworkArgs
from components.cloud.azure.nodes import POOL_LABEL, Nodes, NodesArgs, task_taint
from components.cloud.azure.registry import Registry, RegistryArgs
from components.cloud.azure.storage import (
    BrokerDisk,
    BrokerDiskArgs,
    FileStorage,
    FileStorageArgs,
    LogStorage,
    LogStorageArgs,
)
from components.cloud.azure.subscription import require_same_subscription
from components.cloud.azure.tags import ignore_tags
from components.cloud.preflight import azure
from components.cloud.preflight.warning import before_first
from components.contract import cloud as contract
from components.contract.cloud import SHARED, Cloud, VolumeUse
from components.contract.requirements import CloudRequirements, LogStoreRequirement
from components.contract.workloads import Workload
from components.settings.azure import catalogue
from components.settings.azure.cloud import AzureCloud

SUFFIX_BYTES: Final = 3
"""Random suffix of names: 6 hexadecimal characters, so that two stacks of one name do not collide in practice."""


def provision(cloud: AzureCloud, requirements: CloudRequirements) -> Cloud:
    """The cloud layer of a stack on Azure."""
    transformations = [ignore_tags(cloud.ignored_tags)] if cloud.ignored_tags else None
    args = AzureArgs(settings=cloud, requirements=requirements)
    return Azure(f"{requirements.instance}-cloud", args, pulumi.ResourceOptions(transformations=transformations)).cloud


@dataclass(frozen=True, kw_only=True)
class AzureArgs:
    """The settings of Azure, and Airflow's requirements of any cloud."""

    settings: AzureCloud
    requirements: CloudRequirements


class Azure(pulumi.ComponentResource):
    """Network, cluster, database, and further resources that settings and requirements ask for."""

    cloud: Cloud

    def __init__(self, name: str, args: AzureArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:azure:Cloud", name, None, opts)
        cloud, needed = args.settings, args.requirements
        provider = pulumi_azure_native.Provider(
            f"{name}-provider",
            subscription_id=cloud.subscription_id,
            location=cloud.location,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._late = waiting(f"{name}-late")
        self._name, self._needed, self._cloud, self._provider = name, needed, cloud, provider
        self._child = pulumi.ResourceOptions(parent=self, providers=[provider])
        suffix = random.RandomId(f"{name}-suffix", byte_length=SUFFIX_BYTES, opts=pulumi.ResourceOptions(parent=self))
        self._names = ResourceNames(instance=needed.instance, suffix=suffix.hex, own_tags=cloud.tags)
        # In state as "<name>-group": renaming destroys the whole stack.
        group = resources.ResourceGroup(
            f"{name}-group",
            resource_group_name=self._names.physical_name(),
            location=cloud.location,
            tags=self._names.tags(),
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=provider,
                protect=needed.protect,
                hooks=pulumi.ResourceHookBinding(
                    before_create=[*before_first(f"{name}-preflight", lambda: azure.preflight(cloud, needed))]
                ),
            ),
        )
        self._group = group.name
        self._group_id = group.id.apply(lambda group_id: require_same_subscription(cloud.subscription_id, group_id))
        # Invoked after the group exists, so that a first preview needs no login.
        self._operator = authorization.get_client_config_output(
            pulumi.InvokeOutputOptions(parent=self, provider=provider, depends_on=[group])
        )

        operator_role = self._operator_role()
        network = self._network()
        database = self._database(network)
        identity = clusters.identity(f"{name}-cluster", names=self._names, group=self._group, opts=self._own())
        address, disk = self._address(identity), self._broker_disk(identity)
        cluster = self._cluster(network, identity, address, disk)
        nodes = Nodes(
            f"{name}-nodes",
            NodesArgs(
                settings=cloud,
                names=self._names,
                group=self._group,
                cluster=cluster.resource,
                subnet=network.nodes,
                late=self._late,
            ),
            opts=self._child,
        )
        logs, files = self._log_storage(network), self._file_storage(network)
        registry = self._registry(cluster) if cloud.registry != "none" else None
        if needed.protect:
            locked = {
                "database": database.id,
                "logs": logs.account_id if logs is not None else None,
                "files": files.account_id if files is not None else None,
            }
            Locks(f"{name}-locks", {use: scope for use, scope in locked.items() if scope is not None}, opts=self._child)
        audited: dict[Audited, pulumi.Input[str]] = {}
        if cloud.cluster.audit:
            audited["cluster"] = cluster.id
        if cloud.database.audit:
            audited["database"] = database.id
        if audited:
            Audit(
                f"{name}-audit",
                AuditArgs(names=self._names, group=self._group, location=cloud.location, resources=audited),
                opts=self._child,
            )
        ready: list[pulumi.Resource] = [*nodes.pools, operator_role]
        if registry is not None:
            ready.append(registry.pull)
        volumes: dict[VolumeUse, contract.Volume] = {}
        if files is not None:
            volumes.update(files.volumes)
        if disk is not None:
            volumes["broker"] = disk.volume
        outputs: dict[str, pulumi.Input[Any] | None] = {
            "resource_group": self._group,
            "cluster": cluster.name,
            "kubeconfig": cluster.kubeconfig,
            "kubeconfig_command": kubeconfig_command(cloud, self._group, cluster.name),
            "kubelogin_command": kubelogin_command(cloud, cluster.name),
            "log_container": pulumi.Output.concat(logs.url, "logs") if logs is not None else None,
            "registry": registry.address if registry is not None else None,
        }
        tasks = cloud.cluster.task_nodes
        self.cloud = Cloud(
            # In state as "<name>-kubernetes": renaming replaces every object of the stack.
            kubernetes=kubernetes.Provider(
                f"{name}-kubernetes",
                kubeconfig=cluster.kubeconfig,
                # A new address or certificate does not make it another cluster.
                cluster_identifier=cluster.id,
                # Objects in the cluster are created after its nodes and roles, and deleted before them.
                opts=pulumi.ResourceOptions(parent=self, depends_on=ready),
            ),
            context=cluster.name,
            databases=database.databases,
            volumes=volumes,
            identities=self._identities(logs, needed.log_store, cluster)
            if logs is not None and needed.log_store is not None
            else {},
            log_store=logs.log_store if logs is not None else None,
            load_balancer=address.load_balancer(self._gateways(cluster, nodes)) if address is not None else None,
            task_node_selector={POOL_LABEL: "tasks"} if tasks is not None else {},
            task_taint=task_taint(tasks),
            outputs={key: value for key, value in outputs.items() if value is not None},
        )
        self.register_outputs({})

    def _own(self, *, protect: bool = False) -> pulumi.ResourceOptions:
        """Options of a resource whose parent is the layer itself."""
        return pulumi.ResourceOptions(parent=self, provider=self._provider, protect=protect)

    def _operator_role(self) -> pulumi.Resource:
        """Cluster admin role of the login that creates the stack; others get access through `admin_groups`.

        Assigned on the resource group, so that it is effective everywhere in Azure when the cluster exists.
        """
        return role_assignments.of_operator(
            f"{self._name}-operator-role",
            subscription_id=self._cloud.subscription_id,
            role=role_assignments.CLUSTER_ADMIN,
            scope=self._group_id,
            operator=self._operator,
            opts=self._own(),
        )

    def _network(self) -> Network:
        return Network(
            f"{self._name}-network",
            NetworkArgs(
                names=self._names,
                group=self._group,
                ranges=self._cloud.network,
                zones=self._location_zones,
                web=self._needed.external_access is not None,
                late=self._late,
            ),
            opts=self._child,
        )

    @property
    def _location_zones(self) -> tuple[str, ...]:
        """Zones of public addresses, independent of the nodes' zones: more zones cost nothing."""
        return catalogue.ZONES if catalogue.has_zones(self._cloud.location) else ()

    def _database(self, network: Network) -> Database:
        return Database(
            f"{self._name}-database",
            DatabaseArgs(
                settings=self._cloud,
                names=self._names,
                group=self._group,
                subnet=network.database,
                zone=network.database_zone,
                tenant=self._operator.tenant_id,
                results=self._needed.results_database,
                protect=self._needed.protect,
            ),
            opts=self._child,
        )

    def _cluster(
        self,
        network: Network,
        identity: managedidentity.UserAssignedIdentity,
        address: Address | None,
        disk: BrokerDisk | None,
    ) -> Cluster:
        subnet_role = role_assignments.assigned(
            f"{self._name}-cluster-subnet-role",
            subscription_id=self._cloud.subscription_id,
            role=role_assignments.NETWORK_USER,
            scope=network.nodes,
            principal=identity.principal_id,
            opts=self._own(),
        )
        before: list[pulumi.Resource] = [subnet_role]
        # The address and the disk are in use until the cluster is deleted.
        before.extend(resource for used in (address, disk) if used is not None for resource in used.resources)
        return Cluster(
            f"{self._name}-cluster",
            ClusterArgs(
                settings=self._cloud,
                names=self._names,
                group=self._group,
                subnet=network.nodes_subnet,
                subnet_id=network.nodes,
                identity=identity,
                tenant=self._operator.tenant_id,
                outbound_address=network.outbound_address,
                gateway=address is not None,
                before=before,
                late=self._late,
                protect=self._needed.protect,
            ),
            opts=self._child,
        )

    def _address(self, identity: managedidentity.UserAssignedIdentity) -> Address | None:
        if self._needed.external_access is None:
            return None
        return Address(
            f"{self._name}-load-balancer",
            AddressArgs(
                names=self._names,
                group=self._group,
                group_id=self._group_id,
                subscription_id=self._cloud.subscription_id,
                location=self._cloud.location,
                zones=self._location_zones,
                principal=identity.principal_id,
                trusted_proxies=[self._cloud.network.pods],
                late=self._late,
                protect=self._needed.protect,
            ),
            opts=self._child,
        )

    def _gateways(self, cluster: Cluster, nodes: Nodes) -> pulumi.Resource:
        return gateway_api(
            f"{self._name}-cluster",
            names=self._names,
            group=self._group,
            cluster=cluster.resource,
            pools=nodes.pools,
            late=self._late,
            opts=self._own(),
        )

    def _registry(self, cluster: Cluster) -> Registry:
        return Registry(
            f"{self._name}-registry",
            RegistryArgs(
                names=self._names,
                group=self._group,
                subscription_id=self._cloud.subscription_id,
                location=self._cloud.location,
                tier=self._cloud.registry,
                kubelet=cluster.kubelet,
                protect=self._needed.protect,
            ),
            opts=self._child,
        )

    def _account(self, network: Network) -> AccountArgs:
        return AccountArgs(
            settings=self._cloud,
            names=self._names,
            group=self._group,
            network=network,
            protect=self._needed.protect,
        )

    def _log_storage(self, network: Network) -> LogStorage | None:
        logs = self._needed.log_store
        if logs is None:
            return None
        return LogStorage(
            f"{self._name}-logs",
            LogStorageArgs(account=self._account(network), retention_days=logs.retention_days),
            opts=self._child,
        )

    def _file_storage(self, network: Network) -> FileStorage | None:
        needed = self._needed
        if not needed.shares:
            return None
        return FileStorage(
            f"{self._name}-files",
            FileStorageArgs(
                account=self._account(network),
                shares={use: needed.volumes[use].size_gib for use in SHARED if use in needed.volumes},
                owner_uid=needed.file_owner_uid,
                owner_gid=needed.file_owner_gid,
            ),
            opts=self._child,
        )

    def _broker_disk(self, identity: managedidentity.UserAssignedIdentity) -> BrokerDisk | None:
        if "broker" not in self._needed.volumes:
            return None
        return BrokerDisk(
            f"{self._name}-broker",
            BrokerDiskArgs(
                settings=self._cloud,
                names=self._names,
                group=self._group,
                size_gib=self._needed.volumes["broker"].size_gib,
                principal=identity.principal_id,
                protect=self._needed.protect,
            ),
            opts=self._child,
        )

    def _identities(
        self, logs: LogStorage, needed: LogStoreRequirement, cluster: Cluster
    ) -> dict[Workload, contract.Identity]:
        return Identities(
            f"{self._name}-identities",
            IdentitiesArgs(
                names=self._names,
                group=self._group,
                subscription_id=self._cloud.subscription_id,
                requirements=self._needed,
                roles=log_roles(needed),
                container=logs.container,
                issuer=cluster.issuer,
                protect=self._needed.protect,
            ),
            opts=self._child,
        ).identities
