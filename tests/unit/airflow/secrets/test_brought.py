"""Keys that a stack brings instead of generated ones."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from tests.unit.recording import recorder
from tests.unit.recording.recorder import Recording
from tests.unit.recording.stacks import config, recorded
from tests.unit.recording.workloads import pods

FERNET: Final = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
BROUGHT: Final = {
    "fernet_key": f" {FERNET},{FERNET}\n",
    "jwt_secret": "jwt-" * 16,
    "api_secret_key": "api-" * 16,
    "broker_password": "broker_password-" * 2,
}
GENERATED: Final = {
    "fernet_key": "airflow-secrets-fernet-key",
    "jwt_secret": "airflow-secrets-jwt-key",
    "api_secret_key": "airflow-secrets-api-key",
    "broker_password": "airflow-secrets-broker-password",
}
"""The resource that generates the value of each key."""


def run(**secrets: str) -> Recording:
    recording = recorder.run(
        {**config("celery+kubernetes"), **{f"airflow:{key}": {"secure": text} for key, text in secrets.items()}}
    )
    assert recording.error is None, recording.error
    return recording


def stored(recording: Recording, purpose: str) -> dict[str, Any]:
    return recording.the("Secret", f"airflow-secrets-{purpose}").plain["stringData"]


def names(recording: Recording) -> set[str]:
    return {found.name for found in recording.registrations}


def test_brought_keys_are_used_and_none_is_generated() -> None:
    recording = run(**BROUGHT)
    assert stored(recording, "fernet") == {"key": f"{FERNET},{FERNET}"}
    assert stored(recording, "jwt") == {"key": BROUGHT["jwt_secret"]}
    assert stored(recording, "api") == {"key": BROUGHT["api_secret_key"]}
    broker = stored(recording, "broker")
    password = BROUGHT["broker_password"]
    assert broker["password"] == password
    assert broker["url"].startswith(f"redis://:{password}@")
    assert f"requirepass {password}\n" in broker["redis.conf"]
    assert names(recorded("celery+kubernetes")) - names(recording) == {*GENERATED.values()}


@pytest.mark.parametrize("key", BROUGHT)
def test_each_key_is_brought_alone(key: str) -> None:
    missing = names(recorded("celery+kubernetes")) - names(run(**{key: BROUGHT[key]}))
    assert missing == {GENERATED[key]}


@pytest.mark.parametrize(
    ("field", "variable", "generated"),
    [
        ("fernet", "AIRFLOW__CORE__FERNET_KEY", "airflow-secrets-fernet"),
        ("jwt", "AIRFLOW__API_AUTH__JWT_SECRET", "airflow-secrets-jwt"),
        ("api", "AIRFLOW__API__SECRET_KEY", "airflow-secrets-api"),
    ],
)
def test_a_key_is_read_from_a_secret_that_exists(field: str, variable: str, generated: str) -> None:
    recording = recorder.run(config("celery", existing_secrets={field: {"name": "of-mine", "key": "its.key"}}))
    assert recording.error is None, recording.error
    assert names(recorded("celery")) - names(recording) == {generated, f"{generated}-key"}
    references = {
        (pod.part, json.dumps(entry["valueFrom"]["secretKeyRef"], sort_keys=True))
        for pod in pods(recording)
        for entry in pod.main.get("env", [])
        if entry["name"] == variable
    }
    readers = {
        pod.part
        for pod in pods(recorded("celery"))
        if any(entry["name"] == variable for entry in pod.main.get("env", []))
    }
    assert {text for _, text in references} == {'{"key": "its.key", "name": "of-mine"}'}
    assert {part for part, _ in references} == readers


def test_another_name_of_an_existing_secret_restarts_its_readers() -> None:
    found = [recorder.run(config("celery", existing_secrets={"jwt": {"name": name}})) for name in ("one", "two")]
    sums = [
        {pod.part: pod.metadata["annotations"]["airflow/checksum"] for pod in pods(recording) if pod.runs_airflow}
        for recording in found
    ]
    assert {part for part in sums[0] if sums[0][part] != sums[1][part]} == {"api-server", "scheduler"}
