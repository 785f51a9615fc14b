"""The security properties of both clouds' stacks for production, and what a stack for development may relax."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from typing import Final

import pytest

from tests.unit.cloud.azure import properties as azure
from tests.unit.cloud.gcp import properties as gcp
from tests.unit.cloud.properties import SAME, Row, broken
from tests.unit.recording.recorder import Recording


@dataclass(frozen=True, kw_only=True)
class Properties:
    """What is measured on one cloud."""

    rows: Sequence[Row]
    production: Callable[[], Recording]
    dev: Callable[[], Recording]
    never_relaxed: Set[str]
    """References of what concerns identity, TLS, public data or secrets."""
    relaxed_min: int
    """How many rows dev relaxes at least."""


# fmt: off
CLOUDS: Final = {
    "gcp": Properties(
        rows=gcp.ROWS,
        production=gcp.production,
        dev=gcp.dev,
        never_relaxed={
            "G2", "G3", "G4", "G5", "G6", "G14", "G15", "G21", "G22", "S2", "S3", "S11", "S12", "B1", "B4", "B6",
        },
        relaxed_min=16,
    ),
    "azure": Properties(
        rows=azure.ROWS,
        production=azure.production,
        dev=azure.dev,
        never_relaxed={"A1", "A3", "A4", "A16", "P2", "P4", "T1", "T5", "T8", "T9"},
        relaxed_min=9,
    ),
}
# fmt: on
each_cloud: Final = pytest.mark.parametrize("cloud", CLOUDS)


@each_cloud
def test_a_stack_for_production_has_every_property(cloud: str) -> None:
    assert broken(CLOUDS[cloud].production(), CLOUDS[cloud].rows, relaxed=False) == []


@each_cloud
def test_dev_relaxes_what_it_may_and_nothing_else(cloud: str) -> None:
    assert broken(CLOUDS[cloud].dev(), CLOUDS[cloud].rows, relaxed=True) == []


@each_cloud
def test_a_row_tells_what_is_wrong(cloud: str) -> None:
    """The rule can fail: with dev's values, production breaks every row that dev relaxes."""
    properties = CLOUDS[cloud]
    relaxed = [row for row in properties.rows if row.dev is not SAME and not callable(row.dev)]
    assert len(broken(properties.production(), relaxed, relaxed=True)) >= len(relaxed) >= properties.relaxed_min


@each_cloud
def test_dev_never_relaxes_identity_tls_public_data_or_secrets(cloud: str) -> None:
    never = CLOUDS[cloud].never_relaxed
    assert [row for row in CLOUDS[cloud].rows if row.reference in never and row.dev is not SAME] == []
