"""Features: their sum, and the options that they keep for themselves."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from components.airflow import instance
from components.airflow.context import InstanceContext
from components.airflow.feature import Feature, FeatureModule, Features, PodOverlay, variable
from components.airflow.secrets.credential import Credential, StoredSecret
from components.airflow.secrets.matrix import MATRIX
from tests.unit.recording.stacks import recordings
from tests.unit.recording.workloads import options_of, pods

OPTION = ("core", "parallelism")


def stored(*keys: str) -> StoredSecret:
    return StoredSecret(name=cast(Any, "x"), keys=frozenset(keys), checksum=cast(Any, "x"))


def test_later_defaults_replace_earlier_ones_and_fixed_options_stay() -> None:
    first = PodOverlay(workloads={"scheduler"}, options={("core", "executor"): "fixed"}, default_options={OPTION: "1"})
    later = PodOverlay(workloads={"scheduler"}, default_options={OPTION: "2", ("core", "executor"): "changed"})
    features = Features(features=[Feature(overlays=[first]), Feature(overlays=[later])])
    assert features.variables("scheduler") == {
        "AIRFLOW__CORE__EXECUTOR": "fixed",
        "AIRFLOW__CORE__PARALLELISM": "2",
    }


def test_an_overlay_reaches_its_workloads_and_no_others() -> None:
    features = Features(features=[Feature(overlays=[PodOverlay(workloads={"worker"}, default_options={OPTION: "1"})])])
    assert features.variables("scheduler") == {}
    assert len(features.overlays("worker")) == 1


def test_a_credential_reaches_its_readers_and_no_others() -> None:
    credential = Credential(variable="KEY", secret=stored("key"), key="key", readers=frozenset({"worker"}))
    features = Features(features=[Feature(credentials=[credential])])
    assert features.credentials("worker") == [credential]
    assert features.credentials("task") == []


def test_the_outputs_of_all_features_are_outputs_of_the_stack() -> None:
    features = Features(features=[Feature(outputs={"url": "http://a"}), Feature(), Feature(outputs={"address": "b"})])
    assert features.outputs() == {"url": "http://a", "address": "b"}


def test_a_credential_names_a_key_that_its_secret_has() -> None:
    with pytest.raises(ValueError, match="KEY reads the key kye, and its Secret has"):
        Credential(variable="KEY", secret=stored("key"), key="kye", readers=frozenset({"worker"}))


def test_a_feature_cannot_set_an_option_behind_the_back_of_users() -> None:
    overlay = PodOverlay(workloads={"scheduler"}, options={OPTION: "1"})
    module = SimpleNamespace(RESERVED={}, create_feature=lambda context: Feature(overlays=[overlay]))
    with pytest.raises(AssertionError, match="does not list them in RESERVED"):
        instance.create_feature(cast(FeatureModule, module), cast(InstanceContext, None))


def test_every_feature_is_listed_once() -> None:
    assert len({id(module) for module in instance.FEATURES}) == len(instance.FEATURES)


def test_each_reserved_option_belongs_to_one_feature() -> None:
    every = [option for module in instance.FEATURES for option in module.RESERVED]
    assert sorted(every) == sorted(set(every))


def test_every_row_of_the_secrets_matrix_reaches_a_pod_of_some_stack() -> None:
    """A row whose Secret is misspelt would vanish from all of them."""
    variables: set[str] = set()
    for _, recording in recordings():
        for pod in pods(recording):
            variables |= {each["name"] for each in pod.main.get("env", [])}
    assert {row.variable for row in MATRIX} - variables == set()


def test_no_option_stands_beside_a_credential_of_the_same_name() -> None:
    offenders: list[Any] = []
    secret = {row.variable for row in MATRIX}
    for stack, recording in recordings():
        for pod in pods(recording):
            offenders += [f"{stack}: {pod}: {name}" for name in options_of(recording, pod).keys() & secret]
    assert offenders == []


def test_the_variable_of_an_option_is_what_airflow_reads() -> None:
    assert variable(("dag_processor", "refresh_interval")) == "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL"
