"""Rules of the simulated Azure, which are also rules of its real API or plugin."""

from __future__ import annotations

import pytest

from lab.clouds.azure import policy
from lab.clouds.azure.arm import uid
from lab.clouds.azure.provider import KINDS
from lab.clouds.latency import SPEED_VARIABLE
from lab.engine.provider_values import opened
from lab.testing.azure import Azure, inputs, token_of
from lab.testing.azure_examples import (
    CLUSTER,
    CONTAINER,
    EXAMPLES,
    GROUP_ID,
    NODES,
    POOL,
    SERVER,
    SUBSCRIPTION,
    VNET,
)


@pytest.mark.parametrize("name", EXAMPLES)
def test_everything_lives_a_whole_life(azure: Azure, name: str) -> None:
    made = azure.make(name)
    again = azure.plugin.read(made)
    assert again is not None
    assert again.inputs == made.inputs
    assert opened(again.outputs) == opened(made.outputs)
    assert azure.changes(name) == {}
    azure.delete(name)
    assert azure.plugin.read(made) is None


def test_every_type_has_an_example() -> None:
    without = {token.removeprefix("azure-native:") for token in KINDS} - {token for token, _ in EXAMPLES.values()}
    assert without == {"authorization:ManagementLockByScope", "dbforpostgresql:FirewallRule"}


@pytest.mark.parametrize(
    ("used", "user", "words"),
    [
        ("rules", "nodes", "InUseNetworkSecurityGroupCannotBeDeleted"),
        ("gateway", "nodes", "InUseNatGatewayCannotBeDeleted"),
        ("outbound", "gateway", "PublicIPAddressCannotBeDeleted"),
        ("database subnet", "server", "serviceAssociationLinks/database-service-association-link"),
        ("nodes", "cluster", "InUseSubnetCannotBeDeleted"),
        ("nodes", "pool", "InUseSubnetCannotBeDeleted"),
        ("vnet", "server", "InUseSubnetCannotBeDeleted"),
        ("endpoints", "endpoint", "InUseSubnetCannotBeDeleted"),
        ("zone", "link", "CannotDeleteResource"),
    ],
)
def test_what_is_used_cannot_be_deleted(azure: Azure, used: str, user: str, words: str) -> None:
    azure.make(user)
    before = azure.ids()
    assert words in azure.plugin.refused(azure.delete, used)
    assert azure.ids() == before


def test_a_resource_group_takes_everything_inside_along(azure: Azure) -> None:
    for name in EXAMPLES:
        if name not in azure.made:
            azure.make(name)
    azure.delete("group")
    # As in Azure: nothing owns these, and another cluster of the same name would find them again.
    assert azure.ids() == {f"{CLUSTER}/providers/Microsoft.Insights/diagnosticSettings/audit"}


def test_a_cluster_has_a_group_of_its_own_which_goes_with_it(azure: Azure) -> None:
    made = azure.make("cluster")
    own = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/MC_group_cluster_swedencentral"
    assert made["nodeResourceGroup"] == "MC_group_cluster_swedencentral"
    assert own in azure.ids()
    assert made["identityProfile"]["kubeletidentity"]["resourceId"] in azure.ids()
    azure.delete("cluster")
    assert [each for each in azure.ids() if each.startswith(own)] == []


def test_names_of_the_world_are_taken_whoever_has_them(azure: Azure) -> None:
    azure.make("server")
    azure.make("account")
    azure.make("registry")
    azure.another("group", resourceGroupName="other")
    for name, word in (("account", "AlreadyTaken"), ("registry", "AlreadyInUse"), ("server", "AlreadyExists")):
        assert word in azure.plugin.refused(azure.another, name, resourceGroupName="other")


def test_what_is_there_is_not_adopted_but_for_settings_that_always_are(azure: Azure) -> None:
    azure.make("blobs")
    azure.another("blobs", isVersioningEnabled=True)
    azure.make("container")
    assert f"cannot create already existing resource '{CONTAINER}'" in azure.plugin.refused(azure.another, "container")


def test_an_identity_is_found_at_once_only_by_those_who_say_what_it_is(azure: Azure) -> None:
    azure.make("container")
    azure.make("identity")
    untyped = inputs("role", principalType=None)
    for _ in range(2):
        assert "PrincipalNotFound" in azure.plugin.refused(azure.plugin.create, token_of("role"), untyped)
    azure.plugin.create(token_of("role"), untyped)
    assert "RoleAssignmentExists" in azure.refused("role", roleAssignmentName=uid("second"))


def test_a_person_is_one_whatever_application_asks(azure: Azure) -> None:
    """As in Cloud Shell, whose token belongs to another application than that of `az login`."""
    azure.make("container")
    asked = azure.plugin.invoke("azure-native:authorization:getClientConfig", {})
    assert asked["clientId"] != "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
    given = inputs("role", principalId=asked["objectId"], principalType="ServicePrincipal")
    assert "UnmatchedPrincipalType" in azure.plugin.refused(azure.plugin.create, token_of("role"), given)
    azure.plugin.create(token_of("role"), {**given, "principalType": "User"})


def test_old_logs_are_deleted_only_by_a_service_that_the_firewall_lets_through(azure: Azure) -> None:
    azure.make("account", networkRuleSet__bypass="None")
    assert "LifecycleManagementBlocked" in azure.refused("expiry")
    azure.update("account", networkRuleSet__bypass="AzureServices")
    azure.make("expiry")


def test_a_role_goes_with_what_it_is_about(azure: Azure) -> None:
    role = azure.make("role").id
    assert role.startswith(f"{CONTAINER}/providers/Microsoft.Authorization/roleAssignments/")
    azure.delete("container")
    assert role not in azure.ids()


def test_an_identity_takes_each_subject_once_and_twenty_at_most(azure: Azure) -> None:
    azure.make("federation")
    name = "federatedIdentityCredentialResourceName"
    assert "already exists" in azure.refused("federation", **{name: "second"})
    for number in range(19):
        azure.another("federation", **{name: f"more-{number}", "subject": f"subject {number}"})
    assert "TooMany" in azure.refused("federation", **{name: "last", "subject": "last"})


@pytest.mark.parametrize("scope", [SERVER, GROUP_ID])
def test_a_lock_keeps_what_is_in_its_scope_and_is_no_obstacle_to_itself(azure: Azure, scope: str) -> None:
    azure.make("database")
    lock = "azure-native:authorization:ManagementLockByScope"
    made = azure.plugin.create(lock, {"lockName": "keep", "scope": scope, "level": "CanNotDelete"})
    for name in ("database", "server", "group"):
        assert "ScopeLocked" in azure.plugin.refused(azure.delete, name)
    azure.update("server", storage__storageSizeGB=256)
    azure.plugin.delete(made)
    azure.delete("database")
    azure.delete("server")


def test_a_server_does_one_operation_at_a_time(azure: Azure) -> None:
    azure.make("server")
    azure.plugin.plan({"op": "create", "type": token_of("parameter"), "kind": "partial"})
    with azure.plugin.inventory.changing() as world:
        world.facts["busy"] = {SERVER: 4e9}
    for name in ("database", "parameter"):
        assert 'Status=409 Code="ServerIsBusy"' in azure.refused(name)
    assert "ServerIsBusy" in azure.plugin.refused(azure.delete, "server")
    with azure.plugin.inventory.changing() as world:
        world.facts["busy"] = {}
    azure.make("database")


def test_a_cluster_and_its_pools_keep_each_other_from_work(azure: Azure) -> None:
    """A template that writes the cluster is refused as well; the plugin retries none of them."""
    azure.make("pool")
    azure.needs("deployment")
    refused = 'Status=409 Code="OperationNotAllowed"'

    def working(resource_id: str) -> None:
        with azure.plugin.inventory.changing() as world:
            world.facts["busy"] = {resource_id: 4e9}

    working(f"{CLUSTER}/agentPools/tasks")
    assert refused in azure.plugin.refused(azure.update, "cluster", sku__tier="Free")
    assert refused in azure.refused("deployment")
    assert refused in azure.plugin.refused(azure.delete, "cluster")
    azure.another("pool", agentPoolName="more")
    working(CLUSTER)
    assert refused in azure.refused("pool", agentPoolName="second")
    assert refused in azure.plugin.refused(azure.update, "pool", maxCount=9)
    assert refused in azure.plugin.refused(azure.delete, "pool")
    assert refused in azure.refused("deployment")
    working("")
    azure.update("cluster", sku__tier="Free")
    azure.make("deployment")


def test_a_cluster_lists_the_pools_that_were_made_beside_it_by_name(azure: Azure) -> None:
    """A refresh copies them, in an order that differs from the program's."""
    azure.make("pool", agentPoolName="airflow")
    azure.another("pool", agentPoolName="tasks")
    made = azure.made["cluster"]
    assert [pool["name"] for pool in made["agentPoolProfiles"]] == ["system"]
    again = azure.plugin.read(made)
    assert again is not None
    for found in (again.inputs, again.outputs):
        assert [pool["name"] for pool in found["agentPoolProfiles"]] == ["airflow", "system", "tasks"]
    # With all pools in state, an update lists all, and the next refresh finds no difference.
    azure.made["cluster"] = again
    updated = azure.update("cluster", sku__tier="Free")
    assert [pool["name"] for pool in updated["agentPoolProfiles"]] == ["airflow", "system", "tasks"]
    looked = azure.plugin.read(updated)
    assert looked is not None
    assert [pool["name"] for pool in looked.inputs["agentPoolProfiles"]] == ["system"]
    assert azure.plugin.changes(looked, inputs("cluster", sku__tier="Free")) == {}


def test_a_cluster_is_not_upgraded_past_what_its_nodes_systems_are_for(azure: Azure) -> None:
    azure.make("cluster", kubernetesVersion="1.36", agentPoolProfiles__0__osSKU="AzureLinux")
    azure.make("pool", osSKU="AzureLinux3")
    newer = {"kubernetesVersion": "1.37", "agentPoolProfiles__0__osSKU": "AzureLinux"}
    assert "update the pool to AzureLinux first" in azure.plugin.refused(azure.update, "cluster", **newer)
    azure.update("pool", osSKU="AzureLinux")
    azure.update("cluster", **newer)


def test_a_policy_refuses_what_has_no_tag_and_adds_its_own(azure: Azure) -> None:
    with azure.plugin.inventory.changing() as world:
        policy.require_tags(world, "cost-center")
    for name in ("group", "vnet"):
        if name == "vnet":
            azure.make("group", tags={"Cost-Center": "7"})
        assert "RequestDisallowedByPolicy" in azure.plugin.refused(azure.another, name)
    made = azure.make("vnet", tags={"cost-center": "7"})
    with azure.plugin.inventory.changing() as world:
        policy.add_tags(world, owner="data")
    # Tags that are added during creation are in the answer, and no difference later.
    other = azure.another("rules", tags={"cost-center": "7"})
    assert other["tags"] == {"cost-center": "7", "owner": "data"}
    again = azure.plugin.read(other)
    assert again is not None
    assert again.inputs["tags"] == {"cost-center": "7"}
    # Tags that are added later are a difference, unless the program ignores them.
    azure.plugin.inventory.drift(made.id, "tags.owner", "data")
    again = azure.plugin.read(made)
    assert again is not None
    wanted = inputs("vnet", tags={"cost-center": "7"})
    assert azure.plugin.changes(again, wanted) == {"tags.owner": "delete"}
    assert azure.plugin.changes(again, wanted, ignore=['tags["owner"]']) == {}


def test_a_subnet_is_in_use_for_a_while_after_its_server_is_gone(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    azure.make("server")
    monkeypatch.setenv(SPEED_VARIABLE, "6000")
    azure.delete("server")
    with azure.plugin.inventory.changing() as world:
        world.facts["lingering"] = dict.fromkeys(world.facts["lingering"], 4e9)
    assert 'Code="InUseSubnetCannotBeDeleted"' in azure.plugin.refused(azure.delete, "database subnet")
    with azure.plugin.inventory.changing() as world:
        world.facts["lingering"] = dict.fromkeys(world.facts["lingering"], 0)
    azure.delete("database subnet")


def test_a_private_server_needs_a_subnet_of_its_own_and_a_name(azure: Azure) -> None:
    azure.needs("server")
    azure.delete("link")
    assert "PrivateDnsZoneNotLinkedToVnet" in azure.plugin.refused(azure.another, "server")
    azure.make("link")
    azure.make("nodes")
    assert "SubnetNotDelegated" in azure.refused("server", network__delegatedSubnetResourceId=NODES)
    azure.make("server")
    rule = {
        "serverName": "server",
        "resourceGroupName": "group",
        "startIpAddress": "0.0.0.0",
        "endIpAddress": "0.0.0.0",
    }
    firewall = "azure-native:dbforpostgresql:FirewallRule"
    refusal = azure.plugin.refused(azure.plugin.create, firewall, {**rule, "firewallRuleName": "all"})
    assert "private access enabled server" in refusal


def test_nodes_need_their_way_out_and_room(azure: Azure) -> None:
    azure.needs("cluster")
    azure.another("nodes", subnetName="small", addressPrefix="10.1.32.0/29", natGateway=None)
    small = f"{VNET}/subnets/small"
    assert "NatGateway" in azure.refused("cluster", agentPoolProfiles__0__vnetSubnetID=small)
    crowded = {**POOL, "vnetSubnetID": small, "maxCount": 4}
    assert "InsufficientSubnetSize" in azure.refused("cluster", agentPoolProfiles=[crowded])
