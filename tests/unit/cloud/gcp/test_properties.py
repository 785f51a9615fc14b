"""Security properties of a stack on Google Cloud."""

from __future__ import annotations

from typing import Final

import pytest

from tests.unit.cloud.gcp import properties
from tests.unit.cloud.gcp.properties import DIFFERENT, OPTIONS, ROWS
from tests.unit.cloud.properties import at, broken
from tests.unit.recording import recorder
from tests.unit.recording.recorder import Recording
from tests.unit.recording.stacks_gcp import STACKS, recorded

REFERENCES: Final = {
    *(f"G{number}" for number in range(1, 24)),
    *(f"S{number}" for number in range(1, 13)),
    *(f"B{number}" for number in range(1, 7)),
}


@pytest.fixture
def production() -> Recording:
    return properties.production()


def test_a_stack_that_asks_for_an_option_has_it() -> None:
    assert broken(recorded("gcp, protected with everything"), OPTIONS, relaxed=False) == []


def test_every_property_has_a_row() -> None:
    assert {row.reference for row in (*ROWS, *OPTIONS)} == REFERENCES
    assert DIFFERENT.keys() <= REFERENCES


def test_nobody_has_a_role_of_the_whole_project_but_the_nodes_and_those_who_run_jobs() -> None:
    """B4, G5: neither editor nor owner, and no key for a service account anywhere. Jobs have roles on projects only."""
    for stack in STACKS:
        recording = recorded(stack)
        members = [
            f
            for f in recording.registrations
            if f.type == "gcp:projects/iAMMember:IAMMember" and "condition" not in f.plain
        ]
        jobs = [f for f in members if f.name.endswith("-jobs")]
        assert {f.plain["role"] for f in jobs} <= {"roles/bigquery.jobUser"}
        assert bool(jobs) == bool(recording.of_cloud("Dataset"))
        members = [f for f in members if f not in jobs]
        [nodes] = [f for f in recording.registrations if f.name.endswith("-node-identity-account")]
        assert {f.plain["member"] for f in members} == {f"serviceAccount:{nodes.outputs['email']}"}
        assert {f.plain["role"] for f in members} == {"roles/container.defaultNodeServiceAccount"}
        assert recording.of_cloud("Key", "HmacKey") == []


def test_no_firewall_rule_lets_the_world_in() -> None:
    for stack in STACKS:
        assert recorded(stack).of_cloud("Firewall") == []


def test_one_switch_protects_everything_that_holds_data_in_engine_and_cloud(production: Recording) -> None:
    kept = {
        "airflow-cloud-broker-disk",
        "airflow-cloud-cluster-gke",
        "airflow-cloud-dags-share-share",
        "airflow-cloud-database-metadata",
        "airflow-cloud-database-results",
        "airflow-cloud-database-server",
        "airflow-cloud-logs-bucket",
    }
    assert {f.name for f in production.registrations if f.protect and f.name.startswith("airflow-cloud")} == kept
    free = recorder.run({**properties.PRODUCTION_STACK, "airflow:protect": "false"})
    assert [f.name for f in free.registrations if f.protect] == []
    switches = {
        "airflow-cloud-cluster-gke": ("deletionProtection",),
        "airflow-cloud-dags-share-share": ("deletionProtectionEnabled",),
        "airflow-cloud-database-server": ("deletionProtection", "settings.deletionProtectionEnabled"),
    }
    for recording, expected in ((production, True), (free, False)):
        for name, paths in switches.items():
            [found] = [f for f in recording.registrations if f.name == name]
            assert {at(found.plain, path) for path in paths} == {expected}
