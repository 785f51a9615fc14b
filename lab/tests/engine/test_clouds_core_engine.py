"""Simulated clouds under the real engine: complete life cycles, faults during creation, drift."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.clouds.gcp import tokens
from lab.engine.launcher import CLOUDS
from lab.engine.toolchain import Toolchain
from lab.testing.cloud_program import CloudTrial, cloud_trial, declared, output_of, secret
from lab.testing.gcp import PROJECT, REGION, inputs

PASSWORD = "correct-horse-battery-staple"


@pytest.fixture
def trial(engine: Any, python: dict[str, str], tmp_path: Path) -> Callable[..., CloudTrial]:
    def make(resources: dict[str, Any], tools: Toolchain = engine.tools) -> CloudTrial:
        config = {"project": PROJECT, "region": REGION}
        made = cloud_trial(tools, python, tmp_path / "trial", "gcp", config, enabled=["compute", "sqladmin"])
        return made.declare(resources)

    return make


def _network(*, protect: bool = False) -> dict[str, Any]:
    api = {"service": "compute.googleapis.com", "disableOnDestroy": False}
    return {
        "api": declared(tokens.SERVICE, api),
        "network": declared(tokens.NETWORK, {}, outputs=["name"], after=["api"], protect=protect),
    }


def _subnet(name: str, third: int) -> dict[str, Any]:
    found = {"network": output_of("network", "name"), "region": REGION, "ipCidrRange": f"10.0.{third}.0/24"}
    return {name: declared(tokens.SUBNETWORK, found, outputs=["name"])}


def test_a_stack_lives_from_preview_to_destroy_and_leaves_nothing(trial: Callable[..., CloudTrial]) -> None:
    sql = declared(tokens.SERVICE, {"service": "sqladmin.googleapis.com", "disableOnDestroy": False})
    public = inputs(tokens.SERVER, settings__ipConfiguration={"ipv4Enabled": True})
    server = declared(tokens.SERVER, public, outputs=["name"], after=["sql"])
    user = {"name": "a", "instance": output_of("server", "name"), "password": secret(PASSWORD)}
    user = declared(tokens.USER, {**user, "deletionPolicy": "ABANDON"})
    made = trial({**_network(), **_subnet("nodes", 0), "sql": sql, "server": server, "user": user})

    planned = made.stack.preview().changes()["create"]
    assert made.inventory.read().items == {}
    assert made.stack.up().changes()["create"] == planned
    assert made.names() == made.recorded() == planned - {"cloud"}
    made.stack.preview("--expect-no-changes")
    made.stack.refresh("--expect-no-changes")
    made.stack.preview("--expect-no-changes")

    kept = "".join(path.read_text() for path in made.inventory.folder.iterdir())
    assert PASSWORD not in kept + json.dumps(made.stack.state())
    assert made.inventory.path.stat().st_mode & 0o077 == made.journal.path.stat().st_mode & 0o077 == 0

    made.stack.destroy()
    assert made.inventory.read().items == {}
    deleted = [call.name for call in made.journal.calls("delete")]
    assert deleted.index("nodes") < deleted.index("network") < deleted.index("api")


def test_after_a_crash_and_a_refusal_the_same_command_makes_what_is_missing(
    trial: Callable[..., CloudTrial],
) -> None:
    made = trial({**_network(), **_subnet("one", 1), **_subnet("two", 2)})
    made.plan({"op": "create", "type": tokens.NETWORK, "kind": "crash"})
    assert made.stack.up(check=False).code != 0
    assert made.recorded() == {"api"}
    words = "Quota 'SUBNETWORKS' exceeded. Limit: 1.0 globally."
    made.plan({"op": "create", "type": tokens.SUBNETWORK, "nth": 2, "kind": "error", "code": 403, "message": words})
    run = made.stack.up(check=False)
    assert run.code != 0
    assert [words in message for message in run.messages() if "creating" in message] == [True]
    assert made.names() == made.recorded()
    assert {"network", "api"} < made.names()
    assert len(made.names() & {"one", "two"}) == 1
    missing = {"one", "two"} - made.names()
    assert made.stack.up().changes() == {"create": missing}
    made.stack.preview("--expect-no-changes")


@pytest.mark.parametrize("kind", ["partial", "lost", "crash"])
def test_what_was_made_without_an_answer_is_never_made_twice(trial: Callable[..., CloudTrial], kind: str) -> None:
    network = declared(tokens.NETWORK, {"name": "net"}, outputs=["name"], after=["api"])
    made = trial({**_network(), "network": network})
    made.plan({"op": "create", "type": tokens.NETWORK, "kind": kind, "after": True, "message": "it did not get ready"})
    assert made.stack.up(check=False).code != 0
    assert made.names() == {"api", "network"}
    again = made.stack.up(check=False)
    assert len(made.inventory.read().of(tokens.NETWORK)) == 1
    if kind == "partial":
        # It is in state, and the engine updates it to the program's inputs.
        assert again.code == 0
        assert made.stack.preview().changes() == {}
    else:
        assert any("already exists" in message for message in again.messages())
        assert "network" not in made.recorded()


def test_drift_shows_after_a_refresh_unless_it_is_ignored(trial: Callable[..., CloudTrial]) -> None:
    found = {**_network(), **_subnet("one", 1), **_subnet("two", 2)}
    drifting = {"routingMode": "REGIONAL", "mtu": 1460}
    found["network"] = declared(tokens.NETWORK, drifting, outputs=["name"], after=["api"], ignore=["mtu"])
    made = trial(found)
    made.stack.up()
    world = made.inventory.read()
    network = world.of(tokens.NETWORK)[0].id
    made.inventory.drift(network, "mtu", 1500)
    made.stack.refresh()
    made.stack.preview("--expect-no-changes")
    made.inventory.drift(network, "routingMode", "GLOBAL")
    made.inventory.forget(next(item.id for item in world.of(tokens.SUBNETWORK) if item.urn.endswith("::two")))
    made.stack.refresh()
    assert made.stack.up().changes() == {"update": {"network"}, "create": {"two"}}
    after = made.inventory.read().of(tokens.NETWORK)[0].inputs
    assert (after["routingMode"], after["mtu"]) == ("REGIONAL", 1500)


def test_a_protected_stack_is_not_touched_by_a_destroy(trial: Callable[..., CloudTrial]) -> None:
    made = trial({**_network(protect=True), **_subnet("one", 1)})
    made.stack.up()
    before = made.inventory.path.read_text()
    # Including the preview, as by default.
    assert made.stack.pulumi("destroy", "--yes", "--stack", "test", check=False).code != 0
    assert made.inventory.path.read_text() == before


def test_missing_credentials_stop_a_preview_with_what_to_run(trial: Callable[..., CloudTrial]) -> None:
    made = trial(_network())
    words = "No credentials loaded. To use your gcloud credentials, run 'gcloud auth application-default login'"
    made.plan({"op": "configure", "type": "gcp", "kind": "error", "message": words})
    run = made.stack.preview(check=False)
    assert run.code != 0
    assert words in run.stdout + run.stderr


def test_simulated_clouds_are_installed_only_when_asked_for(engine: Any, tmp_path: Path) -> None:
    from lab.engine.environment import environment

    for asked in (False, True):
        home = Path(environment(state=tmp_path / str(asked), tools=engine.tools, simulated_clouds=asked)["PULUMI_HOME"])
        found = {path.name.split("-v")[0].removeprefix("resource-") for path in (home / "plugins").iterdir()}
        assert (set(CLOUDS) <= found, bool(set(CLOUDS) & found)) == (asked, asked)
