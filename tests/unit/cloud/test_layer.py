"""The order of what both clouds' layers are made of, their secrets, and what is left to others."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.unit.cloud.clouds import CloudRow, each_cloud, each_stack, identities, named, one, resources
from tests.unit.program.test_order import waits_for
from tests.unit.recording import recorder
from tests.unit.recording.recorder import Secret, plain, walk


@each_stack
def test_database_and_cluster_are_made_side_by_side(cloud: CloudRow, stack: str) -> None:
    recording = cloud.recorded(stack)
    cluster, server = one(recording, cloud.cluster), one(recording, cloud.server)
    assert cluster.urn not in waits_for(recording, server)
    assert server.urn not in waits_for(recording, cluster)


@each_stack
def test_what_runs_in_the_cluster_goes_before_nodes_cluster_and_network(cloud: CloudRow, stack: str) -> None:
    """Destruction has the reverse order: objects, nodes, cluster, network."""
    recording = cloud.recorded(stack)
    [provider] = recording.of_type("kubernetes")
    chain = recording.of_cloud(cloud.cluster, *cloud.network_and_nodes)
    assert {found.urn for found in chain} <= waits_for(recording, provider)
    assert [f.name for f in recording.objects if not f.provider.startswith(provider.urn)] == []


@each_stack
def test_secrets_of_the_database_and_of_shares_are_marked_wherever_they_are(cloud: CloudRow, stack: str) -> None:
    recording = cloud.recorded(stack)
    passwords = [f.outputs["result"] for f in recording.of_type("RandomPassword") if "-database-" in f.name]
    holders = {
        f"{found.kind} {found.name}{path}": secret
        for found in recording.registrations
        for path, value, secret in walk(found.inputs)
        if any(text in str(value) for text in (*passwords, *cloud.share_keys))
    }
    assert len(holders) >= 3
    assert [holder for holder, secret in holders.items() if not secret] == []


@each_cloud
def test_the_kubeconfig_is_secret_logs_in_by_a_program_and_holds_no_token(cloud: CloudRow) -> None:
    for stack in (cloud.basic, cloud.everything):
        recording = cloud.recorded(stack)
        [provider] = recording.of_type("kubernetes")
        assert isinstance(provider.inputs["kubeconfig"], Secret)
        assert isinstance(recording.outputs["kubeconfig"], Secret)
        config = yaml.safe_load(plain(provider.inputs["kubeconfig"]))
        [user] = config["users"]
        assert user["user"].keys() == {"exec"}
        assert user["user"]["exec"]["command"] == cloud.login_program
        assert provider.plain["clusterIdentifier"] == f"{one(recording, cloud.cluster).name}-id"


@each_stack
def test_connections_to_the_database_check_its_authority(cloud: CloudRow, stack: str) -> None:
    """Never less than `require`, equally in the options of Airflow, Celery and the migration."""
    urls = [
        value
        for found in cloud.recorded(stack).of_type("Secret")
        for _, value, _ in walk(found.inputs)
        if isinstance(value, str) and "postgresql" in value and "://" in value
    ]
    assert len(urls) >= 3
    unchecked = [url for url in urls if not re.search(rf"ssl(mode)?={cloud.verification}", url)]
    assert unchecked == (urls if stack in cloud.connections_by_proxy else [])


@each_cloud
def test_what_others_change_is_left_to_them(cloud: CloudRow) -> None:
    """The autoscaler's counts, the upgrade channel's versions, and the size of an automatically growing disk."""
    found = resources(cloud, cloud.recorded(cloud.everything))
    ignored = {f.name.removeprefix("airflow-cloud-"): {*f.ignore_changes} for f in found}
    assert {name: paths for name, paths in ignored.items() if paths} == cloud.left_to_others


@each_cloud
def test_slow_things_have_time(cloud: CloudRow) -> None:
    slow = cloud.slow_minutes
    offenders = [
        f"{found.name}: {action} {found.timeouts.get(action)}"
        for found in resources(cloud, cloud.recorded(cloud.everything))
        for action in ("create", "delete")
        if found.kind in slow and int((found.timeouts.get(action) or "0m").removesuffix("m")) <= slow[found.kind]
    ]
    assert offenders == []


@pytest.mark.parametrize("kept", [True, False])
@each_cloud
def test_a_kept_brokers_disk_outlives_the_stack_and_another_does_not(cloud: CloudRow, kept: bool) -> None:
    recording = recorder.run(cloud.config("celery", cloud_with={"broker_disk": {"kept": kept}}))
    assert recording.error is None
    assert named(recording, "airflow-cloud-broker-disk").retain_on_delete is kept


@each_cloud
def test_roles_can_be_granted_to_each_account_with_an_identity(cloud: CloudRow) -> None:
    recording = cloud.recorded(f"{cloud.name}, projects")
    principals = recording.outputs["principals"]
    workloads = {"airflow-api-server", "airflow-pod", "airflow-task", "airflow-triggerer", "airflow-worker"}
    assert principals.keys() == workloads | {"sales", "weather"}
    users = {user.object_name: identity for identity, user in identities(cloud, recording)}
    assert principals == {account: cloud.principal.format(**identity.outputs) for account, identity in users.items()}
