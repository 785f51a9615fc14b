"""Dependencies and inputs of the cloud layer on Azure."""

from __future__ import annotations

import base64
import json
import re
from typing import Any, Final

import pytest
import yaml

from components.cloud.azure import load_balancer as exposure
from components.cloud.azure import role_assignments
from components.cloud.azure.kubeconfig import kubelogin_kubeconfig
from tests.unit.cloud.clouds import named
from tests.unit.program.test_order import waits_for
from tests.unit.recording import recorder, recorder_azure, stacks_azure
from tests.unit.recording.recorder import Recording, Registration, plain, walk
from tests.unit.recording.stacks import recorded
from tests.unit.recording.stacks_azure import STACKS

EVERYTHING: Final = "azure, protected with everything"
GATEWAYS: Final = ("azure, sample both", EVERYTHING, "azure, every name as long as it may be")


def of_azure(recording: Recording) -> list[Registration]:
    return [found for found in recording.registrations if found.type.startswith("azure-native:")]


def aks(recording: Recording) -> Registration:
    [found] = recording.of_cloud("ManagedCluster")
    return found


def names_of(urns: set[str]) -> set[str]:
    return {urn.rpartition("::")[2].removeprefix("airflow-cloud-") for urn in urns}


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
def test_what_runs_in_the_cluster_goes_before_its_subnet_and_the_operators_role(stack: str) -> None:
    recording = recorded(stack)
    [provider] = recording.of_type("kubernetes")
    chain = [f for f in recording.of_cloud("Subnet") if f.plain["subnetName"] == "nodes"]
    chain += [named(recording, f"{recording.outputs['name']}-cloud-operator-role")]
    assert len(chain) == 2
    assert {found.urn for found in chain} <= waits_for(recording, provider)


@pytest.mark.parametrize("stack", STACKS)
def test_what_the_cluster_holds_on_to_outlives_it(stack: str) -> None:
    """An attached disk and an address in use by a load balancer cannot be deleted."""
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
    """It refuses the second operation while the first one runs."""
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
    migration = recording.the("Job", f"{recording.outputs['name']}-migrate-job")
    waited = waits_for(recording, migration)
    databases = recording.of_cloud("Database")
    assert {found.urn for found in databases} <= waited
    celery = recording.config["airflow:executor"]["kind"] != "kubernetes"
    assert {f.plain["databaseName"] for f in databases} == ({"airflow", "celery"} if celery else {"airflow"})
    # Resources that the tables do not need are not awaited.
    assert not {f.urn for f in recording.of_cloud("Configuration")} & waited


@pytest.mark.parametrize("stack", STACKS)
def test_databases_go_with_the_server_and_pools_with_the_cluster(stack: str) -> None:
    recording = recorded(stack)
    [server] = recording.of_cloud("Server")
    assert all(found.retain_on_delete for found in recording.of_cloud("Database"))
    assert {found.deleted_with for found in recording.of_cloud("Configuration")} <= {server.urn}
    assert {found.deleted_with for found in recording.of_cloud("AgentPool")} <= {aks(recording).urn}
    # Resources that a failed deletion would leave behind, blocking their creation, are deleted with another one.
    assert {f.kind for f in of_azure(recording) if f.deleted_with} <= {
        "AgentPool",
        "BlobServiceProperties",
        "Configuration",
        "FileServiceProperties",
    }


@pytest.mark.parametrize("protect", [True, False])
def test_a_role_on_what_a_lock_keeps_is_left_behind_when_its_identity_goes(protect: bool) -> None:
    """The lock would prevent its deletion, and so a change of the executor."""
    recording = recorder.run(stacks_azure.config("celery", protect="true" if protect else "false"))
    locked = [lock.plain["scope"] for lock in recording.of_cloud("ManagementLockByScope")]
    assert bool(locked) == protect
    roles = {role.name: role for role in recording.of_cloud("RoleAssignment") if "-identities-" in role.name}
    assert len(roles) >= 3
    assert {role.retain_on_delete for role in roles.values()} == {protect}


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
def test_the_kubeconfig_has_the_clusters_address_and_authority(stack: str) -> None:
    [provider] = recorded(stack).of_type("kubernetes")
    [known] = yaml.safe_load(plain(provider.inputs["kubeconfig"]))["clusters"]
    assert known["cluster"] == {"server": recorder_azure.SERVER, "certificate-authority-data": "c2ltdWxhdGVk"}


def test_a_kubeconfig_keeps_nothing_of_the_given_one_but_address_and_authority() -> None:
    given_one = {
        "clusters": [{"name": "x", "cluster": {"server": "https://x", "certificate-authority-data": "Q0E=", "y": "z"}}],
        "users": [{"name": "admin", "user": {"token": "tell no one", "client-key-data": "nor this"}}],
    }
    text = kubelogin_kubeconfig(
        "name", base64.b64encode(yaml.safe_dump(given_one).encode()).decode(), "workloadidentity", "tenant"
    )
    config: Any = json.loads(text)
    assert "tell no one" not in text
    assert "nor this" not in text
    assert config["clusters"][0]["cluster"].keys() == {"server", "certificate-authority-data"}
    arguments = config["users"][0]["user"]["exec"]["args"]
    assert arguments[arguments.index("--login") + 1] == "workloadidentity"
    assert arguments[arguments.index("--tenant-id") + 1] == "tenant"
    assert config["current-context"] in {context["name"] for context in config["contexts"]}
    assert {c["context"]["user"] for c in config["contexts"]} == {u["name"] for u in config["users"]}


@pytest.mark.parametrize("kept", [True, False])
def test_the_group_of_a_kept_brokers_disk_outlives_the_stack_with_it(kept: bool) -> None:
    recording = recorder.run(stacks_azure.config("celery", cloud_with={"broker_disk": {"kept": kept}}))
    disk = named(recording, "airflow-cloud-broker-disk")
    group = next(f for f in recording.of_cloud("ResourceGroup") if f.outputs["name"] == disk.plain["resourceGroupName"])
    # Everything in a resource group is deleted with it.
    assert group.retain_on_delete is kept


@pytest.mark.parametrize(
    ("cloud", "sku", "zones", "label"),
    [
        ({}, "Premium_ZRS", None, None),
        ({"zones": ["2"]}, "Premium_LRS", ["2"], "westeurope-2"),
        ({"zones": []}, "Premium_LRS", None, None),
        ({"region": "westus", "broker_disk": {"tier": "standard"}}, "StandardSSD_LRS", None, None),
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
def test_the_cluster_is_written_a_second_time_when_no_pool_is_being_made(stack: str) -> None:
    """AKS refuses an operation while another one runs (OperationNotAllowed)."""
    recording = recorded(stack)
    [switched_on] = recording.of_cloud("Deployment")
    pools = {found.urn for found in recording.of_cloud("AgentPool")}
    assert pools <= waits_for(recording, switched_on)
    assert bool(pools) == (stack != GATEWAYS[2])


@pytest.mark.parametrize("stack", STACKS)
def test_nothing_in_the_list_of_pools_replaces_the_cluster(stack: str) -> None:
    """After a refresh the list has more entries, and an index may refer to another pool."""
    assert [path for path in aks(recorded(stack)).replace_on_changes if "agentPoolProfiles" in path] == []


@pytest.mark.parametrize("stack", STACKS)
def test_the_link_of_the_databases_zone_goes_before_the_subnet(stack: str) -> None:
    recording = recorded(stack)
    [link] = [f for f in recording.of_cloud("VirtualNetworkLink") if f.name.endswith("-network-database-link")]
    [subnet] = [f for f in recording.of_cloud("Subnet") if f.plain["subnetName"] == "database"]
    assert subnet.urn in waits_for(recording, link)


@pytest.mark.parametrize("stack", GATEWAYS)
def test_a_gateway_takes_the_reserved_address_once_the_cluster_serves_gateways(stack: str) -> None:
    recording = recorded(stack)
    [gateway] = recording.of_type("Gateway")
    spec = gateway.plain["spec"]
    address = named(recording, f"{recording.outputs['name']}-cloud-load-balancer-address")
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


@pytest.mark.parametrize(
    ("application", "kind"),
    [
        ("04b07795-8ddb-461a-bbee-02f9e1bf7b46", "User"),
        ("b677c290-cf4b-4a8e-a60e-91ba650a4abe", "User"),
        ("0a1b2c3d-0000-4000-8000-000000000000", "ServicePrincipal"),
    ],
)
def test_whoever_creates_the_stack_is_a_person_or_a_pipeline_by_the_application_of_the_login(
    application: str, kind: str
) -> None:
    """Without a type the SDK would set "User", and Azure refuses a type that is not the principal's."""
    assert role_assignments.principal_type(application) == kind
    for recording in map(recorded, STACKS):
        assert all("principalType" in role.plain for role in recording.of_cloud("RoleAssignment"))
