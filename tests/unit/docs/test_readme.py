"""The README: short, with pictures, and with the prices that the program computes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from components.pricing.estimate import price_of
from operations import stack_file
from tests.unit.recording.stacks import ROOT

TEXT = (ROOT / "README.md").read_text()
PRICED = re.compile(r"^\| `([\w./-]+\.yaml)` \|[^|]*\| (\$[\d,]+) to (\$[\d,]+) \|$", re.MULTILINE)


def test_it_fits_on_a_few_screens_with_a_picture_and_a_diagram() -> None:
    assert len(TEXT.splitlines()) <= 150
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", TEXT)
    assert pictures
    assert all((ROOT / path).exists() for path in pictures)
    assert "```mermaid" in TEXT


def test_it_names_the_price_of_each_cloud_that_it_starts() -> None:
    assert {file for file, _, _ in PRICED.findall(TEXT)} == {
        "Pulumi.dev.yaml",
        "Pulumi.prod.yaml",
        "docs/stacks/azure-celery.yaml",
    }


@pytest.mark.parametrize(("file", "least", "most"), PRICED.findall(TEXT))
def test_its_prices_are_those_of_the_price_list(file: str, least: str, most: str) -> None:
    price = price_of(stack_file.settings(Path(ROOT / file)))
    assert (f"${price.monthly_min:,.0f}", f"${price.monthly_max:,.0f}") == (least, most)
