"""The identities of pods on Google Cloud: bindings to ServiceAccounts, and roles."""

from __future__ import annotations

import pytest

from tests.unit.cloud.clouds import GCP, identities, one, resources
from tests.unit.program.test_order import waits_for
from tests.unit.recording.stacks_gcp import STACKS, recorded


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
        assert rights
        assert {binding.urn, *(right.urn for right in rights)} <= waits_for(recording, user)
        # The identity pool is created with the first cluster of a project.
        assert one(recording, "Cluster").urn in waits_for(recording, binding)


def test_only_who_writes_logs_may_write_them() -> None:
    recording = recorded("gcp, both")
    roles = {
        f.name.removeprefix("airflow-cloud-identities-").removesuffix("-access"): f.plain["role"]
        for f in recording.of_cloud("BucketIAMMember")
    }
    writer, reader = "roles/storage.objectUser", "roles/storage.objectViewer"
    assert roles == {"triggerer": writer, "worker": writer, "task": writer, "api-server": reader}
