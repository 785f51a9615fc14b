"""Invalid settings: one report of all errors, each with key, value, rule and remedy; no resource is registered."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
import yaml

from components.settings import loader, path_programs
from components.settings.errors import SettingsError
from lab.stack_file import FILLED_IN, filled_in
from tests.unit import bad_input, bad_input_conflicts
from tests.unit.bad_input import GIVEN_DATABASE, SECRET, bad
from tests.unit.conftest import kubeconfig_text
from tests.unit.recording import recorder
from tests.unit.recording.recorder import Config, raw
from tests.unit.recording.stacks import AZURE, GCP, ROOT, stack_file

CASES: Final = {**bad_input.CASES, **bad_input_conflicts.CASES}


def setting_errors(stack: Config) -> list[str]:
    """The report's lines, one for each error."""
    texts, secret = raw(stack)
    with pytest.raises(SettingsError) as refused:
        loader.parse(texts, secret=secret)
    first, *lines = str(refused.value).splitlines()
    assert "nothing was created or changed" in first
    assert first.startswith(f"{len(lines)} setting")
    return [line.strip() for line in lines]


@pytest.mark.parametrize("case", CASES)
def test_a_report_names_key_value_rule_and_remedy_of(case: str) -> None:
    stack, key, value, rule, remedy = CASES[case]
    [line] = setting_errors(stack)
    told, _, help_ = line.rpartition("; ")
    assert told.startswith(f"{key}: {value} " if value else f"{key} ")
    assert rule in told
    assert remedy in help_
    assert line.endswith(".")


def test_every_fault_of_a_stack_is_in_one_report() -> None:
    wrong: Config = {
        "airflow:cloud": {
            "kind": "existing",
            "context": "nowhere",
            "storage": "fast",
            "database": {"kind": "external"},
        },
        "airflow:executor": {"kind": "celery", "workers": {"replicas": 0, "memory_mib": "2Gi"}, "task_pods": {}},
        "airflow:name": "Airflow",
        "airflow:image": {"version": "2.10.4", "reference": "apache/airflow"},
        "airflow:logs": {"kind": "volume", "size_gib": 0},
        "airflow:dags": {},
        "airflow:protect": "maybe",
        "airflow:options": {"core": {"executor": "x"}, "celery": {"broker_url": SECRET}},
        "airflow:metadata_database_url": {"secure": SECRET},
        "airflow:flavour": "vanilla",
    }
    lines = setting_errors(wrong)
    assert sorted(line.split(" ")[0].rstrip(":") for line in lines) == sorted(
        [
            "airflow:cloud.context",
            "airflow:cloud.storage",
            "airflow:executor.workers.replicas",
            "airflow:executor.workers.memory_mib",
            "airflow:executor.task_pods",
            "airflow:name",
            "airflow:image.version",
            "airflow:image.reference",
            "airflow:logs.size_gib",
            "airflow:dags.kind",
            "airflow:protect",
            "airflow:options.core.executor",
            "airflow:options.celery.broker_url",
            "airflow:flavour",
        ]
    )
    assert not any(SECRET in line for line in lines)


def test_the_urls_of_a_database_are_checked_beside_other_faults() -> None:
    wrong = {**bad(cloud_with=GIVEN_DATABASE, name="A"), "airflow:metadata_database_url": {"secure": SECRET}}
    lines = setting_errors(wrong)
    assert [line.split(" ")[0].rstrip(":") for line in lines] == [
        "airflow:name",
        "airflow:metadata_database_url",
        "airflow:result_database_url",
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {**bad(), "airflow:metadata_database_ur": {"secure": SECRET}},
        {**bad(), "airflow:image": {"secure": f'{{"password": "{SECRET}"}}'}},
        {**bad(), "airflow:admin": {"secure": f'{{"username": "{SECRET} {SECRET}"}}'}},
        bad(cloud_with={"database": {"kind": "external", "url": f"postgresql://user:{SECRET}@host/database"}}),
        bad(options={"celery": {"broker_url": f"redis://:{SECRET}@host"}}),
        {**bad(cloud_with=GIVEN_DATABASE), "airflow:metadata_database_url": {"secure": f"postgresql://u:{SECRET}@"}},
    ],
    ids=["misspelt", "section", "value", "URL in the clear", "option", "URL"],
)
def test_a_report_never_shows_a_secret(wrong: Config) -> None:
    lines = setting_errors(wrong)
    assert lines
    assert not any(SECRET in line for line in lines)


SHIPPED: Final = [
    *(ROOT / f"Pulumi.{name}.yaml" for name in ("dev", "prod")),
    *sorted((ROOT / "docs/stacks").glob("*.yaml")),
]


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_a_shipped_file_of_a_cloud_is_refused_until_each_example_in_it_is_replaced(file: Path) -> None:
    """Created with an example, a cluster refuses its operator when everything in it has been paid for."""
    text = file.read_text()
    lines = setting_errors(yaml.safe_load(text)["config"])
    told = [line.split("'")[1] for line in lines]
    assert sorted(told) == sorted(example for example in FILLED_IN for _ in range(text.count(f" {example}\n")))
    assert told
    loader.parse(*raw(filled_in(yaml.safe_load(text)["config"]))[:1])


@pytest.mark.parametrize("cloud", [GCP, AZURE], ids=lambda cloud: cloud["kind"])
def test_a_missing_login_program_is_refused_with_the_way_to_get_it(
    cloud: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    program, remedy = path_programs.LOGIN[cloud["kind"]]
    [line] = setting_errors(bad(cloud=cloud))
    assert line == (
        f"airflow:cloud.kind: '{cloud['kind']}' needs the program {program}, which logs in to its cluster and is not "
        f"on PATH; {remedy}."
    )
    (tmp_path / program).touch(mode=0o755)
    loader.parse(raw(bad(cloud=cloud))[0])


@pytest.mark.parametrize(
    ("section", "option", "value"),
    [
        ("smtp", "smtp_password_secret", "smtp/password"),
        ("smtp", "smtp_password_cmd", "cat /run/password"),
        ("secrets", "backend_kwargs", '{"connections_prefix": "airflow-connections", "vault_url": "https://x"}'),
        ("secrets", "backend_kwargs_secret", "backend"),
        ("core", "max_active_tasks_per_dag", "64"),
        ("api", "instance_name", "Data: ours"),
    ],
)
def test_an_option_that_holds_no_secret_is_accepted(section: str, option: str, value: str) -> None:
    settings = loader.parse(raw(bad(options={section: {option: value}}))[0])
    assert settings.options == {section: {option: value}}


@pytest.mark.parametrize("case", ["an unknown key", "a kind alone", "airflow 2", "an unknown context", "no cloud"])
def test_nothing_is_registered_when_settings_are_refused(case: str) -> None:
    recording = recorder.run(CASES[case][0])
    assert isinstance(recording.error, SettingsError)
    assert recording.registrations == ()
    assert recording.outputs == {}


def test_a_kubernetes_that_is_too_old_is_refused_before_anything_is_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.kubernetes.kubeconfig.Kubeconfig.served_version", lambda *_: (1, 29))
    stack = bad()
    [line] = setting_errors(stack)
    assert line.startswith("airflow:cloud.context: 'test' runs Kubernetes 1.29, below 1.30, the least")
    assert "upgrade the cluster" in line
    assert recorder.run(stack).registrations == ()


@pytest.mark.parametrize("version", [(1, 30), (1, 34), (2, 0), None])
def test_a_kubernetes_that_is_new_enough_or_does_not_answer_is_accepted(
    version: tuple[int, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.kubernetes.kubeconfig.Kubeconfig.served_version", lambda *_: version)
    loader.parse(raw(bad())[0])


def test_keys_of_other_projects_are_none_of_ours() -> None:
    loader.parse(raw({**bad(), "kubernetes:context": "x", "other:cloud": "y"})[0])


@pytest.mark.parametrize("stack", ["local", "dev", "prod"])
def test_the_projects_own_stack_files_have_the_shape_of_settings(stack: str) -> None:
    texts, secret = raw(stack_file(stack))
    loader.parse(texts, secret=secret)


@pytest.mark.parametrize(
    ("cloud", "kind"),
    [({"kind": "existing"}, "volume"), (GCP, "store"), (AZURE, "store")],
    ids=["local", "gcp", "azure"],
)
def test_task_logs_outlive_their_pods_unless_a_stack_says_otherwise(cloud: Config, kind: str) -> None:
    assert loader.parse(raw(bad(kind="kubernetes", cloud=cloud))[0]).task_logs.kind == kind
    assert loader.parse(raw(bad(cloud=cloud, logs={"kind": "worker"}))[0]).task_logs.kind == "worker"


def test_the_first_kubeconfig_of_several_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text(kubeconfig_text("https://127.0.0.1:1"))
    second.write_text(yaml.safe_dump({"clusters": [], "contexts": []}))
    monkeypatch.setenv("KUBECONFIG", f"{first}:{second}")
    loader.parse(raw(bad())[0])
    monkeypatch.setenv("KUBECONFIG", f"{second}:{first}")
    assert "has no current context; the file has none" in setting_errors(bad())[0]
