"""What waits for what on Azure, who is bound to whom, and what things are called."""

from __future__ import annotations

import base64
import json
import re
from typing import Any, Final

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from components import naming
from components.cloud.azure import exposure, physical
from components.cloud.azure.kubeconfig import rebuilt
from components.settings.model import DNS_LABEL
from tests.unit import recorder, recorder_azure, stacks_azure
from tests.unit.recorder import Recording, Registration, Secret, plain, walk
from tests.unit.stacks import recorded
from tests.unit.stacks_azure import STACKS
from tests.unit.test_order import waits_for

EVERYTHING: Final = "azure, protected with everything"
GATEWAYS: Final = ("azure, sample both", EVERYTHING, "azure, every name as long as it may be")
PATTERNS: Final = {
    "ManagedCluster": r"[a-zA-Z0-9]([-_a-zA-Z0-9]{0,61}[a-zA-Z0-9])?",
    "AgentPool": r"[a-z][a-z0-9]{0,11}",
    "Server": r"[a-z0-9]([-a-z0-9]{1,61}[a-z0-9])",
    "StorageAccount": r"[a-z0-9]{3,24}",
    "BlobContainer": r"[a-z0-9](?!.*--)[-a-z0-9]{1,61}[a-z0-9]",
    "FileShare": r"[a-z0-9](?!.*--)[-a-z0-9]{1,61}[a-z0-9]",
    "Registry": r"[a-zA-Z0-9]{5,50}",
    "UserAssignedIdentity": r"[a-zA-Z0-9][-_a-zA-Z0-9]{2,127}",
    "FederatedIdentityCredential": r"[a-zA-Z0-9][-_a-zA-Z0-9]{2,119}",
    "ResourceGroup": r"[-\w._()]{0,89}[-\w_()]",
    "Workspace": r"[a-zA-Z0-9][-a-zA-Z0-9]{2,61}[a-zA-Z0-9]",
    "PrivateZone": r"([a-z0-9-]{1,63}\.){1,33}[a-z]{2,63}",
    "Configuration": r"[a-z0-9_.]+",
    "Database": r"[a-z][a-z0-9_]{0,62}",
    "MaintenanceConfiguration": r"aksManaged(AutoUpgrade|NodeOSUpgrade)Schedule",
    "Deployment": r"[-\w._()]{1,64}",
}
"""https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules"""
OTHERS: Final = r"[a-zA-Z0-9][-\w.]{0,61}[a-zA-Z0-9_]"
"""The shortest of what virtual networks, subnets, addresses, disks and their like may be called."""
WORLDWIDE: Final = ("StorageAccount", "Server", "Registry")


def of_azure(recording: Recording) -> list[Registration]:
    return [found for found in recording.registrations if found.type.startswith("azure-native:")]


def named(recording: Recording, name: str) -> Registration:
    [found] = [found for found in recording.registrations if found.name == name and found.custom]
    return found


def aks(recording: Recording) -> Registration:
    [found] = recording.of_cloud("ManagedCluster")
    return found


def names_of(urns: set[str]) -> set[str]:
    return {urn.rpartition("::")[2].removeprefix("airflow-cloud-") for urn in urns}


def physical_name(found: Registration) -> str | None:
    key = recorder_azure.NAMES.get(found.type)
    return found.plain[key] if key is not None else None


@pytest.mark.parametrize("stack", STACKS)
def test_database_and_cluster_are_made_side_by_side(stack: str) -> None:
    recording = recorded(stack)
    [server] = recording.of_cloud("Server")
    assert aks(recording).urn not in waits_for(recording, server)
    assert server.urn not in waits_for(recording, aks(recording))


def test_cluster_and_database_wait_for_nothing_that_they_do_not_need() -> None:
    recording = recorded("azure, stack file prod")
    components = {"airflow-cloud", "cluster", "database", "network", "nodes"}
    common = {"group", "suffix", "network-vnet", "network-database-rules", "network-database-subnet", *components}
    database = names_of(waits_for(recording, named(recording, "airflow-cloud-database-server")))
    assert database <= common | {"network-database-zone", "network-database-link", "database-administrator-password"}
    cluster = names_of(waits_for(recording, aks(recording)))
    assert cluster <= common | {
        "cluster-identity",
        "cluster-subnet-role",
        "network-nodes-rules",
        "network-nodes-subnet",
        "network-outbound",
        "network-outbound-address",
    }


@pytest.mark.parametrize("stack", STACKS)
def test_what_runs_in_the_cluster_goes_before_nodes_cluster_and_network(stack: str) -> None:
    """Destruction is the other way round: objects, nodes, cluster, network."""
    recording = recorded(stack)
    [provider] = recording.of_type("kubernetes")
    behind = waits_for(recording, provider)
    kinds = {"AgentPool", "ManagedCluster", "VirtualNetwork", "NatGateway"}
    chain = [f for f in of_azure(recording) if f.kind in kinds]
    chain += [f for f in recording.of_cloud("Subnet") if f.plain["subnetName"] == "nodes"]
    chain += [named(recording, f"{recording.outputs['name']}-cloud-operator-role")]
    assert {found.urn for found in chain} <= behind
    assert [f.name for f in recording.objects if not f.provider.startswith(provider.urn)] == []


@pytest.mark.parametrize("stack", STACKS)
def test_what_the_cluster_holds_on_to_outlives_it(stack: str) -> None:
    """An attached disk and an address behind a load balancer cannot be deleted."""
    recording = recorded(stack)
    held = [*recording.of_cloud("Disk"), *recording.of_cloud("PublicIPAddress")]
    assert {found.urn for found in held} <= waits_for(recording, aks(recording))
    roles = [f for f in recording.of_cloud("RoleAssignment") if f.name.endswith(("broker-role", "address-role"))]
    assert {found.urn for found in roles} <= waits_for(recording, aks(recording))


@pytest.mark.parametrize("stack", STACKS)
def test_the_databases_subnet_and_zone_outlive_the_server(stack: str) -> None:
    recording = recorded(stack)
    [server] = recording.of_cloud("Server")
    behind = waits_for(recording, server)
    named_after = [f for f in of_azure(recording) if "-network-database-" in f.name]
    assert len(named_after) == 4
    assert {found.urn for found in named_after} <= behind


def test_azure_is_asked_for_one_change_of_a_network_or_a_server_at_a_time() -> None:
    """It refuses the second one, as long as the first goes on."""
    recording = recorded(EVERYTHING)
    for kinds in (("Subnet",), ("Database", "Configuration")):
        ahead = sorted(
            (len([f for f in recording.of_cloud(*kinds) if f.urn in waits_for(recording, found)]), found.name)
            for found in recording.of_cloud(*kinds)
        )
        assert [count for count, _ in ahead] == list(range(len(ahead)))
    assert ahead[0][1].endswith("-metadata")


@pytest.mark.parametrize("stack", STACKS)
def test_the_migration_waits_for_the_databases_that_it_gives_to_their_owners(stack: str) -> None:
    recording = recorded(stack)
    [migration] = recording.of_type("Job")
    waited = waits_for(recording, migration)
    databases = recording.of_cloud("Database")
    assert {found.urn for found in databases} <= waited
    celery = recording.config["airflow:executor"]["kind"] != "kubernetes"
    assert {f.plain["databaseName"] for f in databases} == ({"airflow", "celery"} if celery else {"airflow"})
    # What is not needed for tables is not waited for.
    assert not {f.urn for f in recording.of_cloud("Configuration")} & waited


@pytest.mark.parametrize("stack", STACKS)
def test_databases_go_with_the_server_and_pools_with_the_cluster(stack: str) -> None:
    recording = recorded(stack)
    [server] = recording.of_cloud("Server")
    assert all(found.retain_on_delete for found in recording.of_cloud("Database"))
    assert {found.deleted_with for found in recording.of_cloud("Configuration")} == {server.urn}
    assert {found.deleted_with for found in recording.of_cloud("AgentPool")} <= {aks(recording).urn}
    # What would be left behind by a deletion that failed, and could then not be made again, goes by itself.
    assert {f.kind for f in of_azure(recording) if f.deleted_with} <= {
        "AgentPool",
        "BlobServiceProperties",
        "Configuration",
        "FileServiceProperties",
    }


@pytest.mark.parametrize("stack", STACKS)
def test_each_identity_is_used_by_exactly_one_account_which_is_there(stack: str) -> None:
    recording = recorded(stack)
    annotated = {
        found.plain["metadata"]["annotations"]["azure.workload.identity/client-id"]: found
        for found in recording.of_type("ServiceAccount")
        if "azure.workload.identity/client-id" in found.plain["metadata"].get("annotations", {})
    }
    identities = {f.outputs["clientId"]: f for f in recording.of_cloud("UserAssignedIdentity") if "-ident" in f.name}
    identities = {client: f for client, f in identities.items() if not f.name.endswith("-cluster-identity")}
    assert annotated.keys() == identities.keys()
    for client, identity in identities.items():
        [federation] = [
            f
            for f in recording.of_cloud("FederatedIdentityCredential")
            if f.plain["resourceName"] == identity.outputs["name"]
        ]
        user = annotated[client]
        assert federation.plain["subject"] == f"system:serviceaccount:{user.namespace}:{user.object_name}"
        assert federation.plain["issuer"] == recorder_azure.ISSUER
        [role] = [
            f for f in recording.of_cloud("RoleAssignment") if f.plain["principalId"] == identity.outputs["principalId"]
        ]
        # Used only once it may be: by data flow.
        assert {federation.urn, role.urn} <= waits_for(recording, user)
        assert user.plain["metadata"]["annotations"]["azure.workload.identity/tenant-id"] == recorder_azure.TENANT


def test_pods_with_an_identity_say_so_and_others_do_not() -> None:
    recording = recorded("azure, both")
    label = "azure.workload.identity/use"
    found = {
        f.name: f.plain["spec"]["template"]["metadata"]["labels"].get(label)
        for f in recording.of_type("Deployment", "StatefulSet")
        if f.type.startswith("kubernetes:")
    }
    assert {name for name, value in found.items() if value == "true"} == {
        "airflow-api-server",
        "airflow-triggerer",
        "airflow-worker",
    }
    assert set(found.values()) == {"true", None}


@pytest.mark.parametrize("stack", ["azure, both", "azure, stack file prod"])
def test_logs_go_to_the_container_by_a_connection_without_a_key(stack: str) -> None:
    recording = recorded(stack)
    holders = [f for f in recording.of_type("ConfigMap") if "AIRFLOW_CONN_WASB_DEFAULT" in f.plain["data"]]
    parts = {f.name.removeprefix("airflow-").removesuffix("-options") for f in holders}
    assert parts == {"api-server", "triggerer", "task", *({"worker"} if stack == "azure, both" else ())}
    maps = [f.plain["data"] for f in holders]
    account = named(recording, "airflow-cloud-logs-account").plain["accountName"]
    for data in maps:
        connection = json.loads(data["AIRFLOW_CONN_WASB_DEFAULT"])
        assert connection == {"conn_type": "wasb", "host": f"https://{account}.blob.core.windows.net/"}
        assert data["AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER"].startswith("wasb")
        assert data["AIRFLOW__AZURE_REMOTE_LOGGING__REMOTE_WASB_LOG_CONTAINER"] == "logs"
        assert data["AIRFLOW__LOGGING__REMOTE_LOG_CONN_ID"] == "wasb_default"
        assert data["AIRFLOW__LOGGING__REMOTE_LOGGING"] == "True"
    for endpoint in recording.of_cloud("PrivateDnsZoneGroup"):
        assert all(endpoint.urn in waits_for(recording, holder) for holder in holders)


@pytest.mark.parametrize("stack", STACKS)
def test_connections_to_the_database_check_name_and_authority(stack: str) -> None:
    recording = recorded(stack)
    urls = [
        value
        for found in recording.of_type("Secret")
        for _, value, _ in walk(found.inputs)
        if isinstance(value, str) and "postgresql" in value and "://" in value
    ]
    assert len(urls) >= 3
    assert [url for url in urls if not re.search(r"ssl(mode)?=verify-full", url)] == []
    assert [url for url in urls if ".postgres.database.azure.com:5432/" not in url] == []


@pytest.mark.parametrize("stack", STACKS)
def test_names_keep_to_the_grammar_of_their_kind(stack: str) -> None:
    offenders = []
    for found in of_azure(recorded(stack)):
        name = physical_name(found)
        if name is not None and not re.fullmatch(PATTERNS.get(found.kind, OTHERS), name):
            offenders.append(f"{found.kind} {found.name}: {name!r}")
        if found.kind == "ManagedCluster":
            assert len(found.plain["dnsPrefix"]) <= 54
            assert len(found.plain["nodeResourceGroup"]) <= 80
    assert offenders == []


INSTANCE: Final = st.from_regex(rf"\A{DNS_LABEL.strip('^$')}\Z").filter(lambda name: len(name) <= naming.INSTANCE_MAX)
HEX: Final = st.from_regex(r"\A[0-9a-f]{6}\Z")
USE: Final = st.sampled_from(["logs", "files", "images"])
LIMIT: Final = st.sampled_from([physical.ACCOUNT_MAX, physical.REGISTRY_MAX])


@given(INSTANCE, USE, HEX, LIMIT)
def test_a_joined_name_has_its_use_and_its_random_end_and_fits(
    instance: str, use: str, suffix: str, limit: int
) -> None:
    name = physical.joined(limit, instance, use, suffix)
    assert re.fullmatch(r"[a-z0-9]{3,50}", name)
    assert len(name) <= limit
    assert name.endswith(use + suffix)


@given(INSTANCE, USE, USE, HEX)
def test_joined_names_of_two_uses_are_two(instance: str, use: str, other: str, suffix: str) -> None:
    names = [physical.joined(physical.ACCOUNT_MAX, instance, chosen, suffix) for chosen in (use, other)]
    assert (names[0] == names[1]) == (use == other)


@given(INSTANCE, HEX, st.sampled_from([54, physical.NAME_MAX, physical.NODE_GROUP_MAX]))
def test_a_fitted_name_is_one_of_a_cluster_or_a_server(instance: str, suffix: str, limit: int) -> None:
    for parts in ((), ("nodes",), ("api-server",)):
        name = naming.fitted(limit, instance, *parts, suffix)
        assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", name)
        assert len(name) <= limit


def test_a_joined_name_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="leave no room beside logs abcdef"):
        physical.joined(10, "airflow", "logs", "abcdef")


def test_a_new_stack_of_the_same_name_has_other_names() -> None:
    """Fault 31: names that belong to all the world stay blocked for a while after deletion."""
    first, second = recorded(EVERYTHING), recorder.run(STACKS[EVERYTHING], seed="another")
    names = [{physical_name(f) for f in recording.of_cloud(*WORLDWIDE)} for recording in (first, second)]
    assert len(names[0]) == 4
    assert names[0] & names[1] == set()


def test_secrets_of_the_database_and_of_shares_are_marked_wherever_they_are() -> None:
    for stack in STACKS:
        recording = recorded(stack)
        known = [f.outputs["result"] for f in recording.of_type("RandomPassword") if "-database-" in f.name]
        holders = {
            f"{found.kind} {found.name}{path}": secret
            for found in recording.registrations
            for path, value, secret in walk(found.inputs)
            if any(text in str(value) for text in (*known, recorder_azure.SHARE_KEY))
        }
        assert len(holders) >= 3
        assert [holder for holder, secret in holders.items() if not secret] == []


@pytest.mark.parametrize("stack", STACKS)
def test_the_key_of_shares_is_asked_for_where_they_are_mounted_by_smb_and_lies_in_one_secret(stack: str) -> None:
    recording = recorded(stack)
    smb = [f for f in recording.of_cloud("FileShare") if f.plain["enabledProtocols"] == "SMB"]
    holders = {
        (found.type, found.name)
        for found in recording.registrations
        for _, value, _ in walk(found.inputs)
        if recorder_azure.SHARE_KEY in str(value)
    }
    assert {type_ for type_, _ in holders} == ({"kubernetes:core/v1:Secret"} if smb else set())
    assert len(holders) == len(smb)


@pytest.mark.parametrize("stack", ["azure, both", EVERYTHING])
def test_the_kubeconfig_is_secret_logs_in_by_kubelogin_and_holds_no_token(stack: str) -> None:
    recording = recorded(stack)
    [provider] = recording.of_type("kubernetes")
    assert isinstance(provider.inputs["kubeconfig"], Secret)
    assert isinstance(recording.outputs["kubeconfig"], Secret)
    config = yaml.safe_load(plain(provider.inputs["kubeconfig"]))
    [user], [known] = config["users"], config["clusters"]
    assert user["user"].keys() == {"exec"}
    assert user["user"]["exec"]["command"] == "kubelogin"
    assert known["cluster"] == {"server": recorder_azure.SERVER, "certificate-authority-data": "c2ltdWxhdGVk"}
    assert provider.plain["clusterIdentifier"] == f"{aks(recording).name}-id"


def test_a_kubeconfig_keeps_nothing_of_the_given_one_but_address_and_authority() -> None:
    given_one = {
        "clusters": [{"name": "x", "cluster": {"server": "https://x", "certificate-authority-data": "Q0E=", "y": "z"}}],
        "users": [{"name": "admin", "user": {"token": "tell no one", "client-key-data": "nor this"}}],
    }
    text = rebuilt("name", base64.b64encode(yaml.safe_dump(given_one).encode()).decode(), "workloadidentity")
    config: Any = json.loads(text)
    assert "tell no one" not in text
    assert "nor this" not in text
    assert config["clusters"][0]["cluster"].keys() == {"server", "certificate-authority-data"}
    arguments = config["users"][0]["user"]["exec"]["args"]
    assert arguments[arguments.index("--login") + 1] == "workloadidentity"
    assert config["current-context"] in {context["name"] for context in config["contexts"]}
    assert {c["context"]["user"] for c in config["contexts"]} == {u["name"] for u in config["users"]}


def test_what_others_change_is_left_to_them() -> None:
    """The autoscaler's counts, the upgrade channel's versions, and the size of a disk that grows by itself."""
    recording = recorded(EVERYTHING)
    ignored = {f.name.removeprefix("airflow-cloud-"): {*f.ignore_changes} for f in of_azure(recording)}
    assert {name: paths for name, paths in ignored.items() if paths} == {
        "cluster-aks": {"kubernetesVersion", "agentPoolProfiles[0].count", "agentPoolProfiles[0].orchestratorVersion"},
        "database-server": {
            "availabilityZone",
            "highAvailability.standbyAvailabilityZone",
            "storage.storageSizeGB",
            "storage.tier",
        },
        "front-address": {"tags"},
        "network-vnet": {"subnets"},
        "nodes-airflow": {"count", "orchestratorVersion"},
        "nodes-tasks": {"count", "orchestratorVersion"},
        "operator-role": {"principalId", "principalType"},
    }


def test_slow_things_have_time() -> None:
    slow = {"ManagedCluster": 20, "AgentPool": 15, "Server": 30}
    offenders = [
        f"{found.name}: {action} {found.timeouts.get(action)}"
        for found in of_azure(recorded(EVERYTHING))
        for action in ("create", "delete")
        if found.kind in slow and int((found.timeouts.get(action) or "0m").removesuffix("m")) <= slow[found.kind]
    ]
    assert offenders == []
    # What lay in a subnet goes some minutes after it is gone.
    for subnet in recorded(EVERYTHING).of_cloud("Subnet"):
        assert subnet.timeouts["delete"] == "60m"


@pytest.mark.parametrize("kept", [True, False])
def test_a_kept_brokers_disk_outlives_the_stack_and_another_does_not(kept: bool) -> None:
    recording = recorder.run(stacks_azure.config("celery", cloud_with={"broker_disk": {"kept": kept}}))
    disk = named(recording, "airflow-cloud-broker-disk")
    assert disk.retain_on_delete is kept
    group = next(f for f in recording.of_cloud("ResourceGroup") if f.outputs["name"] == disk.plain["resourceGroupName"])
    # A resource group takes along what lies in it.
    assert group.retain_on_delete is kept


@pytest.mark.parametrize(
    ("cloud", "sku", "zones", "label"),
    [
        ({}, "Premium_ZRS", None, None),
        ({"zones": ["2"]}, "Premium_LRS", ["2"], "westeurope-2"),
        ({"zones": []}, "Premium_LRS", None, None),
        ({"location": "westus", "broker_disk": {"tier": "standard"}}, "StandardSSD_LRS", None, None),
    ],
)
def test_the_brokers_disk_can_be_attached_wherever_there_are_nodes(
    cloud: dict[str, Any], sku: str, zones: list[str] | None, label: str | None
) -> None:
    recording = recorder.run(stacks_azure.config("celery", cloud_with=cloud))
    disk = named(recording, "airflow-cloud-broker-disk").plain
    assert (disk["sku"]["name"], disk.get("zones")) == (sku, zones)
    [volume] = recording.of_type("PersistentVolume")
    affinity = json.dumps(volume.plain["spec"].get("nodeAffinity"))
    assert (label in affinity) if label is not None else affinity == "null"


def test_shares_are_mounted_for_airflows_user_by_smb_and_for_its_group_by_nfs() -> None:
    smb = [v.plain["spec"] for v in recorded("azure, sample celery").of_type("PersistentVolume") if "dags" in v.name]
    assert {"uid=50000", "gid=0", "nobrl", "actimeo=30", "mfsymlinks"} <= {*smb[0]["mountOptions"]}
    assert smb[0]["csi"]["volumeAttributes"]["protocol"] == "smb"
    assert "nodeStageSecretRef" in smb[0]["csi"]
    volumes = recorded("azure, shares by NFS").of_type("PersistentVolume")
    assert len(volumes) == 2
    assert len({volume.plain["spec"]["csi"]["volumeHandle"] for volume in volumes}) == 2
    for volume in volumes:
        csi = volume.plain["spec"]["csi"]
        assert csi["volumeAttributes"]["mountPermissions"] == "0775"
        assert "noresvport" in volume.plain["spec"]["mountOptions"]
        assert "nodeStageSecretRef" not in csi


@pytest.mark.parametrize("stack", GATEWAYS)
def test_a_gateway_takes_the_reserved_address_once_the_cluster_serves_gateways(stack: str) -> None:
    recording = recorded(stack)
    [gateway] = recording.of_type("Gateway")
    spec = gateway.plain["spec"]
    address = named(recording, f"{recording.outputs['name']}-cloud-front-address")
    assert spec["gatewayClassName"] == "approuting-istio"
    annotations = spec["infrastructure"]["annotations"]
    assert annotations["service.beta.kubernetes.io/azure-pip-name"] == address.outputs["name"]
    assert (
        annotations["service.beta.kubernetes.io/azure-load-balancer-resource-group"]
        == address.plain["resourceGroupName"]
    )
    assert {annotations[f"service.beta.kubernetes.io/port_{port}_health-probe_protocol"] for port in (80, 443)} == {
        "tcp"
    }
    assert recording.outputs["address"] == recorder_azure.ADDRESS
    [switched_on] = recording.of_cloud("Deployment")
    assert {switched_on.urn, address.urn} <= waits_for(recording, gateway)
    assert aks(recording).plain["ingressProfile"]["webAppRouting"]["nginx"]["defaultIngressControllerType"] == "None"


def test_gateways_are_switched_on_in_what_the_cluster_has_already() -> None:
    template = exposure.template()
    [outer] = template["resources"]
    inner = outer["properties"]["template"]
    [cluster] = inner["resources"]
    assert (template["parameters"].keys(), inner["parameters"].keys()) == ({"cluster"}, {"name", "now"})
    assert outer["properties"]["parameters"].keys() == inner["parameters"].keys()
    assert outer["properties"]["mode"] == "Incremental"
    found = re.fullmatch(r"\[union\(parameters\('now'\)\.properties, json\('(.*)'\)\)\]", cluster["properties"])
    assert found is not None
    assert json.loads(found[1])["ingressProfile"] == {
        "gatewayAPI": {"installation": "Standard"},
        "webAppRouting": {"enabled": True, "gatewayAPIImplementations": {"appRoutingIstio": {"mode": "Enabled"}}},
    }
    assert {"location", "sku", "identity", "tags"} <= cluster.keys()


@pytest.mark.parametrize(("spot", "taint"), [(True, "kubernetes.azure.com/scalesetpriority"), (False, "airflow-tasks")])
def test_tasks_go_to_their_own_nodes_and_nothing_else_does(spot: bool, taint: str) -> None:
    stack = stacks_azure.config("kubernetes", cloud_with={"cluster": {"task_nodes": {"spot": spot}}})
    recording = recorder.run(stack)
    pool = named(recording, "airflow-cloud-nodes-tasks").plain
    [given_taint] = pool["nodeTaints"]
    assert given_taint.startswith(f"{taint}=")
    assert pool.get("scaleSetPriority") == ("Spot" if spot else None)
    [template] = [f for f in recording.of_type("ConfigMap") if f.name == "airflow-task-template"]
    spec = json.loads(template.plain["data"]["task.yaml"])["spec"]
    assert spec["nodeSelector"].items() <= pool["nodeLabels"].items()
    assert taint in {toleration["key"] for toleration in spec["tolerations"]}
