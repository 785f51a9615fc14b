"""The arithmetic of the benchmark."""

from __future__ import annotations

from benchmarks.clouds import critical_path
from lab.clouds.journal import Call


def call(name: str, seconds: float, outcome: str = "ok") -> Call:
    urn = f"urn:pulumi:dev::airflow::x::{name}"
    return Call(op="create", type="x", id=name, urn=urn, started=0, ended=0, outcome=outcome, seconds=seconds)


def resource(name: str, *dependencies: str, parent: str = "", provider: str = "") -> dict[str, object]:
    def urn(each: str) -> str:
        return f"urn:pulumi:dev::airflow::x::{each}"

    return {
        "urn": urn(name),
        "dependencies": [urn(each) for each in dependencies],
        **({"parent": urn(parent)} if parent else {}),
        **({"provider": f"{urn(provider)}::the-id"} if provider else {}),
    }


def test_the_longest_chain_runs_through_dependencies_parents_and_providers() -> None:
    resources = [
        resource("root"),
        resource("network", parent="root"),
        resource("database", "network"),
        resource("cluster", "network"),
        resource("nodes", parent="cluster"),
        resource("kubernetes", "nodes"),
        resource("namespace", provider="kubernetes"),
    ]
    calls = [call("network", 10), call("database", 60), call("cluster", 40), call("nodes", 25), call("namespace", 1)]
    assert critical_path(resources, calls) == 10 + 40 + 25 + 1


def test_a_refused_call_is_no_part_of_a_chain() -> None:
    assert critical_path([resource("network")], [call("network", 500, "error"), call("network", 10)]) == 10
