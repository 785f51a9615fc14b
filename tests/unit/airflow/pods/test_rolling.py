"""A changed configuration rolls only its readers; without changes nothing rolls."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from components.airflow.feature import variable
from components.contract.workloads import RUNS_ONCE, Workload
from tests.unit.recording import recorder
from tests.unit.recording.recorder import Recording
from tests.unit.recording.stacks import FLOWER, STACKS, config, recorded
from tests.unit.recording.workloads import options_of, pod_of, pods

STACK: Final = "celery+kubernetes"
EVERYONE: Final[frozenset[Workload]] = frozenset(
    {"api-server", "scheduler", "dag-processor", "triggerer", "worker", "flower", "task"}
)
"""Except Jobs: the database would be migrated again for a log level."""
READERS: Final = {
    "api": {"api-server"},
    "fab": {"api-server", "migration"},
    "scheduler": {"scheduler"},
    "dag_processor": {"dag-processor"},
    "triggerer": {"triggerer"},
    "kubernetes_executor": {"scheduler", "api-server"},
    "celery": {"scheduler", "worker", "flower"},
    "celery_broker_transport_options": {"scheduler", "worker", "flower"},
    "workers": {"worker", "task"},
    "database": {"api-server", "scheduler", "dag-processor", "triggerer", "migration"},
    # A section without listed readers reaches all workloads.
    "operators": EVERYONE,
    "Logging": EVERYONE,
}
"""Workloads whose pods change with an option of a section."""
REACHED_THROUGH: Final = {"task": "scheduler"}
"""A changed template of task pods is a new ConfigMap, which the scheduler mounts."""


def templates(recording: Recording) -> dict[str, str]:
    """Each workload's pod as text, with names of Secrets and ConfigMaps and all checksums."""
    return {pod.part: json.dumps([pod.metadata, pod.spec], sort_keys=True) for pod in pods(recording)}


def changed(first: Recording, second: Recording) -> set[str]:
    before, after = templates(first), templates(second)
    assert before.keys() == after.keys()
    return {part for part in before if before[part] != after[part]}


def with_settings(**sections: Any) -> Recording:
    recording = recorder.run({**STACKS[STACK], **{f"airflow:{key}": value for key, value in sections.items()}})
    assert recording.error is None, recording.error
    return recording


def through(parts: set[str] | frozenset[str]) -> set[str]:
    return {*parts, *(REACHED_THROUGH[part] for part in parts if part in REACHED_THROUGH)}


TOGETHER: Final = (
    ("api", "dag_processor", "triggerer", "celery"),
    ("fab", "scheduler", "workers"),
    ("kubernetes_executor",),
    ("database",),
    ("celery_broker_transport_options",),
    ("operators",),
    ("Logging",),
)
"""Sections that are changed in one run: no two of them have a reader in common, but for the template's scheduler."""


@pytest.mark.parametrize(
    ("section", "option", "parts"),
    [
        ("api", "base_url", EVERYONE - {"flower"}),
        ("scheduler", "catchup_by_default", {"scheduler", "dag-processor", "triggerer", "worker", "task"}),
        ("scheduler", "task_instance_heartbeat_timeout", {"scheduler", "worker", "task"}),
        ("triggerer", "triggerer_health_check_threshold", {"triggerer", "api-server"}),
        ("fab", "expose_hidden", {"api-server", "migration"}),
    ],
)
def test_an_option_reaches_those_who_read_it_whatever_its_section_is_called(
    section: str, option: str, parts: set[str]
) -> None:
    """`[scheduler] catchup_by_default` is read where DAGs are parsed: only in the scheduler it would have no effect."""
    value = "https://airflow.simulated.test"
    recording = with_settings(options={section: {option: value}})
    name = variable((section, option))
    assert {pod.part for pod in pods(recording) if options_of(recording, pod).get(name) == value} == parts


def test_every_section_is_tried() -> None:
    assert sorted(section for group in TOGETHER for section in group) == sorted(READERS)


@pytest.mark.parametrize("sections", TOGETHER, ids=" ".join)
def test_an_option_of_airflow_rolls_exactly_its_readers(sections: tuple[str, ...]) -> None:
    second = with_settings(options={section: {"an_option": "a value"} for section in sections})
    assert changed(recorded(STACK), second) == through(set().union(*(READERS[section] for section in sections)))
    for section in sections:
        variable = f"AIRFLOW__{section.upper()}__AN_OPTION"
        having = {pod.part for pod in pods(second) if options_of(second, pod).get(variable) == "a value"}
        assert having == READERS[section]


@pytest.mark.parametrize(
    ("setting", "rolled"),
    [
        (
            {
                "components": {"triggerer": {"replicas": 2}},
                "exposure": {"kind": "node_port"},
                "protect": "true",
                "pod_operator": {"quota": {"pods": 200}},
            },
            set(),
        ),
        (
            {
                "components": {"triggerer": {"memory_mib": 1024}},
                "executor": {"kind": STACK, **FLOWER, "workers": {"memory_mib": 4096}, "broker": {"memory_mib": 512}},
                "admin": {"username": "root"},
            },
            {"triggerer", "worker", "redis", "migration"},
        ),
        # The scheduler reads the number of slots.
        ({"executor": {"kind": STACK, **FLOWER, "workers": {"replicas": 2}}}, {"scheduler"}),
        ({"executor": {"kind": STACK, **FLOWER, "workers": {"concurrency": 4}}}, {"scheduler", "worker"}),
        ({"executor": {"kind": STACK, **FLOWER, "task_pods": {"memory_mib": 1024}}}, {"task", "scheduler"}),
        ({"executor": {"kind": STACK, **FLOWER, "task_pods": {"keep": "failed"}}}, {"scheduler"}),
    ],
    ids=["none", "their own", "number of workers", "concurrency", "template", "executor"],
)
def test_a_setting_rolls_exactly_the_pods_that_it_is_about(setting: dict[str, Any], rolled: set[str]) -> None:
    assert changed(recorded(STACK), with_settings(**setting)) == rolled


def test_examples_reach_everyone_because_each_part_has_the_list_of_bundles() -> None:
    assert changed(recorded(STACK), recorded("both, example DAGs")) == EVERYONE


def test_a_changed_example_rolls_only_those_who_run_dags(monkeypatch: pytest.MonkeyPatch) -> None:
    from components.airflow.dags import examples as dags

    files = dags.example_files
    first = recorded("both, example DAGs")
    monkeypatch.setattr(dags, "example_files", lambda context: {**files(context), "hello.py": "# changed\n"})
    second = recorder.run(STACKS["both, example DAGs"])
    assert changed(first, second) == through({"dag-processor", "triggerer", "worker", "task"})


def test_the_same_settings_register_the_same_in_every_run() -> None:
    """No time, no order of sets, no run's own number: an untouched stack previews without changes."""
    first, second = recorded("both, example DAGs"), recorder.run(STACKS["both, example DAGs"])
    assert second.outputs == first.outputs
    assert [a.urn for a, b in zip(first.registrations, second.registrations, strict=True) if a != b] == []


def test_the_order_of_settings_makes_no_difference() -> None:
    options = {"core": {"dagbag_import_timeout": "60", "lazy_load_plugins": "True"}, "api": {"workers": "2"}}
    turned = {section: dict(reversed(values.items())) for section, values in reversed(options.items())}
    first = recorder.run(config("celery", options=options))
    second = recorder.run(dict(reversed(config("celery", options=turned).items())))
    assert (first.error, second.error) == (None, None)
    assert [a.urn for a, b in zip(first.registrations, second.registrations, strict=True) if a != b] == []


def test_an_option_of_the_stack_replaces_the_programs() -> None:
    recording = with_settings(options={"dag_processor": {"min_file_process_interval": "45"}})
    options = options_of(recording, pod_of(recording, "dag-processor"))
    assert options["AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL"] == "45"


def test_options_are_the_ones_that_a_safe_airflow_has() -> None:
    recording = recorded(STACK)
    for pod in pods(recording):
        if not pod.runs_airflow:
            continue
        options = options_of(recording, pod)
        assert options["AIRFLOW__CORE__LOAD_EXAMPLES"] == "False"
        assert options["AIRFLOW__CORE__AUTH_MANAGER"].endswith(".FabAuthManager")
        assert [name for name in options if name.startswith("AIRFLOW__KUBERNETES__")] == []  # T13
        assert options.get("AIRFLOW__CORE__EXECUTOR") == (
            None if pod.part in RUNS_ONCE else "CeleryExecutor,KubernetesExecutor"
        )
    api_server = options_of(recording, pod_of(recording, "api-server"))
    assert api_server["AIRFLOW__API__EXPOSE_CONFIG"] == "False"


@pytest.mark.parametrize(("executor", "name"), [("celery", "CeleryExecutor"), ("kubernetes", "KubernetesExecutor")])
def test_airflow_is_told_the_executor_that_the_stack_chose(executor: str, name: str) -> None:
    recording = recorded(executor)
    assert options_of(recording, pod_of(recording, "scheduler"))["AIRFLOW__CORE__EXECUTOR"] == name
