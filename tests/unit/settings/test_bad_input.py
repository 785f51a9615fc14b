"""Invalid settings: one report of all errors, each with key, value, rule and remedy; no resource is registered."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pytest
import yaml

from components.airflow.instance import RESERVED_OPTIONS
from components.settings import loader, preflight
from components.settings.errors import SettingsError
from lab.stack_file import FILLED_IN, filled_in
from tests.unit.conftest import kubeconfig_text
from tests.unit.recording import recorder
from tests.unit.recording.recorder import Config, raw
from tests.unit.recording.stacks import AZURE, GCP, ROOT, config, stack_file
from tests.unit.settings.cases import cases

SECRET: Final = "topsecret-value"


def setting_errors(stack: Config) -> list[str]:
    """The report's lines, one for each error."""
    texts, secret = raw(stack)
    with pytest.raises(SettingsError) as refused:
        loader.read(texts, secret=secret, reserved=RESERVED_OPTIONS)
    first, *lines = str(refused.value).splitlines()
    assert "nothing was created or changed" in first
    assert first.startswith(f"{len(lines)} setting")
    return [line.strip() for line in lines]


@pytest.mark.parametrize("case", cases())
def test_the_report_is_the_one_of(case: str) -> None:
    lines = [line.replace(os.environ["KUBECONFIG"], "KUBECONFIG") for line in setting_errors(cases()[case].config)]
    assert sorted(lines) == sorted(cases()[case].report.splitlines())


@pytest.mark.parametrize("case", cases())
def test_each_line_of_a_report_has_key_rule_and_remedy_and_no_secret(case: str) -> None:
    lines = cases()[case].report.splitlines()
    assert [line for line in lines if not (line.startswith("airflow:") and "; " in line and line.endswith("."))] == []
    assert [
        line for line in lines if SECRET in line or any(text in line for text in cases()[case].secrets.values())
    ] == []


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
    loader.read(*raw(filled_in(yaml.safe_load(text)["config"]))[:1])


@pytest.mark.parametrize("cloud", [GCP, AZURE], ids=lambda cloud: cloud["kind"])
def test_a_missing_login_program_is_refused_with_the_way_to_get_it(
    cloud: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    program, remedy = preflight.LOGIN[cloud["kind"]]
    [line] = setting_errors(config("celery", cloud=cloud))
    assert line == (
        f"airflow:cloud.kind: '{cloud['kind']}' needs the program {program}, which logs in to its cluster and is not "
        f"on PATH; {remedy}."
    )
    (tmp_path / program).touch(mode=0o755)
    loader.read(raw(config("celery", cloud=cloud))[0])


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
    settings = loader.read(raw(config("celery", options={section: {option: value}}))[0])
    assert settings.options == {section: {option: value}}


@pytest.mark.parametrize(
    "case",
    [
        "stack: an unknown key",
        "executor: a kind alone",
        "image: airflow 2",
        "cloud_existing: an unknown context",
        "cloud_existing: no cloud",
        "cloud_gcp: a zone outside its region",
    ],
)
def test_nothing_is_registered_when_settings_are_refused(case: str) -> None:
    recording = recorder.run(cases()[case].config)
    assert isinstance(recording.error, SettingsError)
    assert recording.registrations == ()
    assert recording.outputs == {}


def test_a_kubernetes_that_is_too_old_is_refused_before_anything_is_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.kubernetes.kubeconfig.Kubeconfig.served_version", lambda *_: (1, 29))
    stack = config("celery")
    [line] = setting_errors(stack)
    assert line.startswith("airflow:cloud.context: 'test' runs Kubernetes 1.29, below 1.30, the minimum")
    assert "upgrade the cluster" in line
    assert recorder.run(stack).registrations == ()


@pytest.mark.parametrize("version", [(1, 30), (1, 34), (2, 0), None])
def test_a_kubernetes_that_is_new_enough_or_does_not_answer_is_accepted(
    version: tuple[int, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.kubernetes.kubeconfig.Kubeconfig.served_version", lambda *_: version)
    loader.read(raw(config("celery"))[0])


def test_an_image_as_a_volume_needs_a_kubernetes_that_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    volume = {"kind": "oci", "name": "team", "reference": "dags:1", "mount": {"kind": "image_volume"}}
    stack = config("celery", dags=[{"kind": "image"}, volume])
    served: list[tuple[int, int] | None] = [(1, 35), (2, 0), None]
    for version in served:
        monkeypatch.setattr("components.kubernetes.kubeconfig.Kubeconfig.served_version", lambda *_, v=version: v)
        loader.read(raw(stack)[0])
    monkeypatch.setattr("components.kubernetes.kubeconfig.Kubeconfig.served_version", lambda *_: (1, 34))
    assert setting_errors(stack) == [
        "airflow:dags[1].mount.kind: 'image_volume' requires Kubernetes 1.35, and the cluster runs 1.34; "
        'choose kind "copy", or upgrade the cluster.'
    ]
    loader.read(raw(config("celery", dags=[{"kind": "oci", "reference": "dags:1"}]))[0])


def test_keys_of_other_projects_are_none_of_ours() -> None:
    loader.read(raw({**config("celery"), "kubernetes:context": "x", "other:cloud": "y"})[0])


@pytest.mark.parametrize("stack", ["local", "dev", "prod"])
def test_the_projects_own_stack_files_have_the_shape_of_settings(stack: str) -> None:
    texts, secret = raw(stack_file(stack))
    loader.read(texts, secret=secret)


@pytest.mark.parametrize(
    ("cloud", "kind"),
    [({"kind": "existing"}, "volume"), (GCP, "store"), (AZURE, "store")],
    ids=["local", "gcp", "azure"],
)
def test_task_logs_outlive_their_pods_unless_a_stack_says_otherwise(cloud: Config, kind: str) -> None:
    assert loader.read(raw(config("kubernetes", cloud=cloud))[0]).task_logs.kind == kind
    assert loader.read(raw(config("celery", cloud=cloud, logs={"kind": "worker"}))[0]).task_logs.kind == "worker"


def test_the_first_kubeconfig_of_several_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text(kubeconfig_text("https://127.0.0.1:1"))
    second.write_text(yaml.safe_dump({"clusters": [], "contexts": []}))
    monkeypatch.setenv("KUBECONFIG", f"{first}:{second}")
    loader.read(raw(config("celery"))[0])
    monkeypatch.setenv("KUBECONFIG", f"{second}:{first}")
    assert "has no current context; the file has none" in setting_errors(config("celery"))[0]
