"""Task logs in object storage: configured workloads, and remaining volumes."""

from __future__ import annotations

from typing import Final

import pytest

from components.settings import loader
from components.settings.stack import Settings
from tests.unit.recording.recorder import Recording, raw
from tests.unit.recording.stacks import STAND_IN, recorded
from tests.unit.recording.stand_in_cloud import LOG_STORE
from tests.unit.recording.workloads import every_pod, options_of, pods, variables_of

READERS_AND_WRITERS: Final = {"api-server", "triggerer", "worker", "task"}
"""Airflow 3.3: the supervisor of a task and the triggerer upload, the api-server reads. The scheduler does neither."""


def settings_of(recording: Recording) -> Settings:
    config, secret = raw(recording.config)
    return loader.read(config, secret=secret)


STORED: Final = [stack for stack in STAND_IN if "airflow:logs" not in STAND_IN[stack]]


@pytest.mark.parametrize("stack", STORED)
def test_the_store_is_told_to_exactly_those_who_write_or_read_task_logs(stack: str) -> None:
    recording = recorded(stack)
    told = {pod.part for pod in pods(recording) if LOG_STORE.items() <= variables_of(recording, pod).items()}
    hinted = {pod.part for pod in pods(recording) if variables_of(recording, pod).keys() & LOG_STORE.keys()}
    assert told == hinted == READERS_AND_WRITERS & {pod.part for pod in pods(recording)}


def test_without_a_store_nobody_is_told_of_one() -> None:
    offenders = [
        f"{stack}: {pod}"
        for stack, recording, pod in every_pod()
        if settings_of(recording).task_logs.kind != "store" and variables_of(recording, pod).keys() & LOG_STORE.keys()
    ]
    assert offenders == []


@pytest.mark.parametrize("stack", STORED)
def test_with_a_store_the_log_folder_lives_as_long_as_its_pod(stack: str) -> None:
    recording = recorded(stack)
    folders = [volume for pod in pods(recording) for volume in pod.spec.get("volumes", []) if volume["name"] == "logs"]
    assert folders
    assert [folder for folder in folders if folder.keys() != {"name", "emptyDir"}] == []
    assert [found.name for found in recording.of_type("PersistentVolumeClaim") if "logs" in found.name] == []


@pytest.mark.parametrize("stack", STORED)
def test_what_is_in_the_store_does_not_fill_a_workers_disk(stack: str) -> None:
    recording = recorded(stack)
    deleting = {
        pod.part
        for pod in pods(recording)
        if options_of(recording, pod).get("AIRFLOW__LOGGING__DELETE_LOCAL_LOGS") == "True"
    }
    assert deleting == (READERS_AND_WRITERS - {"api-server"}) & {pod.part for pod in pods(recording)}


def test_an_identity_of_the_cloud_reaches_the_account_and_the_pods_of_its_part_and_no_others() -> None:
    offenders = []
    for stack in STAND_IN:
        recording = recorded(stack)
        accounts = {found.object_name: found.plain["metadata"] for found in recording.of_type("ServiceAccount")}
        for pod in pods(recording):
            with_identity = stack in STORED and pod.part in READERS_AND_WRITERS
            annotations = accounts[pod.spec["serviceAccountName"]].get("annotations", {})
            wanted = {"stand-in/identity": f"identity-of-{pod.part}"} if with_identity else {}
            if annotations != wanted or ("stand-in/use" in pod.metadata["labels"]) != with_identity:
                offenders.append(f"{stack}: {pod}: {annotations}")
    assert offenders == []
