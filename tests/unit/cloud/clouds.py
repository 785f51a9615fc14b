"""The two clouds as the tests of both see them: what differs, in one row for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any, Final

import pytest

from tests.unit.cloud.azure import grammar as azure
from tests.unit.cloud.azure.inventory import INVENTORY as AZURE_INVENTORY
from tests.unit.cloud.gcp import grammar as gcp
from tests.unit.cloud.gcp.inventory import INVENTORY as GCP_INVENTORY
from tests.unit.recording import recorder_azure, stacks, stacks_azure, stacks_gcp
from tests.unit.recording.recorder import Config, Recording, Registration


@dataclass(frozen=True, kw_only=True)
class CloudRow:
    """One cloud. Types of resources are the last part of the SDK's names, logical names are without the layer's own."""

    name: str
    stacks: Mapping[str, Config]
    recorded: Callable[[str], Recording]
    """The recording of one of the stacks."""
    config: Callable[..., Config]
    """The config of a stack with nothing set but what must be."""
    basic: str
    """The stack with both executors and nothing else."""
    everything: str
    """The stack with every option, and protection."""
    inventory: Mapping[str, Set[tuple[str, str]]]
    """Every resource of the layer, by stack."""
    provider: str
    """The provider's package, which types of resources begin with."""
    provider_inputs: Mapping[str, str]
    """The provider's inputs, and the settings that they come from."""
    resources_min: int
    """How many resources each stack has at least."""
    sdk: str
    cluster: str
    server: str
    """The server of the database."""
    network_and_nodes: Set[str]
    """What the cluster's objects stand on besides the cluster."""
    login_program: str
    """What the kubeconfig runs to log in."""
    verification: str
    """The `sslmode` of every connection to the database's address."""
    connections_by_proxy: Set[str] = frozenset()
    """Stacks whose connections go through a proxy inside the pod, which encrypts them."""
    identity: tuple[str, str]
    """The type of a pod's identity, and the output that names it."""
    identity_annotation: str
    """What names the identity on an account of Kubernetes."""
    principal: str
    """The principal of an identity, of its outputs."""
    share_keys: tuple[str, ...] = ()
    """Keys of shares that the simulated cloud gives out."""
    left_to_others: Mapping[str, Set[str]]
    """The inputs of the stack with everything that the program does not set back."""
    slow_minutes: Mapping[str, int]
    """By type, what creating and deleting may well take."""
    name_and_pattern: Callable[[Registration], tuple[str, str] | None]
    """The name that a resource has in the cloud, and what such names look like; None is a resource without a name."""
    kinds_with_unique_names: Set[str]
    """Types whose names stay blocked after a deletion, or belong to all the world."""
    unique_names_min: int
    """How many such names a stack has at least."""


GCP: Final = CloudRow(
    name="gcp",
    stacks=stacks_gcp.STACKS,
    recorded=stacks_gcp.recorded,
    config=stacks_gcp.config,
    basic="gcp, both",
    everything="gcp, protected with everything",
    inventory=GCP_INVENTORY,
    provider="gcp",
    provider_inputs={"project": "project", "region": "region"},
    resources_min=31,
    sdk="pulumi_gcp",
    cluster="Cluster",
    server="DatabaseInstance",
    network_and_nodes={"NodePool", "Subnetwork", "Network", "RouterNat"},
    login_program="gke-gcloud-auth-plugin",
    verification="verify-ca",
    identity=("Account", "email"),
    identity_annotation="iam.gke.io/gcp-service-account",
    principal="serviceAccount:{email}",
    connections_by_proxy={"gcp, through the proxy"},
    left_to_others={
        "cluster-gke": {"initialNodeCount", "minMasterVersion", "nodeConfig", "nodeVersion"},
        "database-server": {"settings.diskSize"},
        "nodes-system": {"initialNodeCount", "nodeCount", "version"},
        "nodes-tasks": {"initialNodeCount", "nodeCount", "version"},
    },
    slow_minutes={"Cluster": 20, "NodePool": 15, "DatabaseInstance": 30, "Instance": 20},
    name_and_pattern=gcp.name_and_pattern,
    kinds_with_unique_names={"DatabaseInstance", "Bucket", "Account", "Cluster", "Network", "Disk", "GlobalAddress"},
    unique_names_min=11,
)
AZURE: Final = CloudRow(
    name="azure",
    stacks=stacks_azure.STACKS,
    recorded=stacks.recorded,
    config=stacks_azure.config,
    basic="azure, both",
    everything="azure, protected with everything",
    inventory=AZURE_INVENTORY,
    provider="azure-native",
    provider_inputs={"subscriptionId": "subscription_id", "location": "region"},
    resources_min=20,
    sdk="pulumi_azure_native",
    cluster="ManagedCluster",
    server="Server",
    network_and_nodes={"AgentPool", "VirtualNetwork", "NatGateway"},
    login_program="kubelogin",
    verification="verify-full",
    identity=("UserAssignedIdentity", "clientId"),
    identity_annotation="azure.workload.identity/client-id",
    principal="{principalId}",
    share_keys=(recorder_azure.SHARE_KEY,),
    left_to_others={
        "cluster-aks": {"kubernetesVersion", "agentPoolProfiles[0].count", "agentPoolProfiles[0].orchestratorVersion"},
        "database-server": {
            "availabilityZone",
            "highAvailability.standbyAvailabilityZone",
            "storage.iops",
            "storage.storageSizeGB",
            "storage.tier",
        },
        "load-balancer-address": {"tags"},
        "network-vnet": {"subnets"},
        "nodes-airflow": {"count", "orchestratorVersion"},
        "nodes-tasks": {"count", "orchestratorVersion"},
        "operator-role": {"principalId", "principalType"},
    },
    slow_minutes={"ManagedCluster": 20, "AgentPool": 15, "Server": 30},
    name_and_pattern=azure.name_and_pattern,
    kinds_with_unique_names={"StorageAccount", "Server", "Registry"},
    unique_names_min=4,
)
CLOUDS: Final = (GCP, AZURE)
each_cloud: Final = pytest.mark.parametrize("cloud", [pytest.param(cloud, id=cloud.name) for cloud in CLOUDS])


def _stacks() -> Iterator[Any]:
    for cloud in CLOUDS:
        for stack in cloud.stacks:
            yield pytest.param(cloud, stack, id=stack)


each_stack: Final = pytest.mark.parametrize(("cloud", "stack"), [*_stacks()])


def resources(cloud: CloudRow, recording: Recording) -> list[Registration]:
    """The cloud's own resources."""
    return [found for found in recording.registrations if found.type.startswith(f"{cloud.provider}:")]


def one(recording: Recording, kind: str) -> Registration:
    """The cloud's only resource of a type."""
    [found] = recording.of_cloud(kind)
    return found


def named(recording: Recording, name: str) -> Registration:
    """The resource with a logical name; a component may have the same."""
    [found] = [found for found in recording.registrations if found.name == name and found.custom]
    return found


def identities(cloud: CloudRow, recording: Recording) -> list[tuple[Registration, Registration]]:
    """Each identity of a pod, and the one account of Kubernetes that uses it, which must be there."""
    accounts = {
        found.plain["metadata"]["annotations"][cloud.identity_annotation]: found
        for found in recording.of_type("ServiceAccount")
        if cloud.identity_annotation in found.plain["metadata"].get("annotations", {})
    }
    kind, key = cloud.identity
    found = {f.outputs[key]: f for f in recording.of_cloud(kind) if "-identities-" in f.name or "-projects-" in f.name}
    assert accounts.keys() == found.keys()
    return [(identity, accounts[name]) for name, identity in found.items()]
