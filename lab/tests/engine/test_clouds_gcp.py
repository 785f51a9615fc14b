"""Rules of the simulated Google Cloud, which are also rules of its real API."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from lab.clouds.gcp import tokens
from lab.clouds.gcp.catalogue import KINDS
from lab.clouds.gcp.cluster import Cluster
from lab.clouds.schema import resource
from lab.engine.provider_values import UNKNOWN, is_secret, opened
from lab.testing.gcp import INPUTS, PROJECT, REGION, Gcp, inputs

MEMBER = "gcp:storage/bucketIAMMember:BucketIAMMember"
BINDING = "gcp:serviceaccount/iAMMember:IAMMember"


@pytest.mark.parametrize("token", INPUTS)
def test_everything_lives_a_whole_life(gcp: Gcp, token: str) -> None:
    made = gcp.make(token)
    again = gcp.plugin.read(made)
    assert again is not None
    assert again.inputs == made.inputs
    assert opened(again.outputs) == opened(made.outputs)
    assert gcp.changes(token) == {}
    missing = [name for name, each in resource(token).outputs.items() if each.required and name not in made.outputs]
    assert [name for name in missing if resource(token).outputs[name].type.shape != "object"] == []
    if token not in (tokens.DATABASE, tokens.USER, tokens.CONNECTION):
        gcp.delete(token)
        assert gcp.plugin.read(made) is None


@pytest.mark.parametrize(
    ("token", "changes", "path"),
    [
        (tokens.NETWORK, {"name": "Net"}, "name"),
        (tokens.NETWORK, {"name": "n" * 64}, "name"),
        (tokens.NETWORK, {"routingMode": "LOCAL"}, "routingMode"),
        (tokens.NETWORK, {"autoCreateSubnetwork": False}, "autoCreateSubnetwork"),
        (tokens.NETWORK, {"autoCreateSubnetworks": "no"}, "autoCreateSubnetworks"),
        (tokens.SUBNETWORK, {"ipCidrRange": "10.0.0.1/20"}, "ipCidrRange"),
        (tokens.SUBNETWORK, {"ipCidrRange": "10.0.0.0/30"}, "ipCidrRange"),
        (tokens.SUBNETWORK, {"network": None}, "network"),
        (tokens.SUBNETWORK, {"region": "europe-west99"}, "region"),
        (tokens.NAT, {"sourceSubnetworkIpRangesToNat": "LIST_OF_SUBNETWORKS"}, "subnetworks"),
        (tokens.NAT, {"natIpAllocateOption": "MANUAL_ONLY"}, "natIps"),
        (tokens.GLOBAL_ADDRESS, {"prefixLength": None}, "prefixLength"),
        (tokens.CLUSTER, {"name": "c" * 41}, "name"),
        (tokens.CLUSTER, {"nodeLocations": ["europe-west2-a"]}, "nodeLocations[0]"),
        (tokens.CLUSTER, {"initialNodeCount": None}, "initialNodeCount"),
        (tokens.CLUSTER, {"releaseChannel": {"channel": "FAST"}}, "releaseChannel.channel"),
        (tokens.CLUSTER, {"addonsConfig": {"dnsCache": {"enabled": True}}}, "addonsConfig.dnsCache"),
        (tokens.NODE_POOL, {"autoscaling__minNodeCount": 4}, "autoscaling.minNodeCount"),
        (
            tokens.NODE_POOL,
            {"nodeConfig__taints": [{"key": "a", "value": "b", "effect": "NoSchedule"}]},
            "nodeConfig.taints[0].effect",
        ),
        (
            tokens.NODE_POOL,
            {"nodeConfig__kubeletConfig": {"insecureKubeletReadonlyPortEnabled": "false"}},
            "nodeConfig.kubeletConfig.insecureKubeletReadonlyPortEnabled",
        ),
        (tokens.SERVER, {"name": "d" * 90}, "name"),
        (tokens.SERVER, {"databaseVersion": "POSTGRES_19"}, "databaseVersion"),
        (tokens.SERVER, {"settings__ipConfiguration__sslMode": "REQUIRE"}, "settings.ipConfiguration.sslMode"),
        (tokens.SERVER, {"settings__tier": None}, "settings.tier"),
        (tokens.BUCKET, {"name": "my-google-logs"}, "name"),
        (
            tokens.BUCKET,
            {"softDeletePolicy": {"retentionDurationSeconds": 60}},
            "softDeletePolicy.retentionDurationSeconds",
        ),
        (tokens.DATASET, {"datasetId": "citi-bike"}, "datasetId"),
        (tokens.DISK, {"size": 5}, "size"),
        (tokens.DISK, {"type": "pd-fast"}, "type"),
        (tokens.FILESTORE, {"fileShares__capacityGb": 64}, "fileShares.capacityGb"),
        (tokens.FILESTORE, {"fileShares__capacityGb": 100}, "fileShares.capacityGb"),
        (tokens.FILESTORE, {"fileShares__capacityGb": 1100}, "fileShares.capacityGb"),
        (
            tokens.FILESTORE,
            {"tier": "ZONAL", "location": f"{REGION}-b", "fileShares__capacityGb": 11_000},
            "fileShares.capacityGb",
        ),
        (tokens.FILESTORE, {"tier": "ENTERPRISE", "fileShares__capacityGb": 1025}, "fileShares.capacityGb"),
        (tokens.FILESTORE, {"location": f"{REGION}-b"}, "location"),
        (tokens.FILESTORE, {"fileShares__name": "my-logs"}, "fileShares.name"),
        (tokens.FILESTORE, {"tier": "BASIC_HDD", "deletionProtectionEnabled": True}, "deletionProtectionEnabled"),
        (tokens.SSL_POLICY, {"profile": "STRICT"}, "profile"),
        (tokens.SSL_POLICY, {"profile": "CUSTOM"}, "customFeatures"),
        (tokens.SSL_POLICY, {"minTlsVersion": "TLS_1_3"}, "minTlsVersion"),
        (tokens.ACCOUNT, {"accountId": "short"}, "accountId"),
        (tokens.ACCOUNT, {"accountId": "a" * 31}, "accountId"),
        (tokens.CERTIFICATE, {"managed__domains": ["not a name"]}, "managed.domains[0]"),
        (MEMBER, {}, "bucket"),
        (BINDING, {"serviceAccountId": "a", "role": "roles/iam.serviceAccountUser", "member": "a@b.org"}, "member"),
    ],
)
def test_bad_input_is_refused_before_anything_happens(gcp: Gcp, token: str, changes: dict[str, Any], path: str) -> None:
    faults = gcp.faults(token, **changes) if token in INPUTS else gcp.plugin.faults(token, changes)
    assert path in faults
    assert faults[path].startswith(path)


def test_without_a_project_the_missing_setting_is_named(gcp: Gcp) -> None:
    gcp.plugin.provider.config = {}
    assert "gcp:project" in gcp.faults(tokens.NETWORK)["project"]


@pytest.mark.parametrize(
    ("token", "changes", "words"),
    [
        (tokens.SUBNETWORK, {"network": "other"}, "'other' was not found"),
        (tokens.SUBNETWORK, {"secondaryIpRanges": [{"rangeName": "p", "ipCidrRange": "10.10.8.0/24"}]}, "overlaps"),
        (tokens.NAT, {"enableDynamicPortAllocation": True, "enableEndpointIndependentMapping": True}, "Endpoint-Indep"),
        (tokens.NAT, {"enableDynamicPortAllocation": True, "minPortsPerVm": 100}, "power of two"),
        (tokens.NAT, {"maxPortsPerVm": 4096}, "requires Dynamic Port Allocation"),
        (tokens.CONNECTION, {"reservedPeeringRanges": ["other"]}, "'other' was not found"),
        (tokens.CLUSTER, {"ipAllocationPolicy__clusterSecondaryRangeName": "pots"}, 'range "pots" does not exist'),
        (tokens.CLUSTER, {"location": "us-central1"}, 'is not in region "us-central1"'),
        (tokens.CLUSTER, {"workloadIdentityConfig__workloadPool": "x.svc.id.goog"}, "must be"),
        (
            tokens.CLUSTER,
            {"controlPlaneEndpointsConfig": {"ipEndpointsConfig": {"enabled": False}}},
            "At least one of DNS endpoint or IP endpoints",
        ),
        (tokens.CLUSTER, {"databaseEncryption": {"state": "ENCRYPTED"}}, "key name must be set"),
        (
            tokens.CLUSTER,
            {"binaryAuthorization": {"evaluationMode": "PROJECT_SINGLETON_POLICY_ENFORCE"}},
            "Binaryauthorization API has not been used in project",
        ),
        (tokens.SERVER, {"settings__finalBackupConfig": {"enabled": False, "retentionDays": 7}}, "cannot be set when"),
        (
            tokens.CLUSTER,
            {"datapathProvider": "ADVANCED_DATAPATH", "networkPolicy": {"enabled": True}},
            "DatapathProvider=ADVANCED_DATAPATH is not allowed",
        ),
        (tokens.CLUSTER, {"nodeConfig": {"machineType": "e2-standard-5"}}, "does not exist"),
        (
            tokens.CLUSTER,
            {"nodeConfig": {"serviceAccount": "x@simulated-project.iam.gserviceaccount.com"}},
            "was not found",
        ),
        (tokens.NODE_POOL, {"nodeConfig__machineType": "e2-standard-128"}, "QUOTA_EXCEEDED"),
        (tokens.NODE_POOL, {"nodeConfig__machineType": "n4-standard-4"}, "pd-balanced disk type cannot be used by n4"),
        (
            tokens.NODE_POOL,
            {"nodeConfig__machineType": "c4a-standard-4", "nodeConfig__diskType": "pd-ssd"},
            "pd-ssd disk type cannot be used by c4a-standard-4 machine type.",
        ),
        (tokens.CLUSTER, {"nodeConfig": {"machineType": "c4-standard-4"}}, "pd-balanced disk type cannot be used by"),
        (tokens.SERVER, {"settings__tier": "db-custom-3-7680"}, "number of vCPUs"),
        (tokens.SERVER, {"settings__tier": "db-custom-2-20000"}, "memory must be"),
        (tokens.SERVER, {"settings__edition": "ENTERPRISE_PLUS"}, "for (ENTERPRISE_PLUS) Edition"),
        (tokens.SERVER, {"settings__edition": None}, "for (ENTERPRISE_PLUS) Edition"),
        (tokens.SERVER, {"settings__tier": "db-g1-small", "settings__availabilityType": "REGIONAL"}, "high avail"),
        (tokens.SERVER, {"settings__ipConfiguration": {"ipv4Enabled": False}}, "At least one of Public IP"),
        (
            tokens.SERVER,
            {"settings__databaseFlags": [{"name": "log_all", "value": "on"}]},
            "Invalid flag name: log_all",
        ),
        (
            tokens.SERVER,
            {"settings__databaseFlags": [{"name": "log_lock_waits", "value": "yes"}]},
            "Invalid flag value",
        ),
        (tokens.SERVER, {"settings__backupConfiguration": {"pointInTimeRecoveryEnabled": True}}, "requires automated"),
        (
            tokens.SERVER,
            {"settings__backupConfiguration": {"enabled": True, "transactionLogRetentionDays": 14}},
            "from 1 to 7",
        ),
        (tokens.SERVER, {"settings__locationPreference": {"zone": "us-central1-a"}}, "not in the instance's region"),
        (tokens.DATABASE, {"charset": "LATIN1"}, "only supports the charset UTF8"),
        (tokens.BUCKET, {"location": "EUROPE"}, "location constraint"),
        (tokens.DATASET, {"location": "ASIA"}, "Invalid value for location: ASIA"),
    ],
)
def test_what_the_api_refuses_fails_in_its_words(gcp: Gcp, token: str, changes: dict[str, Any], words: str) -> None:
    assert words in gcp.refused(token, **changes)
    assert gcp.plugin.inventory.read().of(token) == []


@pytest.mark.parametrize(
    ("token", "changes", "expected"),
    [
        (tokens.NETWORK, {"autoCreateSubnetworks": True}, {"autoCreateSubnetworks": "update-replace"}),
        (tokens.NETWORK, {"routingMode": "GLOBAL"}, {"routingMode": "add"}),
        (tokens.SUBNETWORK, {"ipCidrRange": "10.10.0.0/19"}, {"ipCidrRange": "update"}),
        (tokens.SUBNETWORK, {"ipCidrRange": "10.10.0.0/21"}, {"ipCidrRange": "update-replace"}),
        (tokens.GLOBAL_ADDRESS, {"prefixLength": 16}, {"prefixLength": "update-replace"}),
        (tokens.CLUSTER, {"deletionProtection": True}, {"deletionProtection": "update"}),
        (tokens.CLUSTER, {"datapathProvider": "ADVANCED_DATAPATH"}, {"datapathProvider": "add-replace"}),
        (tokens.CLUSTER, {"releaseChannel": {"channel": "STABLE"}}, {"releaseChannel": "add"}),
        (tokens.NODE_POOL, {"nodeConfig__machineType": "e2-standard-8"}, {"nodeConfig.machineType": "update"}),
        (tokens.NODE_POOL, {"nodeConfig__spot": True}, {"nodeConfig.spot": "update-replace"}),
        (tokens.NODE_POOL, {"initialNodeCount": 2}, {"initialNodeCount": "update-replace"}),
        (tokens.SERVER, {"settings__tier": "db-custom-4-15360"}, {"settings.tier": "update"}),
        (tokens.SERVER, {"settings__diskSize": 30}, {"settings.diskSize": "update"}),
        (tokens.SERVER, {"settings__diskSize": 10}, {"settings.diskSize": "update-replace"}),
        (tokens.SERVER, {"databaseVersion": "POSTGRES_18"}, {"databaseVersion": "update"}),
        (tokens.SERVER, {"region": "europe-west4"}, {"region": "update-replace"}),
        (tokens.USER, {"password": "another-long-password"}, {"password": "update"}),
        (tokens.BUCKET, {"location": "europe-west1"}, {}),
        (tokens.BUCKET, {"location": "EU"}, {"location": "update-replace"}),
        (tokens.BUCKET, {"forceDestroy": False}, {}),
        (tokens.DATASET, {"location": "EUROPE-WEST1"}, {}),
        (tokens.DATASET, {"location": "EU"}, {"location": "update-replace"}),
        (tokens.DATASET, {"datasetId": "other"}, {"datasetId": "update-replace"}),
        (tokens.DATASET, {"deleteContentsOnDestroy": True}, {"deleteContentsOnDestroy": "update"}),
        (tokens.DISK, {"size": 30}, {"size": "update"}),
        (tokens.DISK, {"size": 10}, {"size": "update-replace"}),
        (tokens.FILESTORE, {"fileShares__capacityGb": 2048}, {"fileShares.capacityGb": "update"}),
        (tokens.SSL_POLICY, {"profile": "RESTRICTED"}, {"profile": "update"}),
        (tokens.ACCOUNT, {"accountId": "another"}, {"accountId": "update-replace"}),
    ],
)
def test_a_change_updates_or_replaces_as_the_official_plugin_does(
    gcp: Gcp, token: str, changes: dict[str, Any], expected: dict[str, str]
) -> None:
    assert gcp.changes(token, **changes) == expected


def test_a_version_goes_up_in_place_and_never_down(gcp: Gcp) -> None:
    made = gcp.make(tokens.SERVER)
    newer = gcp.plugin.update(made, inputs(tokens.SERVER, databaseVersion="POSTGRES_18"))
    assert newer["databaseVersion"] == "POSTGRES_18"
    assert "Cannot downgrade" in gcp.plugin.refused(gcp.plugin.update, newer, inputs(tokens.SERVER))


def test_a_cluster_shows_its_endpoints_and_a_preview_knows_none(gcp: Gcp) -> None:
    masked = {"masterAuth": {"clientCertificateConfig": {"issueClientCertificate": False}}}
    planned = gcp.plugin.preview(tokens.CLUSTER, inputs(tokens.CLUSTER, **masked))
    assert planned["endpoint"] == planned["masterAuth"]["clusterCaCertificate"] == UNKNOWN
    assert planned["controlPlaneEndpointsConfig"]["dnsEndpointConfig"]["endpoint"] == UNKNOWN
    made = gcp.make(tokens.CLUSTER)
    certificate = base64.b64decode(made["masterAuth"]["clusterCaCertificate"]).decode()
    assert certificate.startswith("-----BEGIN CERTIFICATE-----")
    assert made["controlPlaneEndpointsConfig"]["dnsEndpointConfig"]["endpoint"].endswith(f".{REGION}.gke.goog")


def test_an_update_leaves_a_servers_address_and_authority_alone(gcp: Gcp) -> None:
    made = gcp.make(tokens.SERVER)
    gcp.plugin.provider.backing = type(gcp.plugin.provider.backing)()
    after = gcp.plugin.update(made, inputs(tokens.SERVER, settings__diskSize=40))
    for name in ("serverCaCerts", "privateIpAddress", "connectionName"):
        assert after[name] == made[name]


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, {}),
        ({"settings__finalBackupConfig": {"enabled": True, "retentionDays": 30}}, {}),
        ({"settings__finalBackupConfig": {"enabled": False}}, {"settings.finalBackupConfig": "add"}),
        (
            {"settings__passwordValidationPolicy": {"enablePasswordPolicy": True, "minLength": 16}},
            {"settings.passwordValidationPolicy.complexity": "delete"},
        ),
        (
            {
                "settings__passwordValidationPolicy": {
                    "enablePasswordPolicy": True,
                    "complexity": "COMPLEXITY_DEFAULT",
                }
            },
            {},
        ),
    ],
)
def test_what_the_api_leaves_out_or_adds_is_a_change_after_a_refresh(
    gcp: Gcp, changes: dict[str, Any], found: dict[str, str]
) -> None:
    made = gcp.make(tokens.SERVER, **changes)
    refreshed = gcp.plugin.read(made)
    assert refreshed is not None
    assert gcp.plugin.changes(refreshed, inputs(tokens.SERVER, **changes)) == found


# -- APIs and quotas --------------------------------------------------------------------------------------------------


def test_an_api_that_is_not_enabled_is_named_with_where_to_enable_it(new_project: Gcp) -> None:
    new_project.enable("iam")
    message = new_project.refused(tokens.NETWORK)
    assert "Error 403" in message
    assert f"apis/api/compute.googleapis.com/overview?project={PROJECT}" in message


def test_an_api_stays_enabled_when_the_stack_goes(new_project: Gcp) -> None:
    inputs = {"service": "compute.googleapis.com", "disableOnDestroy": False}
    service = new_project.plugin.create(tokens.SERVICE, inputs)
    new_project.plugin.delete(service)
    # The first call comes too early.
    assert "wait a few minutes" in new_project.refused(tokens.NETWORK)
    new_project.make(tokens.NETWORK)
    assert new_project.plugin.inventory.read().of(tokens.SERVICE) == []


def test_a_quota_can_be_made_smaller(gcp: Gcp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_CLOUD_QUOTAS", '{"CPUS": 12}')
    gcp.make(tokens.NODE_POOL)
    gcp.made.pop(tokens.NODE_POOL)
    message = gcp.refused(tokens.NODE_POOL, name="tasks")
    assert "Quota 'CPUS' exceeded. Limit: 12.0" in message
    assert REGION in message


def test_disks_that_nodes_start_from_use_up_the_quota_of_disks(gcp: Gcp) -> None:
    """A new project has 500 GB in a region; three nodes with default disks take 300."""
    gcp.make(tokens.NODE_POOL)
    message = gcp.refused(tokens.NODE_POOL, name="tasks")
    assert "Quota 'SSD_TOTAL_GB' exceeded. Limit: 500.0" in message
    assert "request requires '300.0' and is short '100.0'" in message
    small = {"nodeConfig__diskSizeGb": 50, "nodeConfig__diskType": "pd-balanced"}
    gcp.make(tokens.NODE_POOL, name="tasks", **small)
    assert "SSD_TOTAL_GB" in gcp.refused(tokens.DISK, size=51)
    gcp.make(tokens.DISK, size=50)


# -- names, labels, functions -----------------------------------------------------------------------------------------


def test_an_unnamed_resource_gets_its_logical_name_with_random_characters(gcp: Gcp) -> None:
    made = gcp.plugin.create(tokens.NETWORK, {}, "Airflow")
    assert made["name"].startswith("airflow-")
    assert len(made["name"]) == len("airflow-") + 7
    assert gcp.plugin.changes(made, {}) == {}
    assert not gcp.plugin.diff(made, {"autoCreateSubnetworks": False}).deleteBeforeReplace


def test_a_resource_named_by_the_program_goes_before_its_replacement_comes(gcp: Gcp) -> None:
    made = gcp.make(tokens.NETWORK)
    for changes in ({"autoCreateSubnetworks": True}, {"name": "another"}):
        assert gcp.plugin.diff(made, inputs(tokens.NETWORK, **changes)).deleteBeforeReplace
    account = gcp.make(tokens.ACCOUNT)
    assert not gcp.plugin.diff(account, inputs(tokens.ACCOUNT, accountId="another")).deleteBeforeReplace


def test_labels_come_out_with_the_plugins_own_and_secret(gcp: Gcp) -> None:
    made = gcp.make(tokens.BUCKET, labels={"app": "airflow"})
    assert is_secret(made["effectiveLabels"])
    assert opened(made["effectiveLabels"]) == {"app": "airflow", "goog-pulumi-provisioned": "true"}


def test_functions_answer_in_the_sdks_shape(gcp: Gcp) -> None:
    zones = gcp.plugin.invoke("gcp:compute/getZones:getZones", {"region": "us-central1"})
    assert zones["names"] == ["us-central1-a", "us-central1-b", "us-central1-c", "us-central1-f"]
    assert is_secret(gcp.plugin.invoke("gcp:organizations/getClientConfig:getClientConfig", {})["accessToken"])
    assert "does not model" in gcp.plugin.refused(gcp.plugin.invoke, "gcp:compute/getImage:getImage", {})


def test_a_cluster_of_a_kubeconfig_is_what_a_simulated_cluster_hands_out(
    gcp: Gcp, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    authority = base64.b64encode(b"pem").decode()
    (tmp_path / "kubeconfig").write_text(
        "{current-context: a, contexts: [{name: a, context: {cluster: b}}], "
        "clusters: [{name: b, cluster: {server: 'https://127.0.0.1:6443', "
        f"certificate-authority-data: {authority}}}}}]}}"
    )
    monkeypatch.setenv("LAB_CLOUD_KUBECONFIG", str(tmp_path / "kubeconfig"))
    made = gcp.make(tokens.CLUSTER)
    assert made["endpoint"] == "127.0.0.1:6443"
    assert made["controlPlaneEndpointsConfig"]["dnsEndpointConfig"]["endpoint"] == "127.0.0.1:6443"
    assert made["masterAuth"]["clusterCaCertificate"] == authority
    assert isinstance(KINDS[tokens.CLUSTER], Cluster)
