"""Security properties of a stack on Google Cloud."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import pytest

from tests.unit.cloud.gcp.properties import DIFFERENT, OPTIONS, ROWS, SAME, Row
from tests.unit.recording import recorder, stacks_gcp
from tests.unit.recording.recorder import Recording
from tests.unit.recording.stacks_gcp import STACKS, recorded

REFERENCES: Final = {
    *(f"G{number}" for number in range(1, 24)),
    *(f"S{number}" for number in range(1, 13)),
    *(f"B{number}" for number in range(1, 7)),
}
PRODUCTION: Final = "gcp, production"
PRODUCTION_STACK: Final = stacks_gcp.config(
    "celery",
    dags={"kind": "share", "size_gib": 1024},
    protect="true",
)
"""Only protection is set: paid features are on by default."""


@pytest.fixture(scope="module")
def production() -> Recording:
    recording = recorder.run(PRODUCTION_STACK)
    assert recording.error is None, recording.error
    return recording


@pytest.fixture(scope="module")
def dev() -> Recording:
    """The project's own stack file, with an additional share."""
    recording = recorder.run({**STACKS["gcp, stack file dev"], "airflow:dags": {"kind": "share", "size_gib": 1024}})
    assert recording.error is None, recording.error
    return recording


def at(value: Any, path: str) -> Any:
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def broken(recording: Recording, rows: Iterable[Row], *, relaxed: bool) -> list[str]:
    offenders = []
    for row in rows:
        wanted = row.dev if relaxed and row.dev is not SAME else row.prod
        found = recording.of_cloud(row.type)
        assert found, f"{row.reference}: no {row.type}"
        for resource in found:
            value = at(resource.plain, row.path)
            if not (wanted(value) if callable(wanted) else value == wanted):
                offenders.append(f"{row.reference}: {resource.name}: {row.path} is {value!r}")
    return offenders


def test_a_stack_for_production_has_every_property(production: Recording) -> None:
    assert broken(production, ROWS, relaxed=False) == []


def test_dev_relaxes_what_it_may_and_nothing_else(dev: Recording) -> None:
    assert broken(dev, ROWS, relaxed=True) == []


def test_a_stack_that_asks_for_an_option_has_it() -> None:
    assert broken(recorded("gcp, protected with everything"), OPTIONS, relaxed=False) == []


def test_every_property_has_a_row() -> None:
    assert {row.reference for row in (*ROWS, *OPTIONS)} == REFERENCES
    assert DIFFERENT.keys() <= REFERENCES


def test_a_row_tells_what_is_wrong(production: Recording) -> None:
    """The rule can fail: with dev's values, production breaks every row that dev relaxes."""
    relaxed = [row for row in ROWS if row.dev is not SAME and not callable(row.dev)]
    assert len(broken(production, relaxed, relaxed=True)) >= len(relaxed) > 15


def test_dev_never_relaxes_identity_tls_public_data_or_secrets() -> None:
    never = {"G2", "G3", "G4", "G5", "G6", "G14", "G15", "G21", "G22", "S2", "S3", "S11", "S12", "B1", "B4", "B6"}
    assert [row for row in ROWS if row.reference in never and row.dev is not SAME] == []


def test_nobody_has_a_role_of_the_whole_project_but_the_nodes_their_one() -> None:
    """B4, G5: neither editor nor owner, and no key for a service account anywhere."""
    for stack in STACKS:
        recording = recorded(stack)
        members = [
            f
            for f in recording.registrations
            if f.type == "gcp:projects/iAMMember:IAMMember" and "condition" not in f.plain
        ]
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
    free = recorder.run({**PRODUCTION_STACK, "airflow:protect": "false"})
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
