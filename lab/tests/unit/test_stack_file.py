"""A demonstration changes only account-specific values of a stack file."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from lab.errors import LabError
from lab.paths import PROJECT
from lab.stack_file import CPU_MILLI, FILLED_IN, StackFile

SIMULATED = ["dev", "prod", *(str(path.relative_to(PROJECT)) for path in (PROJECT / "docs/stacks").glob("*.yaml"))]


def config(text: str) -> dict[str, Any]:
    return dict(yaml.safe_load(text)["config"])


def texts(value: Any, key: str = "") -> dict[str, Any]:
    """All values by key."""
    if not isinstance(value, dict | list):
        return {key: value}
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    return {name: text for step, inner in pairs for name, text in texts(inner, f"{key}.{step}").items()}


@pytest.mark.parametrize("name", SIMULATED)
def test_a_stack_of_a_cloud_gets_a_simulated_account_and_is_otherwise_as_it_stands(name: str) -> None:
    file = StackFile.named(name)
    assert file.simulated
    before, after = texts(config(file.path.read_text())), texts(config(file.text()))
    assert before.keys() == after.keys()
    changed = {key: (before[key], after[key]) for key in before if before[key] != after[key]}
    assert changed
    assert set(changed.values()) <= set(FILLED_IN.items())


@pytest.mark.parametrize("name", SIMULATED)
def test_examples_and_protection_change_by_their_own_keys_alone(name: str) -> None:
    file = StackFile.named(name)
    before, after = config(file.text()), config(file.text(examples=True, protect=False))
    clouds = [place.pop("airflow:cloud") for place in (before, after)]
    assert {key for key in clouds[0] if clouds[0][key] != clouds[1].get(key)} <= {"production_data"}
    assert not clouds[1].get("production_data") or not file.protected
    changed = {key for key in texts(after) if texts(after)[key] != texts(before).get(key)}
    requests = {key for key in changed if key.endswith(".cpu_milli")}
    assert {texts(after)[key] for key in requests} == {CPU_MILLI}
    assert changed - requests <= {".airflow:example_dags", ".airflow:protect"}
    assert after["airflow:example_dags"] is True
    assert after.get("airflow:protect") in (False, None)


def test_the_local_stack_is_its_file_to_the_letter() -> None:
    file = StackFile.named("local")
    assert not file.simulated
    assert file.text(examples=True, protect=False) == (PROJECT / "Pulumi.local.yaml").read_text()


def test_a_sample_is_named_after_its_file() -> None:
    assert StackFile.named("docs/stacks/gcp-kubernetes.yaml").name == "gcp-kubernetes"
    assert StackFile.named(str(PROJECT / "Pulumi.prod.yaml")).name == "prod"


@pytest.mark.parametrize("name", ["nothing", "docs/stacks/nothing.yaml"])
def test_a_stack_without_a_file_is_refused_with_the_files_name(name: str) -> None:
    with pytest.raises(LabError, match=r"nothing\.yaml"):
        StackFile.named(name)
