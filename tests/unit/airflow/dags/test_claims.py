"""DAG files and plugins on claims and folders of the node, and the outputs for uploads."""

from __future__ import annotations

import json

import pytest

from components.contract.workloads import DAG_READERS, PLUGIN_LOADERS
from tests.unit.airflow.dags.test_oci import mounted
from tests.unit.recording import recorder
from tests.unit.recording.stacks import config, recorded
from tests.unit.recording.workloads import options_of, pods

CLAIM = "both, claim with DAGs and plugins"
SHARE = "stand-in cloud, shares"


def test_an_existing_claim_is_mounted_by_all_that_run_dag_code() -> None:
    recording = recorded(CLAIM)
    found = mounted(recording, "dags-dags")
    assert {p for p, m in found.items() if m.get("/opt/airflow/dag-sources/dags") == "team/dags"} == DAG_READERS
    assert {p for p, m in found.items() if m.get("/opt/airflow/dag-plugins") == "team/plugins"} == PLUGIN_LOADERS
    claims = {
        volume["persistentVolumeClaim"]["claimName"]
        for pod in pods(recording)
        for volume in pod.spec["volumes"]
        if volume["name"] == "dags-dags"
    }
    assert claims == {"files"}
    for pod in pods(recording):
        names = [volume["name"] for volume in pod.spec.get("volumes", [])]
        assert len(names) == len(set(names)), pod.part


def test_a_stack_without_plugins_leaves_airflows_own_folder() -> None:
    recording = recorded("both, DAG image")
    assert not [p.part for p in pods(recording) if "AIRFLOW__CORE__PLUGINS_FOLDER" in options_of(recording, p)]


def test_plugins_in_the_airflow_image_are_an_option_only() -> None:
    recording = recorder.run(config("celery", dags=[{"kind": "image", "plugins": "/my/plugins"}]))
    folders = {pod.part: options_of(recording, pod).get("AIRFLOW__CORE__PLUGINS_FOLDER") for pod in pods(recording)}
    assert {part for part, folder in folders.items() if folder == "/my/plugins"} == PLUGIN_LOADERS - {"task"}


def test_a_folder_of_the_node_has_plugins_below_it() -> None:
    source = {"kind": "host_path", "path": "/dags", "plugins": "plugins"}
    recording = recorder.run(config("celery", dags=[source]))
    found = mounted(recording, "dags-dags")
    assert found["api-server"] == {"/opt/airflow/dag-plugins": "plugins"}
    assert found["worker"] == {"/opt/airflow/dag-sources/dags": "", "/opt/airflow/dag-plugins": "plugins"}


@pytest.mark.parametrize(("stack", "claim"), [(CLAIM, "files"), (SHARE, "airflow-dags-")])
def test_the_pod_for_uploads_writes_to_the_claim_and_passes_pod_security(stack: str, claim: str) -> None:
    recording = recorded(stack)
    [upload] = json.loads(recording.outputs["dag_uploads"])
    assert (upload["name"], upload["root"], upload["folder"]) == ("dags", "/volume", "team/dags")
    pod = upload["pod"]
    assert (pod["kind"], pod["metadata"]["name"], pod["metadata"]["namespace"]) == (
        "Pod",
        "airflow-upload",
        recording.outputs["namespace"],
    )
    spec = pod["spec"]
    [container], [volume] = spec["containers"], spec["volumes"]
    assert volume["persistentVolumeClaim"]["claimName"].startswith(claim)
    assert container["volumeMounts"] == [{"mountPath": "/volume", "name": "dags"}]
    assert spec["automountServiceAccountToken"] is False
    # It ends by itself.
    assert (spec["restartPolicy"], container["command"]) == ("Never", ["sleep", "900"])
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert (
        container["image"] == next(p for p in pods(recording) if p.part == "scheduler").spec["containers"][0]["image"]
    )
    assert recording.outputs["upload_command"] == "python -m operations dags upload --stack test"


def test_of_several_claims_the_command_names_the_first() -> None:
    sources = [
        {"kind": "image"},
        {"kind": "claim", "name": "one", "claim_name": "a"},
        {"kind": "claim", "name": "two", "claim_name": "b"},
    ]
    recording = recorder.run(config("celery", dags=sources))
    assert [upload["name"] for upload in json.loads(recording.outputs["dag_uploads"])] == ["one", "two"]
    assert recording.outputs["upload_command"].endswith(" --source one")


def test_airflows_own_examples_are_loaded_where_the_stack_asks_for_them() -> None:
    key = "AIRFLOW__CORE__LOAD_EXAMPLES"
    for stack, expected in ((config("celery", load_examples="true"), "True"), (config("celery"), "False")):
        recording = recorder.run(stack)
        values = {pod.part: options_of(recording, pod)[key] for pod in pods(recording) if pod.part in PLUGIN_LOADERS}
        assert values == dict.fromkeys(PLUGIN_LOADERS - {"task"}, expected)
