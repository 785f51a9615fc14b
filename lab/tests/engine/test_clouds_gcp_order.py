"""Order, protection and identity in the simulated Google Cloud."""

from __future__ import annotations

from typing import Any

import pytest

from lab.clouds.gcp import tokens
from lab.testing.gcp import PROJECT, Gcp, inputs

DATASET_MEMBER = "gcp:bigquery/datasetIamMember:DatasetIamMember"
MEMBER = "gcp:storage/bucketIAMMember:BucketIAMMember"
BINDING = "gcp:serviceaccount/iAMMember:IAMMember"


@pytest.mark.parametrize(
    ("user", "used"),
    [
        (tokens.SUBNETWORK, tokens.NETWORK),
        (tokens.ROUTER, tokens.NETWORK),
        (tokens.CONNECTION, tokens.GLOBAL_ADDRESS),
        (tokens.CLUSTER, tokens.SUBNETWORK),
        (tokens.SERVER, tokens.NETWORK),
        (tokens.FILESTORE, tokens.NETWORK),
    ],
)
def test_what_is_used_cannot_be_deleted(gcp: Gcp, user: str, used: str) -> None:
    gcp.make(user)
    assert "already being used by" in gcp.plugin.refused(gcp.delete, used)
    assert gcp.plugin.read(gcp.made[used]) is not None


def test_a_clusters_pools_go_with_it(gcp: Gcp) -> None:
    pool = gcp.make(tokens.NODE_POOL)
    gcp.delete(tokens.CLUSTER)
    assert gcp.plugin.read(pool) is None


def test_a_database_with_a_private_address_needs_the_connection(gcp: Gcp) -> None:
    gcp.make(tokens.GLOBAL_ADDRESS)
    message = gcp.plugin.refused(gcp.plugin.create, tokens.SERVER, inputs(tokens.SERVER))
    assert "SERVICE_NETWORKING_NOT_ENABLED" in message


def test_the_connection_is_in_use_for_hours_after_the_last_database(gcp: Gcp) -> None:
    gcp.make(tokens.SERVER)
    assert "Producer services" in gcp.plugin.refused(gcp.delete, tokens.CONNECTION)
    gcp.delete(tokens.SERVER)
    assert "Producer services" in gcp.plugin.refused(gcp.delete, tokens.CONNECTION)


def test_removing_the_peering_asks_nobody(gcp: Gcp) -> None:
    connection = gcp.make(tokens.CONNECTION, deletionPolicy="REMOVE_PEERING")
    gcp.make(tokens.SERVER)
    gcp.delete(tokens.SERVER)
    gcp.delete(tokens.CONNECTION)
    assert gcp.plugin.read(connection) is None


def test_a_connection_that_is_let_go_of_blocks_its_network(gcp: Gcp) -> None:
    gcp.make(tokens.CONNECTION, deletionPolicy="ABANDON")
    gcp.delete(tokens.CONNECTION)
    assert "already being used by" in gcp.plugin.refused(gcp.delete, tokens.NETWORK)


@pytest.mark.parametrize("token", [tokens.DATABASE, tokens.USER])
def test_what_owns_something_cannot_be_dropped_and_goes_with_the_server(gcp: Gcp, token: str) -> None:
    made = gcp.make(token)
    assert "failed to delete" in gcp.plugin.refused(gcp.delete, token)
    left = gcp.plugin.update(made, inputs(token, deletionPolicy="ABANDON"))
    gcp.plugin.delete(left)
    assert [item.abandoned for item in gcp.plugin.inventory.read().of(token)] == [True]
    gcp.delete(tokens.SERVER)
    assert gcp.plugin.inventory.read().of(token) == []


@pytest.mark.parametrize("token", [tokens.CLUSTER, tokens.SERVER])
def test_protection_is_on_unless_it_is_switched_off_by_an_update(gcp: Gcp, token: str) -> None:
    made = gcp.make(token, deletionProtection=None)
    assert "deletion_protection" in gcp.plugin.refused(gcp.plugin.delete, made)
    gcp.plugin.delete(gcp.plugin.update(made, inputs(token)))
    assert gcp.plugin.read(made) is None


def test_the_servers_own_protection_is_a_second_switch(gcp: Gcp) -> None:
    made = gcp.make(tokens.SERVER, settings__deletionProtectionEnabled=True)
    assert "The instance is protected" in gcp.plugin.refused(gcp.plugin.delete, made)


def test_a_share_has_a_protection_of_its_own(gcp: Gcp) -> None:
    made = gcp.make(tokens.FILESTORE, deletionProtectionEnabled=True)
    assert "Deletion protection is enabled" in gcp.plugin.refused(gcp.plugin.delete, made)


def test_a_policy_prevents_until_an_update_takes_it_away(gcp: Gcp) -> None:
    made = gcp.make(tokens.NETWORK, deletionPolicy="PREVENT")
    assert "PREVENT" in gcp.plugin.refused(gcp.plugin.delete, made)
    gcp.plugin.delete(gcp.plugin.update(made, inputs(tokens.NETWORK)))


def test_a_bucket_with_objects_stays_unless_they_may_go(gcp: Gcp) -> None:
    made = gcp.make(tokens.BUCKET)
    with gcp.plugin.inventory.changing() as world:
        world.facts["objects"] = {made.id: ["logs/a"]}
    assert "without `force_destroy`" in gcp.plugin.refused(gcp.plugin.delete, made)
    gcp.plugin.delete(gcp.plugin.update(made, inputs(tokens.BUCKET, forceDestroy=True)))


def test_a_dataset_with_tables_stays_unless_they_may_go(gcp: Gcp) -> None:
    made = gcp.make(tokens.DATASET)
    with gcp.plugin.inventory.changing() as world:
        world.facts["tables"] = {made.id: ["station_status"]}
    assert "citibike is still in use" in gcp.plugin.refused(gcp.plugin.delete, made)
    gcp.plugin.delete(gcp.plugin.update(made, inputs(tokens.DATASET, deleteContentsOnDestroy=True)))
    # Nothing is left of it, so the name is free at once.
    gcp.plugin.delete(gcp.plugin.create(tokens.DATASET, inputs(tokens.DATASET)))


def test_a_datasets_name_is_there_once_in_a_project(gcp: Gcp) -> None:
    gcp.make(tokens.DATASET)
    assert f"Already Exists: Dataset {PROJECT}:citibike" in gcp.refused(tokens.DATASET)


def test_a_servers_name_is_blocked_for_a_week(gcp: Gcp) -> None:
    gcp.make(tokens.SERVER)
    gcp.delete(tokens.SERVER)
    assert "one week from the deletion date" in gcp.refused(tokens.SERVER)
    assert gcp.make(tokens.SERVER, name="db-2").id == "db-2"


def test_a_network_waits_for_what_a_cluster_left(gcp: Gcp) -> None:
    gcp.make(tokens.CLUSTER)
    gcp.plugin.plan({"op": "delete", "type": tokens.CLUSTER, "kind": "leftover", "left": 1})
    for token in (tokens.CLUSTER, tokens.SUBNETWORK):
        gcp.delete(token)
    assert "networkEndpointGroups/k8s1-" in gcp.plugin.refused(gcp.delete, tokens.NETWORK)
    gcp.delete(tokens.NETWORK)


# -- identity ---------------------------------------------------------------------------------------------------------


def _binding(gcp: Gcp, pool: str = PROJECT) -> dict[str, Any]:
    account = gcp.made[tokens.ACCOUNT]
    return {
        "serviceAccountId": account["name"],
        "role": "roles/iam.workloadIdentityUser",
        "member": f"serviceAccount:{pool}.svc.id.goog[airflow/airflow-worker]",
    }


def test_a_binding_needs_the_pool_that_comes_with_the_first_cluster(gcp: Gcp) -> None:
    gcp.make(tokens.ACCOUNT)
    assert "Identity Pool does not exist" in gcp.plugin.refused(gcp.plugin.create, BINDING, _binding(gcp))
    gcp.make(tokens.CLUSTER)
    # It propagates after some time.
    assert "Identity Pool does not exist" in gcp.plugin.refused(gcp.plugin.create, BINDING, _binding(gcp))
    made = gcp.plugin.create(BINDING, _binding(gcp))
    assert made.id.endswith("[airflow/airflow-worker]")


def test_news_of_an_account_that_come_late_cost_one_more_up(gcp: Gcp) -> None:
    gcp.plugin.plan({"op": "create", "type": tokens.ACCOUNT, "kind": "unsettled", "left": 1})
    bucket, account = gcp.make(tokens.BUCKET), gcp.make(tokens.ACCOUNT)
    inputs = {"bucket": bucket["name"], "role": "roles/storage.objectUser", "member": account["member"]}
    assert f"Service account {account['email']} does not exist" in gcp.plugin.refused(gcp.plugin.create, MEMBER, inputs)
    gcp.plugin.create(MEMBER, inputs)


def test_an_account_that_does_not_exist_gets_no_role(gcp: Gcp) -> None:
    gcp.make(tokens.BUCKET)
    nobody = f"serviceAccount:nobody@{PROJECT}.iam.gserviceaccount.com"
    inputs = {"bucket": "logs-1a2b3c", "role": "roles/storage.objectUser", "member": nobody}
    assert "does not exist" in gcp.plugin.refused(gcp.plugin.create, MEMBER, inputs)


@pytest.mark.parametrize("role", ["roles/storage.objectWriter", "roles/logging.logWriter"])
def test_a_role_has_to_exist_for_what_it_is_given_on(gcp: Gcp, role: str) -> None:
    gcp.make(tokens.BUCKET)
    inputs = {"bucket": "logs-1a2b3c", "role": role, "member": "user:a@example.org"}
    assert f"Role {role} is not supported" in gcp.plugin.refused(gcp.plugin.create, MEMBER, inputs)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"role": "roles/bigquery.jobUser"}, "Role roles/bigquery.jobUser is not supported"),
        ({"condition": {"title": "one table", "expression": "true"}}, "IAM conditions not allowed on BigQuery Dataset"),
        ({"datasetId": "other"}, "'other' was not found"),
    ],
)
def test_a_dataset_has_roles_on_data_without_conditions(gcp: Gcp, changes: dict[str, Any], words: str) -> None:
    gcp.make(tokens.DATASET)
    inputs = {"datasetId": "citibike", "role": "roles/bigquery.dataEditor", "member": "user:a@example.org"}
    assert words in gcp.plugin.refused(gcp.plugin.create, DATASET_MEMBER, {**inputs, **changes})
    gcp.plugin.create(DATASET_MEMBER, inputs)


def test_a_role_given_twice_is_there_once(gcp: Gcp) -> None:
    gcp.make(tokens.BUCKET)
    inputs = {"bucket": "logs-1a2b3c", "role": "roles/storage.objectUser", "member": "user:a@example.org"}
    assert gcp.plugin.create(MEMBER, inputs).id == gcp.plugin.create(MEMBER, inputs, "again").id
