"""Security properties of a stack on Azure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import pytest

from tests.unit.cloud.azure import properties
from tests.unit.cloud.azure.properties import DIFFERENT, PARAMETERS, POOLS, PRODUCTION_PARAMETERS, ROWS
from tests.unit.cloud.properties import Row, at
from tests.unit.recording import recorder, recorder_azure, stacks_azure
from tests.unit.recording.recorder import Recording
from tests.unit.recording.stacks import recorded
from tests.unit.recording.stacks_azure import STACKS

REFERENCES: Final = {
    *(f"A{number}" for number in range(1, 17)),
    *(f"P{number}" for number in range(1, 9)),
    *(f"T{number}" for number in range(1, 10)),
}
TESTED_APART: Final = {
    "A8": "test_pools_have_every_property",
    "A10": "test_pools_have_every_property",
    "A11": "test_pools_have_every_property",
    "A12": "test_an_audited_cluster_keeps_what_administrators_did",
    "P6": "test_the_server_takes_encrypted_connections_alone_and_audits_when_asked",
    "P8": "test_one_switch_protects_everything_that_holds_data_in_engine_and_cloud",
    "T6": "test_a_key_vault_is_there_for_users_secrets_alone_and_read_by_roles",
    "T7": "test_public_addresses_outlive_a_zone",
}


@pytest.fixture
def production() -> Recording:
    return properties.production()


@pytest.fixture
def dev() -> Recording:
    return properties.dev()


def test_every_property_has_a_row_or_a_test_of_its_own() -> None:
    assert {row.reference for row in ROWS} | TESTED_APART.keys() == REFERENCES
    assert [name for name in TESTED_APART.values() if name not in globals()] == []
    assert DIFFERENT.keys() <= REFERENCES


def pools(recording: Recording) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every pool of nodes by its name."""
    [cluster] = recording.of_cloud("ManagedCluster")
    for pool in cluster.plain["agentPoolProfiles"]:
        yield pool["name"], pool
    for found in recording.of_cloud("AgentPool"):
        yield found.plain["agentPoolName"], found.plain


def test_pools_have_every_property(production: Recording, dev: Recording) -> None:
    for recording, relaxed in ((production, False), (dev, True)):
        offenders = [
            f"{reference}: {name}: {key} is {pool.get(key)!r}"
            for name, pool in pools(recording)
            for reference, key, prod, may in POOLS
            if pool.get(key) != (prod if not relaxed or may is ... else may)
        ]
        assert offenders == []


def test_production_keeps_airflow_off_the_nodes_of_the_clusters_own_services(production: Recording) -> None:
    """A8."""
    found = dict(pools(production))
    assert found.keys() == {"system", "workloads"}
    assert found["system"]["nodeTaints"] == ["CriticalAddonsOnly=true:NoSchedule"]
    assert (found["system"]["mode"], found["workloads"]["mode"]) == ("System", "User")
    assert min(found["system"]["minCount"], found["workloads"]["minCount"]) >= 3
    assert "nodeTaints" not in found["workloads"]


def test_the_pool_inside_the_cluster_is_the_first_by_name() -> None:
    """Azure lists all pools by name, and the comparison by index uses the first one."""
    offenders = [
        f"{stack}: {names}"
        for stack in STACKS
        if (names := [name for name, _ in pools(recorded(stack))])[0] != min(names)
    ]
    assert offenders == []
    assert max(len([*pools(recorded(stack))]) for stack in STACKS) == 3


def test_tags_of_settings_are_on_everything_that_has_tags() -> None:
    tags = {"team": "data", "Cost Center": "7"}
    stack = {**STACKS["azure, protected with everything"]}
    stack["airflow:cloud"] = {**stack["airflow:cloud"], "tags": tags, "ignored_tags": ["owner", "Cost Center"]}
    found = [f for f in recorder.run(stack).registrations if f.type.startswith("azure-native:") and "tags" in f.plain]
    assert len(found) > 20
    # DNS zones refuse names with spaces.
    dns = [f for f in found if "privatedns" in f.type]
    assert [f.name for f in found if f not in dns and not tags.items() <= f.plain["tags"].items()] == []
    assert [f.name for f in dns if f.plain["tags"].get("team") != "data" or "Cost Center" in f.plain["tags"]] == []
    assert [f.name for f in found if f.plain["tags"]["managed-by"] != "pulumi"] == []
    left = {'tags["owner"]', 'tags["Cost Center"]'}
    assert [f.name for f in found if not left <= {*f.ignore_changes}] == []


def test_an_audited_cluster_keeps_what_administrators_did(production: Recording, dev: Recording) -> None:
    settings = {f.plain["resourceUri"]: f.plain for f in production.of_cloud("DiagnosticSetting")}
    assert {"category": "kube-audit-admin", "enabled": True} in settings["airflow-cloud-cluster-aks-id"]["logs"]
    assert dev.of_cloud("DiagnosticSetting") == []


def test_an_audited_servers_log_goes_where_the_clusters_goes(production: Recording) -> None:
    """The log of a Flexible Server is not available elsewhere."""
    settings = {f.plain["resourceUri"]: f.plain for f in production.of_cloud("DiagnosticSetting")}
    server = settings["airflow-cloud-database-server-id"]
    assert {"category": "PostgreSQLLogs", "enabled": True} in server["logs"]
    assert {setting["workspaceId"] for setting in settings.values()} == {"airflow-cloud-audit-workspace-id"}
    alone = recorder.run(stacks_azure.config("kubernetes", cloud_with={"database": {"audit": True}}))
    assert [f.plain["resourceUri"] for f in alone.of_cloud("DiagnosticSetting")] == ["airflow-cloud-database-server-id"]


@pytest.mark.parametrize(("audit", "wanted"), [(True, PRODUCTION_PARAMETERS), (False, PARAMETERS)])
def test_the_server_takes_encrypted_connections_alone_and_audits_when_asked(
    audit: bool, wanted: dict[str, str]
) -> None:
    recording = recorder.run(stacks_azure.config("kubernetes", cloud_with={"database": {"audit": audit}}))
    found = {f.plain["configurationName"]: f.plain["value"] for f in recording.of_cloud("Configuration")}
    assert found == wanted


def test_the_store_for_logs_has_no_keys_and_shares_by_smb_are_why_another_account_has(production: Recording) -> None:
    """T1: also only HTTPS, except for NFS, which does not support it."""
    for recording, keys, https in ((production, True, True), (recorded("azure, shares by NFS"), False, False)):
        accounts = {f.name: f.plain for f in recording.of_cloud("StorageAccount")}
        files = accounts.pop("airflow-cloud-files-account")
        assert (files["allowSharedKeyAccess"], files["enableHttpsTrafficOnly"]) == (keys, https)
        assert all(
            not account["allowSharedKeyAccess"] and account["enableHttpsTrafficOnly"] for account in accounts.values()
        )


def test_accounts_answer_the_nodes_or_private_endpoints_and_whom_settings_list() -> None:
    """T2."""
    for stack in STACKS:
        recording = recorded(stack)
        cloud = recording.config["airflow:cloud"]
        private = cloud.get("network", {}).get("private_endpoints", False)
        listed = len(cloud.get("storage", {}).get("allowed_ranges", []))
        [nodes] = [f for f in recording.of_cloud("Subnet") if f.plain["subnetName"] == "nodes"]
        assert ("serviceEndpoints" in nodes.plain) != private
        [server] = [f for f in recording.of_cloud("Subnet") if f.plain["subnetName"] == "database"]
        assert server.plain["serviceEndpoints"] == [{"service": "Microsoft.Storage"}]
        accounts = recording.of_cloud("StorageAccount")
        assert len(recording.of_cloud("PrivateEndpoint")) == (len(accounts) if private else 0)
        for account in accounts:
            rules = account.plain["networkRuleSet"]
            networks = [rule["virtualNetworkResourceId"] for rule in rules["virtualNetworkRules"]]
            assert networks == ([] if private else [f"{nodes.name}-id"])
            assert len(rules["ipRules"]) == listed


def test_only_an_account_with_rules_about_old_files_lets_the_service_in_that_deletes_them() -> None:
    """Its firewall would block that service without an error; https://learn.microsoft.com/azure/storage/blobs."""
    for stack in STACKS:
        recording = recorded(stack)
        ruled = {f.plain["accountName"] for f in recording.of_cloud("ManagementPolicy")}
        for account in recording.of_cloud("StorageAccount"):
            wanted = "AzureServices" if account.plain["accountName"] in ruled else "None"
            assert account.plain["networkRuleSet"]["bypass"] == wanted, (stack, account.name)


def test_a_key_vault_is_there_for_users_secrets_alone_and_read_by_roles() -> None:
    found = {stack: [f for f in recorded(stack).registrations if "keyvault" in f.type] for stack in STACKS}
    assert {stack for stack, vaults in found.items() if vaults} == {"azure, protected with everything"}
    [vault] = found["azure, protected with everything"]
    assert vault.protect
    assert vault.plain["properties"]["enableRbacAuthorization"] is True
    assert "accessPolicies" not in vault.plain["properties"]
    assert vault.plain["properties"]["tenantId"] == recorder_azure.TENANT


def test_public_addresses_outlive_a_zone() -> None:
    for stack in ("azure, stack file prod", "azure, sample both", "azure, protected with everything"):
        for address in recorded(stack).of_cloud("PublicIPAddress"):
            assert address.plain["sku"]["name"] == "Standard"
            assert address.plain["publicIPAllocationMethod"] == "Static"
            assert address.plain["zones"] == ["1", "2", "3"]


def test_nobody_from_outside_reaches_a_subnet_but_browsers_where_there_is_a_gateway() -> None:
    """A16, P2: no FirewallRule, and no rule of a security group that is open to the world."""
    for stack in STACKS:
        recording = recorded(stack)
        assert recording.of_cloud("FirewallRule") == []
        opened = [
            (group.name.rpartition("-cloud-")[2], rule["destinationPortRanges"])
            for group in recording.of_cloud("NetworkSecurityGroup")
            for rule in group.plain["securityRules"]
            if rule["access"] == "Allow" and rule.get("sourceAddressPrefix") in {"*", "Internet", "0.0.0.0/0"}
        ]
        gateway = recording.config.get("airflow:exposure", {}).get("kind") == "gateway"
        assert opened == ([("network-nodes-rules", ["80", "443"])] if gateway else [])


def test_every_subnet_but_the_databases_is_without_a_way_out_of_its_own() -> None:
    for stack in STACKS:
        for subnet in recorded(stack).of_cloud("Subnet"):
            delegated = subnet.plain["subnetName"] == "database"
            assert subnet.plain.get("defaultOutboundAccess") is (None if delegated else False)


def test_one_switch_protects_everything_that_holds_data_in_engine_and_cloud(production: Recording) -> None:
    kept = {
        "airflow-cloud-cluster-aks",
        "airflow-cloud-database-metadata",
        "airflow-cloud-database-server",
        "airflow-cloud-files-account",
        "airflow-cloud-files-dags-share",
        "airflow-cloud-group",
        "airflow-cloud-logs-account",
        "airflow-cloud-logs-container",
    }
    assert {f.name for f in production.registrations if f.protect and f.name.startswith("airflow-cloud")} == kept
    locks = {f.plain["scope"]: f for f in production.of_cloud("ManagementLockByScope")}
    held = ("airflow-cloud-database-server", "airflow-cloud-logs-account", "airflow-cloud-files-account")
    assert locks.keys() == {f"{name}-id" for name in held}
    assert {lock.plain["level"] for lock in locks.values()} == {"CanNotDelete"}
    assert all("airflow:protect" in lock.plain["notes"] for lock in locks.values())
    # A protected lock could not be deleted in the `up` that turns protection off.
    assert not any(lock.protect for lock in locks.values())
    free = recorder.run({**production.config, "airflow:protect": "false"})
    assert [f.name for f in free.registrations if f.protect] == []
    assert free.of_cloud("ManagementLockByScope") == []


def test_turning_protection_off_changes_nothing_but_protection(production: Recording) -> None:
    free = recorder.run({**production.config, "airflow:protect": "false"})
    before, after = (
        {f.urn: f.plain for f in recording.registrations if f.type.startswith("azure-native:")}
        for recording in (production, free)
    )
    assert {urn.rpartition("::")[2] for urn in before.keys() - after.keys()} == {
        "airflow-cloud-locks-database",
        "airflow-cloud-locks-files",
        "airflow-cloud-locks-logs",
    }
    assert {urn: before[urn] for urn in after} == after


def test_the_role_of_an_identity_is_the_least_that_does() -> None:
    """T8."""
    writer, reader = "ba92f5b4-2d11-453d-a403-e96b0029c9fe", "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
    network, disk = "4d97b98b-1d4f-4787-a291-c67834d212e7", "b50d9833-a0cb-478e-945f-707fcc997c13"
    wanted = {
        "broker-role": (disk, "airflow-cloud-broker-disk-id"),
        "cluster-subnet-role": (network, "airflow-cloud-network-nodes-subnet-id"),
        "load-balancer-address-role": (network, "airflow-cloud-load-balancer-address-id"),
        "load-balancer-list-role": (
            "acdd72a7-3385-48ef-bd42-f606fba81ae7",
            recorder_azure.group_id("airflow-cloud-group"),
        ),
        "identities-api-server-role": (reader, "airflow-cloud-logs-container-id"),
        "identities-task-role": (writer, "airflow-cloud-logs-container-id"),
        "identities-triggerer-role": (writer, "airflow-cloud-logs-container-id"),
        "identities-worker-role": (writer, "airflow-cloud-logs-container-id"),
        "operator-role": ("b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b", recorder_azure.group_id("airflow-cloud-group")),
        **{
            f"identities-{part}-secrets-role": ("4633458b-17de-408a-b874-0445c86b69e6", "airflow-cloud-vault-vault-id")
            for part in ("api-server", "dag-processor", "triggerer")
        },
        "registry-pull-role": ("7f951dda-4ed3-4680-a7ca-43fe172d538d", "airflow-cloud-registry-registry-id"),
    }
    found = {
        f.name.removeprefix("airflow-cloud-"): (f.plain["roleDefinitionId"].rpartition("/")[2], f.plain["scope"])
        for f in recorded("azure, protected with everything").of_cloud("RoleAssignment")
    }
    assert found == wanted


def test_rows_are_measured_where_they_apply(production: Recording) -> None:
    missing: Iterable[Row] = [row for row in ROWS if not production.of_cloud(row.type)]
    assert list(missing) == []
    assert at(production.of_cloud("ManagedCluster")[0].plain, "sku.name") == "Base"
