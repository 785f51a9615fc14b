"""The parser is pure: plain values in, settings or all errors out; without Pulumi, files, PATH and network."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, Final

import pytest

from components.airflow.instance import RESERVED_OPTIONS
from components.settings import parser, stack_config
from components.settings.errors import SettingsError
from tests.unit.recording.stacks import ROOT
from tests.unit.settings.cases import STACKS, cases

MACHINE: Final = frozenset({"cloud_existing: an unknown context", "cloud_existing: an unreadable kubeconfig"})
"""Cases that only a machine shows: they belong to preflight."""


@pytest.mark.parametrize("stack", STACKS)
def test_parsing_needs_no_pulumi_no_environment_and_no_file(stack: str) -> None:
    """A component package for other languages parses values, not config, and has no engine."""
    program = """
import json, sys
from components.settings.parser import parse
opened = []
sys.addaudithook(lambda event, args: opened.append((event, args)) if event in ("open", "socket.connect") else None)
settings = parse(json.load(sys.stdin))
print(json.dumps([settings.cloud.kind, sorted(name for name in sys.modules if name.startswith("pulumi")), len(opened)]))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"PATH": "/nowhere", "HOME": "/nowhere"},
        input=json.dumps(STACKS[stack]),
        check=True,
        capture_output=True,
        text=True,
    )
    assert json.loads(done.stdout) == [stack, [], 0]


@pytest.mark.parametrize("case", cases())
def test_the_parser_reports_every_error_but_those_of_the_machine(case: str) -> None:
    config = cases()[case].config
    values: dict[str, Any] = {
        key.removeprefix("airflow:"): value["secure"] if isinstance(value, dict) and "secure" in value else value
        for key, value in config.items()
    }
    secret = {*cases()[case].secrets}
    texts = {f"airflow:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
    if case in MACHINE:
        parser.parse(stack_config.values(texts), secret=secret, reserved=RESERVED_OPTIONS)
        return
    with pytest.raises(SettingsError) as refused:
        parser.parse(stack_config.values(texts), secret=secret, reserved=RESERVED_OPTIONS)
    lines = [str(error) for error in refused.value.setting_errors]
    machine = ("airflow:cloud.context", "airflow:cloud.kubeconfig")
    assert sorted(lines) == sorted(line for line in cases()[case].report.splitlines() if not line.startswith(machine))


def test_values_are_parsed_as_they_are() -> None:
    values = {**STACKS["existing"], "protect": True, "name": "team", "options": {"core": {"parallelism": "64"}}}
    settings = parser.parse(values)
    assert (settings.protect, settings.name, settings.options["core"]) == (True, "team", {"parallelism": "64"})


@pytest.mark.parametrize(
    ("key", "value"), [("protect", "true"), ("name", 1), ("options", {"core": {"parallelism": 64}})]
)
def test_a_value_of_another_type_is_refused(key: str, value: object) -> None:
    with pytest.raises(SettingsError, match=f"airflow:{key}"):
        parser.parse({**STACKS["existing"], key: value})


def test_a_secret_that_is_not_text_is_refused_without_being_shown() -> None:
    values = {**STACKS["existing"], "metadata_database_url": {"password": "topsecret-value"}}
    with pytest.raises(SettingsError, match="airflow:metadata_database_url") as refused:
        parser.parse(values)
    assert "topsecret-value" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ({"airflow:protect": "true"}, {"protect": True}),
        ({"airflow:protect": "yes"}, {"protect": True}),
        ({"airflow:protect": "maybe"}, {"protect": "maybe"}),
        ({"airflow:name": "123"}, {"name": "123"}),
        ({"airflow:logs": '{"kind": "store", "retention_days": 7}'}, {"logs": {"kind": "store", "retention_days": 7}}),
        ({"airflow:executor": "celery"}, {"executor": "celery"}),
        ({"airflow:tls_certificate": '"text"'}, {"tls_certificate": '"text"'}),
        ({"airflow:flavour": "7"}, {"flavour": "7"}),
        ({"kubernetes:context": "x"}, {}),
    ],
    ids=lambda value: next(iter(value.values()), "nothing") if isinstance(value, dict) else None,
)
def test_the_text_of_config_becomes_values(text: dict[str, str], value: dict[str, object]) -> None:
    assert stack_config.values(text) == value
