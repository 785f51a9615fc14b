"""Static disks and shares of a cloud: one volume each, bound to one claim, deleted last and completely."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest

from components.contract.cloud import Volume, VolumeUse
from components.contract.requirements import CloudRequirements
from tests.unit.program.test_order import waits_for
from tests.unit.recording import recorder, stand_in_cloud
from tests.unit.recording.recorder import Recording, Registration
from tests.unit.recording.stacks import STAND_IN, recorded
from tests.unit.recording.stand_in_cloud import SHARE_KEY
from tests.unit.recording.workloads import pod_of, pods

SHARES: Final = "stand-in cloud, shares"
USES: Final = {"airflow-logs": "logs", "airflow-dags": "dags", "airflow-celery-broker-data": "broker"}


def pairs(recording: Recording) -> list[tuple[Registration, Registration]]:
    """Each claim with its volume."""
    volumes = {found.object_name: found for found in recording.of_type("PersistentVolume")}
    claims = recording.of_type("PersistentVolumeClaim")
    assert len(volumes) == len(claims)
    return [(claim, volumes[claim.plain["spec"]["volumeName"]]) for claim in claims]


def spec(recording: Recording, claim: str) -> dict[str, Any]:
    """The volume of a claim."""
    [found] = [volume for made, volume in pairs(recording) if made.name == claim]
    return found.plain["spec"]


def test_a_claim_and_its_volume_name_each_other_and_nobody_else_can_come_between() -> None:
    found = pairs(recorded(SHARES))
    assert {claim.name for claim, _ in found} == USES.keys()
    for claim, volume in found:
        assert claim.plain["spec"]["storageClassName"] == ""
        assert "storageClassName" not in volume.plain["spec"]
        reference = volume.plain["spec"]["claimRef"]
        assert reference == {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "namespace": claim.namespace,
            "name": claim.object_name,
        }
        # Further access modes of a volume follow the requested one.
        [asked] = claim.plain["spec"]["accessModes"]
        assert asked == volume.plain["spec"]["accessModes"][0]
        size = claim.plain["spec"]["resources"]["requests"]["storage"]
        assert size == volume.plain["spec"]["capacity"]["storage"]


def test_deleting_a_volume_leaves_its_disk_to_the_stack() -> None:
    kinds = {volume.plain["spec"]["persistentVolumeReclaimPolicy"] for _, volume in pairs(recorded(SHARES))}
    assert kinds == {"Retain"}


def test_a_volume_says_all_that_its_driver_needs() -> None:
    recording = recorded(SHARES)
    broker, dags = spec(recording, "airflow-celery-broker-data"), spec(recording, "airflow-dags")
    assert broker["csi"] == {"driver": "disk.stand-in.example", "volumeHandle": "disks/broker", "fsType": "ext4"}
    [term] = broker["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert term == {
        "matchExpressions": [{"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["zone-a"]}]
    }
    assert "mountOptions" not in broker
    secret = {"name": "airflow-dags-credentials", "namespace": "airflow"}
    assert dags["csi"] == {
        "driver": "share.stand-in.example",
        "volumeHandle": "shares/dags",
        "volumeAttributes": {"server": "10.0.0.2", "volume": "dags"},
        "nodeStageSecretRef": secret,
        "nodePublishSecretRef": secret,
    }
    assert dags["mountOptions"] == ["uid=50000", "gid=0"]
    assert "nodeAffinity" not in dags
    assert not {"nodeStageSecretRef", "nodePublishSecretRef"} & spec(recording, "airflow-logs")["csi"].keys()


def test_the_key_of_a_share_is_in_one_secret_that_no_pod_reads() -> None:
    recording = recorded(SHARES)
    [secret] = [found for found in recording.of_type("Secret") if SHARE_KEY in found.plain["stringData"].values()]
    assert (secret.object_name, secret.namespace) == ("airflow-dags-credentials", "airflow")
    assert secret.object_name not in str([pod.spec for pod in pods(recording)])


def test_neither_claim_nor_volume_nor_namespace_waits_for_another_in_a_circle() -> None:
    """The claim is deleted with the namespace and uses the volume, which must not be deleted before the namespace."""
    recording = recorded(SHARES)
    namespace = recording.the("Namespace", "airflow-namespace")
    for claim, volume in pairs(recording):
        assert namespace.urn not in waits_for(recording, volume)
        assert volume.urn in waits_for(recording, claim)
        shared = claim.name != "airflow-celery-broker-data"
        assert claim.deleted_with == (namespace.urn if shared else "")
        limit, patience = namespace.timeouts["delete"], volume.timeouts["delete"]
        assert int(patience.removesuffix("m")) > int(limit.removesuffix("m"))


@pytest.mark.parametrize(
    "change",
    [{"handle": "disks/another"}, {"zone": "zone-b"}, {"filesystem": "xfs"}, {"attributes": {"a": "b"}}],
    ids=str,
)
def test_with_another_disk_pods_move_to_another_volume_and_claim(
    change: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The binding of both is immutable, and neither can be deleted while in use."""
    original = stand_in_cloud._volumes

    def other(needed: CloudRequirements) -> dict[VolumeUse, Volume]:
        broker = original(needed)["broker"]
        assert broker.static is not None
        return {"broker": replace(broker, static=replace(broker.static, **change))}

    [before] = pairs(recorded("stand-in cloud, celery"))
    monkeypatch.setattr(stand_in_cloud, "_volumes", other)
    with stand_in_cloud.in_place():
        recording = recorder.run(STAND_IN["stand-in cloud, celery"])
    [after] = pairs(recording)
    for old, new in zip(before, after, strict=True):
        assert old.name == new.name
        assert old.object_name != new.object_name
    [volume] = [v for v in pod_of(recording, "redis").spec["volumes"] if v["name"] == "data"]
    assert volume["persistentVolumeClaim"]["claimName"] == after[0].object_name


@pytest.mark.parametrize("key", ["name", "namespace"])
def test_two_instances_share_no_volume(key: str) -> None:
    with stand_in_cloud.in_place():
        second = recorder.run({**STAND_IN[SHARES], f"airflow:{key}": "other"})
    names = [
        {found.object_name for found in recording.of_type("PersistentVolume")}
        for recording in (recorded(SHARES), second)
    ]
    assert len(names[0]) == len(names[1]) == 3
    assert names[0] & names[1] == set()


def test_the_old_broker_goes_before_the_new_one_comes() -> None:
    """A disk can be attached to only one node at a time."""
    assert recorded(SHARES).the("StatefulSet", "airflow-redis").delete_before_replace


def test_the_share_with_dag_files_is_mounted_read_only_in_parts_that_run_dag_code() -> None:
    recording = recorded(SHARES)
    [claim] = [claim for claim, _ in pairs(recording) if claim.name == "airflow-dags"]
    readers = {"dag-processor", "triggerer", "worker", "task"}
    for part in readers:
        pod = pod_of(recording, part)
        [volume] = [volume for volume in pod.spec["volumes"] if volume["name"] == "dags-dags"]
        # A read-only source would prevent pods from starting on an empty share.
        assert volume["persistentVolumeClaim"] == {"claimName": claim.object_name}
        assert {
            "name": "dags-dags",
            "mountPath": "/opt/airflow/dag-sources/dags",
            "subPath": "team/dags",
            "readOnly": True,
        } in pod.main["volumeMounts"]
    having = {
        pod.part for pod in pods(recording) if "dags-dags" in {volume["name"] for volume in pod.spec.get("volumes", [])}
    }
    assert having == readers


def test_protection_covers_claims_and_volumes() -> None:
    protected = {found.name for found in recorded(SHARES).registrations if found.protect}
    wanted = {f"{claim}{suffix}" for claim in USES for suffix in ("", "-volume")}
    assert wanted <= protected
    assert not any(found.protect for found in recorded("stand-in cloud, celery").registrations)
