"""The program on failing clouds: completed operations are in state, and the next `up` continues."""

from __future__ import annotations

import pytest

from lab.clouds.gcp import tokens as gcp
from tests.engine.cloud_lives import DISABLED, QUOTA
from tests.engine.cloud_stacks import CloudLife

AZURE_DATABASE = "azure-native:dbforpostgresql:Database"
WITHOUT_DATABASE = ("gcp_kubernetes", "azure_celery")


@pytest.mark.parametrize("name", WITHOUT_DATABASE)
def test_a_database_that_is_refused_is_reported_once_in_the_clouds_words(
    name: str, request: pytest.FixtureRequest
) -> None:
    life: CloudLife = request.getfixturevalue(name)
    run = life.runs["up without a database"]
    assert run.code != 0
    [said] = [message for message in run.messages() if QUOTA in message]
    assert "Traceback" not in said
    diagnostics = run.stdout.partition("Diagnostics:")[2]
    assert f"({life.name}-cloud-database-server):" in diagnostics


@pytest.mark.parametrize("name", WITHOUT_DATABASE)
def test_what_was_begun_beside_it_is_finished_and_known(name: str, request: pytest.FixtureRequest) -> None:
    """Resources that are in the cloud but not in state would have to be found and deleted by hand."""
    life: CloudLife = request.getfixturevalue(name)
    step = "up without a database"
    # Other calls are refused as well because of late changes, and repeated.
    [refusal] = [call for call in life.calls[step] if call.op == "create" and QUOTA in call.outcome]
    assert refusal.name == f"{life.name}-cloud-database-server"
    beside = [call for call in life.calls[step] if call.op == "create" and call.ended > refusal.ended]
    assert len(beside) >= 1
    again = {step.urn for step in life.runs["up"].steps("create")}
    held = {item.urn for item in life.held[step].items.values() if item.urn}
    assert len(held) >= 5
    assert sorted(held & again) == []


@pytest.mark.parametrize("name", WITHOUT_DATABASE)
def test_the_same_up_makes_the_rest_when_the_cloud_lets_it(name: str, request: pytest.FixtureRequest) -> None:
    life: CloudLife = request.getfixturevalue(name)
    run = life.runs["up"]
    assert (run.code, run.messages()) == (0, [])
    assert set(run.changes()) == {"create"}
    assert f"{life.name}-cloud-database-server" in run.changes()["create"]


def test_a_new_server_that_refuses_its_first_database_is_asked_again(azure_celery_kubernetes: CloudLife) -> None:
    """It is reported as ready but is still busy; the plugin does not retry."""
    life = azure_celery_kubernetes
    asked = [call.outcome for call in life.calls["up"] if call.op == "create" and call.type == AZURE_DATABASE]
    assert "ServerIsBusy" in asked[0]
    assert asked[1:] == ["ok", "ok"]
    assert (life.runs["up"].code, life.runs["up"].messages()) == (0, [])


def test_a_project_that_cannot_enable_apis_is_told_once_what_to_run(gcp_celery_kubernetes: CloudLife) -> None:
    run = gcp_celery_kubernetes.runs["up without APIs"]
    assert run.code != 0
    [advice] = [message for message in run.messages() if "gcloud" in message]
    assert "`gcloud services enable serviceusage.googleapis.com --project simulated-project`" in advice
    assert any(DISABLED in message for message in run.messages())
    made = {call.type for call in gcp_celery_kubernetes.calls["up without APIs"] if call.outcome == "ok"}
    assert made == set()


def test_a_bucket_whose_making_was_never_answered_is_named_and_not_made_twice(
    gcp_celery_kubernetes: CloudLife,
) -> None:
    """Only a user knows whether it belongs to the stack: `up` continues after the bucket is deleted or imported."""
    life = gcp_celery_kubernetes
    assert life.runs["up with a lost answer"].code != 0
    again = life.runs["up once more"]
    assert again.code != 0
    assert len(life.held["up once more"].of(gcp.BUCKET)) == 1
    said = [message for message in again.messages() if "creating urn" in message or "already" in message]
    assert len(said) == 1
    assert "already own it" in said[0]
    assert f"{life.name}-cloud-logs-bucket" in said[0]
    # All other refusals are late changes, which are awaited.
    refused = [call.outcome for call in life.calls["up once more"] if call.type == gcp.BUCKET and call.op == "create"]
    assert "ok" not in refused
    assert len(refused) == 1
