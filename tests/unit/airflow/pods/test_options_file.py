"""Options as a file airflow.cfg instead of variables."""

from __future__ import annotations

import configparser

import pytest

from components.airflow.pods.options import FILE, FOLDER, airflow_cfg
from tests.unit.recording import recorder
from tests.unit.recording.recorder import Recording
from tests.unit.recording.stacks import config, recorded
from tests.unit.recording.workloads import options_of, pods

STACK = "celery+kubernetes"


@pytest.fixture(scope="module")
def filed() -> Recording:
    recording = recorder.run(config(STACK, options_file=True))
    assert recording.error is None, recording.error
    return recording


def test_every_container_with_airflows_image_reads_the_file_and_no_variables(filed: Recording) -> None:
    for pod in pods(filed):
        if pod.part in {"redis", "postgres"}:
            continue
        [volume] = [each for each in pod.spec["volumes"] if each["name"] == "options"]
        for container in pod.containers:
            assert "envFrom" not in container, f"{pod}: {container['name']}"
            variables = {each["name"]: each.get("value") for each in container["env"]}
            assert variables["AIRFLOW_CONFIG"] == f"{FOLDER}/{FILE}"
            mounts = {each["mountPath"]: each for each in container["volumeMounts"]}
            assert mounts[FOLDER]["name"] == volume["name"]
        [data] = [each for each in filed.of_type("ConfigMap") if each.object_name == volume["configMap"]["name"]]
        assert data.plain["data"].keys() == {FILE}
        assert data.namespace == pod.namespace


def test_the_file_has_the_options_that_are_variables_otherwise(filed: Recording) -> None:
    plain = {pod.part: options_of(recorded(STACK), pod) for pod in pods(recorded(STACK)) if pod.runs_airflow}
    for part in plain.keys() - {"migration"}:
        [data] = [each for each in filed.of_type("ConfigMap") if each.name == f"airflow-{part}-options"]
        parser = configparser.ConfigParser()
        parser.read_string(data.plain["data"][FILE])
        read = {
            f"AIRFLOW__{section.upper()}__{name.upper()}": parser.get(section, name)
            for section in parser.sections()
            for name in parser.options(section)
        }
        assert read == plain[part], part


def test_a_percent_sign_and_a_further_line_mean_themselves_in_the_file() -> None:
    parser = configparser.ConfigParser()
    parser.read_string(airflow_cfg({"AIRFLOW__A__B": "100 % of %(x)s", "AIRFLOW__A__C": "one\ntwo"}))
    assert (parser.get("a", "b"), parser.get("a", "c")) == ("100 % of %(x)s", "one\ntwo")
