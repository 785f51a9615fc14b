"""The diagrams of the shipped stacks show what the program registers."""

from __future__ import annotations

import re

import pytest

from docs import diagrams
from tests import diagrams as drawn
from tests.unit.recording.stacks import ROOT

BOX = re.compile(r'^\s+(?:subgraph )?(\w+)\["[^"]+"\]$', re.MULTILINE)


def node(name: str, parent: str = "", *waits: str, component: bool = False) -> diagrams.Node:
    return diagrams.Node(
        urn=name, parent=parent, type="a:b:Kind", name=name, component=component, dependencies=frozenset(waits)
    )


@pytest.mark.parametrize("file", drawn.SHIPPED)
def test_a_page_is_up_to_date_and_shows_every_resource_once(file: str) -> None:
    recording = drawn.recorded(drawn.SHIPPED[file])
    text = (drawn.FOLDER / f"{drawn.name(file)}.md").read_text()
    assert text == diagrams.page(drawn.name(file), file, drawn.graph(recording)), "run: make diagrams"
    boxes = sorted(BOX.findall(text))
    assert boxes == sorted(found.id for found in drawn.graph(recording).nodes)
    assert len(set(boxes)) == len(boxes) == len(recording.registrations)


def test_every_shipped_stack_file_has_a_page_and_there_are_no_others() -> None:
    files = {
        path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("Pulumi.*.yaml"), *ROOT.glob("docs/stacks/*.yaml"))
    }
    assert drawn.SHIPPED.keys() == files
    expected = {drawn.INDEX, *(f"{drawn.name(file)}.md" for file in files)}
    assert {path.name for path in drawn.FOLDER.iterdir()} == expected
    assert (drawn.FOLDER / drawn.INDEX).read_text() == drawn.index(), "run: make diagrams"


def test_components_are_boxes_and_only_arrows_that_others_do_not_imply_are_drawn() -> None:
    graph = diagrams.Graph(
        [
            node("cloud", component=True),
            node("cloud-a", "cloud", component=True),
            node("cloud-b", "cloud", component=True),
            node("cloud-c", "cloud", component=True),
            node("cloud-a-disk", "cloud-a"),
            node("cloud-b-disk", "cloud-b", "cloud-a-disk"),
            node("cloud-c-disk", "cloud-c", "cloud-a-disk", "cloud-b-disk"),
            node("cloud-name", "cloud"),
            node("cloud-suffix", "cloud"),
        ]
    )
    assert (
        diagrams.flowchart(graph, graph.roots()[0])
        == """\
```mermaid
flowchart LR
    subgraph Kind__cloud["cloud"]
        direction TB
        Kind__cloud_name["name<br/>Kind"]
        Kind__cloud_suffix["suffix<br/>Kind"]
        subgraph Kind__cloud_a["a"]
            direction TB
            Kind__cloud_a_disk["disk<br/>Kind"]
        end
        subgraph Kind__cloud_b["b"]
            direction TB
            Kind__cloud_b_disk["disk<br/>Kind"]
        end
        subgraph Kind__cloud_c["c"]
            direction TB
            Kind__cloud_c_disk["disk<br/>Kind"]
        end
        Kind__cloud_name ~~~ Kind__cloud_suffix
    end
    Kind__cloud_b --> Kind__cloud_a
    Kind__cloud_c --> Kind__cloud_b
```"""
    )
