"""Order of replacements on Google Cloud, and omitted fields of shares."""

from __future__ import annotations

import pytest

from tests.unit.recording import recorder
from tests.unit.recording.recorder import plain
from tests.unit.recording.stacks_gcp import SHARES, config, recorded


def test_nodes_and_certificates_go_when_their_successors_are_there() -> None:
    """The plugin deletes resources with explicit names first: a cluster without nodes, a host without HTTPS."""
    recording = recorded("gcp, protected with everything")
    first = [
        found for found in recording.registrations if found.kind in ("NodePool", "Certificate", "CertificateMapEntry")
    ]
    assert len(first) == 2 + 2 + 2
    assert [found.name for found in first if not found.create_before_delete] == []


@pytest.mark.parametrize(
    ("tier", "size", "asked"), [("basic_hdd", 1024, None), ("basic_ssd", 2560, None), ("regional", 1024, True)]
)
def test_a_share_is_asked_for_protection_where_its_tier_has_it(tier: str, size: int, asked: bool | None) -> None:
    """The API refuses the others."""
    shares = {**SHARES, "logs": {"kind": "volume", "size_gib": size}, "dags": [{"kind": "share", "size_gib": size}]}
    recording = recorder.run(config("kubernetes", cloud_with={"shares": {"tier": tier}}, protect="true", **shares))
    found = [plain(each.inputs) for each in recording.registrations if each.type.startswith("gcp:filestore")]
    assert [share.get("deletionProtectionEnabled") for share in found] == [asked, asked]
