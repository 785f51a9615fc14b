"""Options of the Kubernetes executor."""

from __future__ import annotations

import pytest

from tests.unit.recording import recorder
from tests.unit.recording.stacks import config
from tests.unit.recording.workloads import options_of, pods


@pytest.mark.parametrize(
    ("keep", "deleted", "deleted_on_failure"), [(None, True, True), ("failed", True, False), ("all", False, False)]
)
def test_ended_pods_are_kept_as_the_setting_says(keep: str | None, deleted: bool, deleted_on_failure: bool) -> None:
    """Airflow 3.3 deletes a pod if the first option is true, and its task has not failed or the second is true too."""
    own = {"task_pods": {"keep": keep}} if keep is not None else {}
    recording = recorder.run(config("kubernetes") | {"airflow:executor": {"kind": "kubernetes", **own}})
    [scheduler] = [pod for pod in pods(recording) if pod.part == "scheduler"]
    options = options_of(recording, scheduler)
    assert options["AIRFLOW__KUBERNETES_EXECUTOR__DELETE_WORKER_PODS"] == str(deleted)
    assert options["AIRFLOW__KUBERNETES_EXECUTOR__DELETE_WORKER_PODS_ON_FAILURE"] == str(deleted_on_failure)
