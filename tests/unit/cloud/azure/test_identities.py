"""Managed identities on Azure: roles, federation and annotations."""

from __future__ import annotations

import json

import pytest

from components.contract.workloads import DAG_READERS
from tests.unit.cloud.clouds import AZURE, identities, named
from tests.unit.program.test_order import waits_for
from tests.unit.recording import recorder_azure
from tests.unit.recording.recorder import walk
from tests.unit.recording.stacks import recorded
from tests.unit.recording.stacks_azure import STACKS, SUBSCRIPTION
from tests.unit.recording.workloads import options_of, pods, variables_of


@pytest.mark.parametrize("stack", STACKS)
def test_each_identity_is_used_by_exactly_one_account_which_is_there(stack: str) -> None:
    recording = recorded(stack)
    for identity, user in identities(AZURE, recording):
        [federation] = [
            f
            for f in recording.of_cloud("FederatedIdentityCredential")
            if f.plain["resourceName"] == identity.outputs["name"]
        ]
        assert federation.plain["subject"] == f"system:serviceaccount:{user.namespace}:{user.object_name}"
        assert federation.plain["issuer"] == recorder_azure.ISSUER
        principal = identity.outputs["principalId"]
        roles = [f for f in recording.of_cloud("RoleAssignment") if f.plain["principalId"] == principal]
        # Users of the stack give the pods of operators their roles. Those that read secrets have one for the vault.
        of_vault = [role for role in roles if role.name.endswith("-secrets-role")]
        alone = identity.name.endswith(("-identities-pod", "-identities-dag-processor"))
        assert len(roles) - len(of_vault) == (0 if alone else 1)
        # Used only after it has its roles, by data flow.
        assert {federation.urn, *(role.urn for role in roles)} <= waits_for(recording, user)
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


def test_who_runs_dag_code_has_a_connection_to_azure_without_a_key() -> None:
    recording = recorded("azure, both")
    variable = "AIRFLOW_CONN_AZURE_DEFAULT"
    variables = {pod.part: variables_of(recording, pod) for pod in pods(recording)}
    found = {part: json.loads(each[variable]) for part, each in variables.items() if variable in each}
    assert found.keys() == DAG_READERS
    keyless = {"conn_type": "azure", "extra": {"subscriptionId": SUBSCRIPTION}}
    assert [part for part, connection in found.items() if connection != keyless] == []


def test_who_answers_questions_for_secrets_reads_the_vault() -> None:
    recording = recorded("azure, protected with everything")
    texts = {pod.part: options_of(recording, pod).get("AIRFLOW__SECRETS__BACKEND_KWARGS") for pod in pods(recording)}
    found = {part: json.loads(text) for part, text in texts.items() if text is not None}
    assert found.keys() == {"api-server", "dag-processor", "triggerer"}
    [vault] = recording.of_cloud("Vault")
    assert found["api-server"] == {
        "connections_prefix": "airflow-connections",
        "variables_prefix": "team-variables",
        "config_prefix": None,
        "vault_url": f"https://{vault.plain['vaultName']}.vault.azure.net/",
    }


@pytest.mark.parametrize("stack", ["azure, both", "azure, stack file prod"])
def test_logs_go_to_the_container_by_a_connection_without_a_key(stack: str) -> None:
    recording = recorded(stack)
    readers = {pod.part: variables_of(recording, pod) for pod in pods(recording)}
    readers = {part: data for part, data in readers.items() if "AIRFLOW_CONN_WASB_DEFAULT" in data}
    assert readers.keys() == {"api-server", "triggerer", "task", *({"worker"} if stack == "azure, both" else ())}
    account = named(recording, "airflow-cloud-logs-account").plain["accountName"]
    for data in readers.values():
        connection = json.loads(data["AIRFLOW_CONN_WASB_DEFAULT"])
        assert connection == {"conn_type": "wasb", "host": f"https://{account}.blob.core.windows.net/"}
        assert data["AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER"].startswith("wasb")
        assert data["AIRFLOW__AZURE_REMOTE_LOGGING__REMOTE_WASB_LOG_CONTAINER"] == "logs"
        assert data["AIRFLOW__LOGGING__REMOTE_LOG_CONN_ID"] == "wasb_default"
        assert data["AIRFLOW__LOGGING__REMOTE_LOGGING"] == "True"
    names = ["airflow-task-template" if part == "task" else f"airflow-{part}" for part in sorted(readers)]
    holders = [named(recording, name) for name in names]
    for endpoint in recording.of_cloud("PrivateDnsZoneGroup"):
        assert all(endpoint.urn in waits_for(recording, holder) for holder in holders)


@pytest.mark.parametrize("stack", STACKS)
def test_connections_to_the_database_name_the_host_that_its_certificate_is_for(stack: str) -> None:
    urls = [
        value
        for found in recorded(stack).of_type("Secret")
        for _, value, _ in walk(found.inputs)
        if isinstance(value, str) and "postgresql" in value and "://" in value
    ]
    assert len(urls) >= 3
    assert [url for url in urls if ".postgres.database.azure.com:5432/" not in url] == []
