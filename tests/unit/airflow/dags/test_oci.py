"""DAG files in an image of their own: copied by an init container, or mounted as a volume."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from components.airflow.dags import oci
from components.airflow.executors.task_pods import template_name
from components.contract.workloads import DAG_READERS, PLUGIN_LOADERS
from tests.unit.airflow.pods.test_rolling import changed
from tests.unit.recording import recorder
from tests.unit.recording.recorder import Recording
from tests.unit.recording.stacks import STACKS, recorded
from tests.unit.recording.workloads import options_of, pods

IMAGE = "registry.example.org/dags:1"
COPIED = "both, DAG image"
PLUGINS = "both, DAG image with plugins"
MOUNTED = "stand-in cloud, DAG image as a volume"


def copies(recording: Recording) -> dict[str, dict[str, Any]]:
    """The container that copies, by workload."""
    return {
        pod.part: container
        for pod in pods(recording)
        for container in pod.spec.get("initContainers", [])
        if container["name"].endswith("-copy")
    }


def mounted(recording: Recording, volume: str) -> dict[str, dict[str, str]]:
    """By workload, the folders where the main container mounts a volume, each with the path in the volume."""
    found = {
        pod.part: {
            mount["mountPath"]: mount.get("subPath", "")
            for mount in pod.spec["containers"][0].get("volumeMounts", [])
            if mount["name"] == volume and mount.get("readOnly")
        }
        for pod in pods(recording)
    }
    return {part: mounts for part, mounts in found.items() if mounts}


def with_image(reference: str, stack: str = COPIED) -> Recording:
    [source] = STACKS[stack]["airflow:dags"]
    recording = recorder.run({**STACKS[stack], "airflow:dags": [{**source, "reference": reference}]})
    assert recording.error is None, recording.error
    return recording


def test_what_runs_dag_code_gets_a_copy_of_the_folder_and_nothing_else_does() -> None:
    found = copies(recorded(COPIED))
    assert found.keys() == DAG_READERS
    assert {container["image"] for container in found.values()} == {IMAGE}
    folders = mounted(recorded(COPIED), "dags-dags")
    assert folders == {part: {"/opt/airflow/dag-sources/dags": "dags"} for part in DAG_READERS}


def test_another_dag_image_rolls_only_what_reads_dags() -> None:
    """Neither the migration nor the scheduler: the template of task pods changes in place."""
    assert changed(recorded(COPIED), with_image("registry.example.org/dags:2")) == {
        "dag-processor",
        "triggerer",
        "worker",
        "task",
    }


def test_the_scheduler_reads_the_new_template_under_the_same_name() -> None:
    first, second = recorded(COPIED), with_image("registry.example.org/dags:2")
    [before], [after] = (
        [f for f in recording.of_type("ConfigMap") if f.name == "airflow-task-template"]
        for recording in (first, second)
    )
    assert before.object_name == after.object_name
    assert not after.plain.get("immutable")
    template = json.loads(after.plain["data"]["task.yaml"])
    assert "registry.example.org/dags:2" in [c["image"] for c in template["spec"]["initContainers"]]
    [scheduler] = [pod for pod in pods(second) if pod.part == "scheduler"]
    [mount] = [m for m in scheduler.spec["containers"][0]["volumeMounts"] if m["name"] == "pod-template"]
    # The kubelet renews files of a mounted folder, and never one that is mounted by itself.
    assert "subPath" not in mount


def test_everything_else_in_a_template_is_part_of_its_name() -> None:
    name = template_name("airflow", f"a {IMAGE} b", [IMAGE])
    assert template_name("airflow", "a other:2 b", ["other:2"]) == name
    assert template_name("airflow", f"a {IMAGE} c", [IMAGE]) != name


def test_plugins_of_the_image_reach_what_loads_plugins() -> None:
    recording = recorded(PLUGINS)
    assert copies(recording).keys() == PLUGIN_LOADERS
    found = mounted(recording, "dags-dags")
    assert {part for part, mounts in found.items() if mounts.get("/opt/airflow/dag-plugins") == "plugins"} == (
        PLUGIN_LOADERS
    )
    assert {part for part, mounts in found.items() if "/opt/airflow/dag-sources/dags" in mounts} == DAG_READERS
    folders = {pod.part: options_of(recording, pod).get("AIRFLOW__CORE__PLUGINS_FOLDER") for pod in pods(recording)}
    assert {part for part, folder in folders.items() if folder == "/opt/airflow/dag-plugins"} == PLUGIN_LOADERS
    # A server without DAG files copies the plugins only.
    assert "/dags" not in copies(recording)["api-server"]["command"]


def test_an_image_as_a_volume_needs_no_copy() -> None:
    recording = recorded(MOUNTED)
    assert copies(recording) == {}
    volumes = {
        pod.part: volume["image"] for pod in pods(recording) for volume in pod.spec["volumes"] if "image" in volume
    }
    assert volumes.keys() == PLUGIN_LOADERS
    reference = {"reference": "registry.example.org/dags@sha256:" + "1" * 64, "pullPolicy": "IfNotPresent"}
    assert [volume for volume in volumes.values() if volume != reference] == []
    found = mounted(recording, "dags-team")
    assert found["worker"] == {
        "/opt/airflow/dag-sources/team": "opt/dags",
        "/opt/airflow/dag-plugins": "opt/plugins",
    }
    assert found["api-server"] == {"/opt/airflow/dag-plugins": "opt/plugins"}


def test_the_copy_has_every_file_of_each_folder(tmp_path: Path) -> None:
    for name in ("image/dags/team/a.py", "image/dags/.airflowignore", "image/plugins/p.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    pairs = [str(tmp_path / path) for path in ("image/dags", "pod/dags", "image/plugins", "pod/plugins")]
    subprocess.run(["sh", "-c", oci.COPY, "copy", *pairs], check=True, timeout=60)
    copied = {path.relative_to(tmp_path / "pod").as_posix() for path in (tmp_path / "pod").rglob("*") if path.is_file()}
    assert copied == {"dags/team/a.py", "dags/.airflowignore", "plugins/p.py"}


def test_a_folder_that_the_image_does_not_have_fails_the_copy(tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", oci.COPY, "copy", str(tmp_path / "none"), str(tmp_path / "to")],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode != 0
    assert "none" in done.stderr
