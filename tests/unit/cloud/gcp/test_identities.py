"""The identities of pods on Google Cloud: bindings to ServiceAccounts, and roles."""

from __future__ import annotations

import json
from typing import Final

import pytest

from components.contract.workloads import DAG_READERS
from tests.unit.cloud.clouds import GCP, identities, one, resources
from tests.unit.program.test_order import waits_for
from tests.unit.recording import recorder
from tests.unit.recording.stacks_gcp import STACKS, config, recorded
from tests.unit.recording.workloads import options_of, pods, variables_of

BUNDLES: Final = "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"


@pytest.mark.parametrize("stack", STACKS)
def test_each_service_account_is_used_by_exactly_one_of_kubernetes_which_is_there(stack: str) -> None:
    recording = recorded(stack)
    for account, user in identities(GCP, recording):
        bindings = [
            f
            for f in resources(GCP, recording)
            if f.kind == "IAMMember" and f.plain.get("serviceAccountId") == account.outputs["name"]
        ]
        [binding] = bindings
        email = account.outputs["email"]
        project = recording.config["airflow:cloud"]["project"]
        assert binding.plain["role"] == "roles/iam.workloadIdentityUser"
        assert binding.plain["member"] == (f"serviceAccount:{project}.svc.id.goog[{user.namespace}/{user.object_name}]")
        # Used only after it has its roles, by data flow.
        rights = [f for f in resources(GCP, recording) if f.plain.get("member") == f"serviceAccount:{email}"]
        # Users of the stack give the pods of operators their roles.
        assert rights or account.name.endswith("-identities-pod")
        assert {binding.urn, *(right.urn for right in rights)} <= waits_for(recording, user)
        # The identity pool is created with the first cluster of a project.
        assert one(recording, "Cluster").urn in waits_for(recording, binding)


def test_only_tasks_and_their_pods_write_to_datasets_and_to_each_of_them() -> None:
    recording = recorded("gcp, protected with everything")
    granted = {
        (f.name.removeprefix("airflow-cloud-identities-").partition("-")[0], f.plain["datasetId"], f.plain["role"])
        for f in recording.of_cloud("DatasetIamMember")
    }
    editor = "roles/bigquery.dataEditor"
    assert granted == {(who, what, editor) for who in ("worker", "task", "pod") for what in ("citibike", "Reports")}


def test_a_dataset_is_where_its_settings_say_and_protected_with_its_tables() -> None:
    recording = recorded("gcp, protected with everything")
    found = {f.plain["datasetId"]: f for f in recording.of_cloud("Dataset")}
    assert {name: f.plain["location"] for name, f in found.items()} == {"citibike": "europe-west1", "Reports": "EU"}
    assert {f.protect for f in found.values()} == {True}
    assert {f.plain["deleteContentsOnDestroy"] for f in found.values()} == {False}
    free = recorder.run(config("celery", cloud_with={"bigquery": {"datasets": [{"name": "citibike"}]}}))
    [dataset] = free.of_cloud("Dataset")
    assert (dataset.plain["deleteContentsOnDestroy"], dataset.protect) == (True, False)


def test_who_runs_dag_code_has_a_connection_to_google_without_a_key() -> None:
    variable = "AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT"
    recording = recorded("gcp, both")
    variables = {pod.part: variables_of(recording, pod) for pod in pods(recording)}
    found = {part: json.loads(each[variable]) for part, each in variables.items() if variable in each}
    assert found.keys() == DAG_READERS
    keyless = {"conn_type": "google_cloud_platform", "extra": {"project": "simulated-project"}}
    assert [part for part, connection in found.items() if connection != keyless] == []


def test_who_answers_questions_for_secrets_reads_those_with_the_prefixes_and_tasks_read_none() -> None:
    recording = recorded("gcp, protected with everything")
    granted = {
        found.name.removeprefix("airflow-cloud-identities-").removesuffix("-secrets"): found.plain
        for found in recording.of_cloud("IAMMember")
        if found.plain["role"].startswith("roles/secretmanager.")
    }
    readers = {"api-server", "dag-processor", "triggerer"}
    assert granted.keys() == readers
    assert {found["role"] for found in granted.values()} == {"roles/secretmanager.secretAccessor"}
    assert {found["condition"]["expression"] for found in granted.values()} == {
        "resource.type == 'secretmanager.googleapis.com/SecretVersion' && "
        "(resource.name.extract('/secrets/{name}/versions/').startsWith('airflow-connections-') || "
        "resource.name.extract('/secrets/{name}/versions/').startsWith('team-variables-'))"
    }
    backends = {pod.part: options_of(recording, pod).get("AIRFLOW__SECRETS__BACKEND_KWARGS") for pod in pods(recording)}
    found = {part: json.loads(text) for part, text in backends.items() if text is not None}
    assert found.keys() == readers
    assert found["triggerer"] == {
        "connections_prefix": "airflow-connections",
        "variables_prefix": "team-variables",
        "config_prefix": None,
        "project_id": "simulated-project",
    }


def test_only_who_writes_logs_may_write_them() -> None:
    recording = recorded("gcp, both")
    roles = {
        f.name.removeprefix("airflow-cloud-identities-").removesuffix("-access"): f.plain["role"]
        for f in recording.of_cloud("BucketIAMMember")
    }
    writer, reader = "roles/storage.objectUser", "roles/storage.objectViewer"
    assert roles == {"triggerer": writer, "worker": writer, "task": writer, "api-server": reader}


def test_what_runs_dag_code_may_read_the_bucket_with_dag_files_and_nobody_may_write() -> None:
    for stack, readers in (
        ("gcp, DAGs in a bucket", {"dag-processor", "triggerer", "worker", "task"}),
        ("gcp, DAGs in an existing bucket", {"dag-processor", "triggerer", "task"}),
    ):
        roles: dict[str, set[str]] = {}
        for found in recorded(stack).of_cloud("BucketIAMMember"):
            name = found.name.removeprefix("airflow-cloud-identities-")
            if "-dags-" in name:
                roles.setdefault(name.partition("-dags-")[0], set()).add(found.plain["role"])
        reader = {"roles/storage.objectViewer", "roles/storage.legacyBucketReader"}
        assert roles == dict.fromkeys(readers, reader), stack


def test_the_bundle_reads_the_bucket_that_its_readers_may_read() -> None:
    for stack, prefix in (("gcp, DAGs in a bucket", "team/"), ("gcp, DAGs in an existing bucket", "")):
        recording = recorded(stack)
        buckets = {f.plain["bucket"] for f in recording.of_cloud("BucketIAMMember") if "-dags-" in f.name}
        for pod in pods(recording):
            [bundle] = json.loads(options_of(recording, pod).get(BUNDLES, "[null]"))
            if bundle is None:
                continue
            assert {bundle["kwargs"]["bucket_name"]} == buckets
            assert bundle["kwargs"]["prefix"] == prefix
            assert bundle["classpath"].endswith(".GCSDagBundle")
        [bucket] = buckets
        assert recording.outputs["dag_bucket"] == bucket
        assert recording.outputs["upload_command"] == (
            f"gcloud storage rsync --recursive --delete-unmatched-destination-objects dags gs://{bucket}/{prefix}"
        )
    assert buckets == {"our-dags"}
