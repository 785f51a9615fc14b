"""The cloud layer of a stack on Azure."""

from __future__ import annotations

from collections.abc import Sequence
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
from components.cloud.azure.identity import Identities, IdentitiesArgs, LogAccess, SecretAccess, log_roles
from components.cloud.azure.key_vault import KeyVault, KeyVaultArgs
from components.cloud.azure.kubeconfig import kubeconfig_command, kubelogin_command
from components.cloud.azure.lateness import waiting
from components.cloud.azure.load_balancer import Address, AddressArgs, create_gateway_api
from components.cloud.azure.locks import Locks
from components.cloud.azure.names import ResourceNames
from components.cloud.azure.network import Network, NetworkArgs
from components.cloud.azure.nodes import POOL_LABEL, Nodes, NodesArgs, task_taint
from components.cloud.azure.projects import Projects, ProjectsArgs
from components.cloud.azure.registry import Registry, RegistryArgs
from components.cloud.azure.scope import AzureScope
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
from components.contract.cloud import SHARED, Cloud, CloudServices
from components.contract.requirements import CloudRequirements
from components.contract.workloads import Workload
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
            location=cloud.region,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._name, self._needed, self._settings, self._provider = name, needed, cloud, provider
        self._child = pulumi.ResourceOptions(parent=self, providers=[provider])
        self._scope, group = self._create_scope()
        self._group_id = group.id.apply(lambda group_id: require_same_subscription(cloud.subscription_id, group_id))
        # Invoked after the group exists, so that a first preview needs no login.
        self._operator = authorization.get_client_config_output(
            pulumi.InvokeOutputOptions(parent=self, provider=provider, depends_on=[group])
        )

        operator_role = self._create_operator_role()
        network = self._create_network()
        database = self._create_database(network)
        identity = clusters.create_identity(f"{name}-cluster", self._scope, self._own())
        address, disk = self._create_address(identity), self._create_broker_disk(identity)
        cluster = self._create_cluster(network, identity, address, disk)
        nodes = Nodes(
            f"{name}-nodes",
            NodesArgs(scope=self._scope, cluster=cluster.resource, subnet=network.nodes),
            opts=self._child,
        )
        logs, files = self._create_log_storage(network), self._create_file_storage(network)
        registry = self._create_registry(cluster) if cloud.registry != "none" else None
        vault = self._create_vault() if needed.secret_store is not None else None
        projects = self._create_projects(network, logs, cluster)
        self._create_locks(database, logs, files, projects)
        self._create_audit(cluster, database)
        ready: list[pulumi.Resource] = [*nodes.pools, operator_role]
        if registry is not None:
            ready.append(registry.pull)
        self.cloud = Cloud(
            kubernetes=self._create_kubernetes(cluster, ready),
            context=cluster.name,
            databases=database.databases,
            volumes={
                **(files.volumes if files is not None else {}),
                **({"broker": disk.volume} if disk is not None else {}),
            },
            identities=self._create_identities(logs, vault, cluster),
            secret_store=vault.store if vault is not None else None,
            log_store=logs.log_store if logs is not None else None,
            services=CloudServices(kind="azure", project=cloud.subscription_id),
            projects=projects.projects if projects is not None else {},
            load_balancer=address.load_balancer(self._create_gateways(cluster, nodes)) if address is not None else None,
            task_node_selector={POOL_LABEL: "tasks"} if cloud.cluster.task_nodes is not None else {},
            task_taint=task_taint(cloud.cluster.task_nodes),
            outputs=self._outputs(cluster, logs, registry, vault),
        )
        self.register_outputs({})

    def _create_scope(self) -> tuple[AzureScope, resources.ResourceGroup]:
        """The names of the stack, and its resource group."""
        name, cloud, needed = self._name, self._settings, self._needed
        late = waiting(f"{name}-late")
        suffix = random.RandomId(f"{name}-suffix", byte_length=SUFFIX_BYTES, opts=pulumi.ResourceOptions(parent=self))
        names = ResourceNames(instance=needed.instance, suffix=suffix.hex, own_tags=cloud.tags)
        # In state as "<name>-group": renaming destroys the whole stack.
        group = resources.ResourceGroup(
            f"{name}-group",
            resource_group_name=names.physical_name(),
            location=cloud.region,
            tags=names.tags(),
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=self._provider,
                protect=needed.protect,
                hooks=pulumi.ResourceHookBinding(
                    before_create=[*before_first(f"{name}-preflight", lambda: azure.preflight(cloud, needed))]
                ),
            ),
        )
        scope = AzureScope(settings=cloud, names=names, group=group.name, late=late, protect=needed.protect)
        return scope, group

    def _create_kubernetes(self, cluster: Cluster, ready: Sequence[pulumi.Resource]) -> kubernetes.Provider:
        # In state as "<name>-kubernetes": renaming replaces every object of the stack.
        return kubernetes.Provider(
            f"{self._name}-kubernetes",
            kubeconfig=cluster.kubeconfig,
            # A new address or certificate does not make it another cluster.
            cluster_identifier=cluster.id,
            # Objects in the cluster are created after its nodes and roles, and deleted before them.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*ready]),
        )

    def _outputs(
        self, cluster: Cluster, logs: LogStorage | None, registry: Registry | None, vault: KeyVault | None
    ) -> dict[str, pulumi.Input[Any]]:
        group = self._scope.group
        outputs: dict[str, pulumi.Input[Any] | None] = {
            "resource_group": group,
            "cluster": cluster.name,
            "kubeconfig": cluster.kubeconfig,
            "kubeconfig_command": kubeconfig_command(self._settings, group, cluster.name),
            "kubelogin_command": kubelogin_command(self._settings, cluster.name),
            "log_container": pulumi.Output.concat(logs.url, "logs") if logs is not None else None,
            "registry": registry.address if registry is not None else None,
            "secret_vault": vault.store.location if vault is not None else None,
        }
        return {key: value for key, value in outputs.items() if value is not None}

    def _own(self, *, protect: bool = False) -> pulumi.ResourceOptions:
        """Options of a resource whose parent is the layer itself."""
        return pulumi.ResourceOptions(parent=self, provider=self._provider, protect=protect)

    def _create_operator_role(self) -> pulumi.Resource:
        """Cluster admin role of the login that creates the stack; others get access through `admin_groups`.

        Assigned on the resource group, so that it is effective everywhere in Azure when the cluster exists.
        """
        return role_assignments.of_operator(
            f"{self._name}-operator-role",
            subscription_id=self._settings.subscription_id,
            role=role_assignments.CLUSTER_ADMIN,
            scope=self._group_id,
            operator=self._operator,
            opts=self._own(),
        )

    def _create_network(self) -> Network:
        args = NetworkArgs(scope=self._scope, web=self._needed.external_access is not None)
        return Network(f"{self._name}-network", args, opts=self._child)

    def _create_database(self, network: Network) -> Database:
        return Database(
            f"{self._name}-database",
            DatabaseArgs(
                scope=self._scope,
                subnet=network.database,
                zone=network.database_zone,
                tenant=self._operator.tenant_id,
                results=self._needed.results_database,
            ),
            opts=self._child,
        )

    def _create_cluster(
        self,
        network: Network,
        identity: managedidentity.UserAssignedIdentity,
        address: Address | None,
        disk: BrokerDisk | None,
    ) -> Cluster:
        subnet_role = role_assignments.assigned(
            f"{self._name}-cluster-subnet-role",
            subscription_id=self._settings.subscription_id,
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
                scope=self._scope,
                subnet=network.nodes_subnet,
                subnet_id=network.nodes,
                identity=identity,
                tenant=self._operator.tenant_id,
                outbound_address=network.outbound_address,
                gateway=address is not None,
                before=before,
            ),
            opts=self._child,
        )

    def _create_address(self, identity: managedidentity.UserAssignedIdentity) -> Address | None:
        if self._needed.external_access is None:
            return None
        args = AddressArgs(
            scope=self._scope,
            group_id=self._group_id,
            principal=identity.principal_id,
            trusted_proxies=[self._settings.network.pods],
        )
        return Address(f"{self._name}-load-balancer", args, opts=self._child)

    def _create_gateways(self, cluster: Cluster, nodes: Nodes) -> pulumi.Resource:
        return create_gateway_api(
            f"{self._name}-cluster",
            scope=self._scope,
            cluster=cluster.resource,
            pools=nodes.pools,
            opts=self._own(),
        )

    def _create_vault(self) -> KeyVault:
        args = KeyVaultArgs(scope=self._scope, tenant=self._operator.tenant_id)
        return KeyVault(f"{self._name}-vault", args, opts=self._child)

    def _create_registry(self, cluster: Cluster) -> Registry:
        args = RegistryArgs(scope=self._scope, kubelet=cluster.kubelet)
        return Registry(f"{self._name}-registry", args, opts=self._child)

    def _create_log_storage(self, network: Network) -> LogStorage | None:
        logs = self._needed.log_store
        if logs is None:
            return None
        account = AccountArgs(scope=self._scope, network=network)
        args = LogStorageArgs(account=account, retention_days=logs.retention_days)
        return LogStorage(f"{self._name}-logs", args, opts=self._child)

    def _create_file_storage(self, network: Network) -> FileStorage | None:
        needed = self._needed
        if not needed.shares:
            return None
        args = FileStorageArgs(
            account=AccountArgs(scope=self._scope, network=network),
            shares={use: needed.volumes[use].size_gib for use in SHARED if use in needed.volumes},
            owner_uid=needed.file_owner_uid,
            owner_gid=needed.file_owner_gid,
        )
        return FileStorage(f"{self._name}-files", args, opts=self._child)

    def _create_broker_disk(self, identity: managedidentity.UserAssignedIdentity) -> BrokerDisk | None:
        if "broker" not in self._needed.volumes:
            return None
        args = BrokerDiskArgs(
            scope=self._scope,
            size_gib=self._needed.volumes["broker"].size_gib,
            principal=identity.principal_id,
        )
        return BrokerDisk(f"{self._name}-broker", args, opts=self._child)

    def _create_projects(self, network: Network, logs: LogStorage | None, cluster: Cluster) -> Projects | None:
        if not self._needed.projects:
            return None
        args = ProjectsArgs(
            account=AccountArgs(scope=self._scope, network=network),
            projects=self._needed.projects,
            issuer=cluster.issuer,
            log_container=logs.container if logs is not None else None,
            blob_zone=logs.blob_zone if logs is not None else None,
        )
        return Projects(f"{self._name}-projects", args, opts=self._child)

    def _create_locks(
        self, database: Database, logs: LogStorage | None, files: FileStorage | None, projects: Projects | None
    ) -> None:
        if not self._needed.protect:
            return
        locked = {
            "database": database.id,
            "logs": logs.account_id if logs is not None else None,
            "files": files.account_id if files is not None else None,
            "projects": projects.account_id if projects is not None else None,
        }
        things = {use: scope for use, scope in locked.items() if scope is not None}
        Locks(f"{self._name}-locks", things, opts=self._child)

    def _create_audit(self, cluster: Cluster, database: Database) -> None:
        audited: dict[Audited, pulumi.Input[str]] = {}
        if self._settings.cluster.audit:
            audited["cluster"] = cluster.id
        if self._settings.database.audit:
            audited["database"] = database.id
        if audited:
            Audit(f"{self._name}-audit", AuditArgs(scope=self._scope, resources=audited), opts=self._child)

    def _create_identities(
        self, logs: LogStorage | None, vault: KeyVault | None, cluster: Cluster
    ) -> dict[Workload, contract.Identity]:
        needed, access, secrets = self._needed, None, None
        if vault is not None and needed.secret_store is not None:
            secrets = SecretAccess(vault=vault.id, workloads=needed.secret_store.readers)
        if logs is not None and needed.log_store is not None:
            access = LogAccess(container=logs.container, roles=log_roles(needed.log_store))
        if access is None and secrets is None and not needed.cloud_identities:
            return {}
        args = IdentitiesArgs(
            scope=self._scope, requirements=needed, logs=access, secrets=secrets, issuer=cluster.issuer
        )
        return Identities(f"{self._name}-identities", args, opts=self._child).identities
