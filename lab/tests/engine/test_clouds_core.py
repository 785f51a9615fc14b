"""The core of simulated clouds: schemas, inventory, journal, faults, time."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab.clouds import backing, faults, listing, schema, values
from lab.clouds.gcp import tokens
from lab.clouds.gcp.provider import GcpProvider
from lab.clouds.inventory import Inventory, Item, World
from lab.clouds.journal import MASK, Journal
from lab.clouds.operation import ATTEMPTS
from lab.clouds.schema_check import faults as schema_faults
from lab.engine.provider_values import UNKNOWN, marked, secret
from lab.engine.serving import CallError
from lab.errors import LabError
from lab.paths import PROJECT
from lab.testing.cloud_plugin import CheckFailedError
from lab.testing.gcp import Gcp, inputs

CLUSTER = "azure-native:containerservice:ManagedCluster"
SQL = "gcp:sql/databaseInstance:DatabaseInstance"


def complaints(token: str, given: dict[str, object]) -> dict[str, str]:
    return dict(schema_faults(given, schema.resource(token).inputs))


# -- schemas ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "given", "path", "words"),
    [
        (SQL, {"databaseVersion": "POSTGRES_17", "databaseVersions": 1}, "databaseVersions", "'databaseVersion'?"),
        (SQL, {}, "databaseVersion", "is required and missing"),
        (SQL, {"databaseVersion": "P", "settings": {}}, "settings.tier", "is required and missing"),
        (SQL, {"databaseVersion": "P", "deletionProtection": "yes"}, "deletionProtection", "not a boolean"),
        (SQL, {"databaseVersion": "P", "settings": {"tier": "t", "diskSize": "10"}}, "settings.diskSize", "whole"),
        (SQL, {"databaseVersion": "P", "settings": {"tier": "t", "diskSize": True}}, "settings.diskSize", "whole"),
        (SQL, {"databaseVersion": "P", "selfLink": "a"}, "selfLink", "is no property"),
        (
            "gcp:storage/bucket:Bucket",
            {"location": "EU", "lifecycleRules": {"action": {}}},
            "lifecycleRules",
            "not a list",
        ),
        (
            "gcp:storage/bucket:Bucket",
            {"location": "EU", "lifecycleRules": [{"action": {"type": "Delete"}, "condition": {"ages": 1}}]},
            "lifecycleRules[0].condition.ages",
            "'age'?",
        ),
        (CLUSTER, {"resourceGroupName": "g", "sku": {"tier": "Gold"}}, "sku.tier", "not one of Premium, Stan"),
        (CLUSTER, {"resourceGroupName": "g", "agentPoolProfiles": [{}]}, "agentPoolProfiles[0].name", "is required"),
        (CLUSTER, {"resourceGroupName": "g", "tags": {"a": 1}}, "tags.a", "not a string"),
        ("azure-native:network:Subnet", {"subnetNames": "a"}, "subnetNames", "'subnetName'?"),
    ],
)  # fmt: skip
def test_inputs_are_held_to_the_sdks_schema(token: str, given: dict[str, object], path: str, words: str) -> None:
    assert words in complaints(token, given)[path]


def test_all_faults_are_told_at_once_and_no_text_is_shown() -> None:
    found = complaints(SQL, {"settings": {"tier": 1, "nothing": 1}, "deletionProtection": "hunter2"})
    assert set(found) == {"databaseVersion", "settings.tier", "settings.nothing", "deletionProtection"}
    assert "hunter2" not in str(found)


def test_what_is_unknown_or_an_archive_is_taken_to_be_right() -> None:
    given = {"databaseVersion": UNKNOWN, "settings": {"tier": UNKNOWN, "databaseFlags": UNKNOWN}}
    assert complaints(SQL, given) == {}


def test_enums_come_from_the_sdks_documentation_where_it_lists_them() -> None:
    repository = schema.resource("gcp:artifactregistry/repository:Repository").inputs
    assert repository["mode"].listed == ("STANDARD_REPOSITORY", "VIRTUAL_REPOSITORY", "REMOTE_REPOSITORY")


def test_secret_and_required_properties_are_the_sdks() -> None:
    user = schema.resource("gcp:sql/user:User")
    assert user.secrets == {"password", "passwordWo"}
    assert [name for name, each in user.inputs.items() if each.required] == ["instance"]
    assert user.inputs["name"].replaces
    assert not user.inputs["password"].replaces


@pytest.mark.parametrize("token", ["gcp:sql/users:Users", "azure-native:network:Subnets"])
def test_a_type_that_the_sdk_does_not_have_is_named(token: str) -> None:
    with pytest.raises(schema.UnknownTypeError, match=token):
        schema.resource(token)


def test_functions_have_schemas_as_well() -> None:
    found = schema.function("azure-native:storage:listStorageAccountKeys")
    assert set(found.inputs) == {"accountName", "expand", "resourceGroupName"}
    assert found.outputs["keys"].type.of is not None
    assert set(found.outputs["keys"].type.of.properties()) == {"creationTime", "keyName", "permissions", "value"}
    with pytest.raises(schema.UnknownTypeError):
        schema.function("gcp:compute/getNothing:getNothing")


def test_a_plugin_loads_neither_sdk_nor_pulumi() -> None:
    script = (
        "import runpy, sys; sys.argv = ['launch', 'lab.clouds.schema'];"
        "from lab.engine.launch import leave_out_sdk; leave_out_sdk();"
        "from lab.clouds.gcp.provider import GcpProvider; from lab.clouds import schema;"
        f"schema.resource('{SQL}').inputs['settings'].type.properties();"
        "print([name for name in ('pulumi_gcp', 'pulumi.resource', 'cryptography') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_what_is_not_modelled_is_refused_by_name(gcp: Gcp) -> None:
    assert "does not model the resource type gcp:redis/instance:Instance" in str(
        gcp.plugin.faults("gcp:redis/instance:Instance", {})
    )
    assert "the SDK has no resource type gcp:redis/nothing:Nothing" in str(
        gcp.plugin.faults("gcp:redis/nothing:Nothing", {})
    )


def test_an_argument_that_a_function_does_not_have_is_refused(gcp: Gcp) -> None:
    with pytest.raises(CheckFailedError, match="regions"):
        gcp.plugin.invoke("gcp:compute/getZones:getZones", {"regions": "a"})


# -- inventory and journal --------------------------------------------------------------------------------------------


def test_the_inventory_is_there_for_the_next_process(gcp: Gcp) -> None:
    made = gcp.make(tokens.NETWORK)
    script = "from lab.clouds.inventory import Inventory; print([i.id for i in Inventory.default().read().of('%s')])"
    shown = subprocess.run(
        [sys.executable, "-c", script % tokens.NETWORK], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == str([made.id])


def test_changes_from_many_threads_are_all_kept(tmp_path: Path) -> None:
    inventory = Inventory(tmp_path)

    def add(number: int) -> None:
        with inventory.changing() as world:
            world.add(Item(type="a", id=str(number), urn="", inputs={}, outputs={}))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(40)))
    assert len(inventory.read().items) == 40


def test_a_change_that_fails_is_none(tmp_path: Path) -> None:
    inventory = Inventory(tmp_path)

    def fail() -> None:
        with inventory.changing() as world:
            world.block("a", 60)
            raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        fail()
    assert inventory.read().facts == {}


def test_what_goes_with_something_goes_at_any_depth() -> None:
    world = World()
    above: dict[str, str] = {}
    for name in ("a", "b", "c"):
        item = Item(type="t", id=name, urn="", inputs={}, outputs={}, uses=dict(above))
        world.add(item)
        above = {item.key: "goes_with"}
    assert [item.id for item in world.remove(world.items["t|a"])] == ["a", "b", "c"]
    assert world.items == {}


def test_a_secret_is_in_neither_inventory_nor_journal_and_survives_a_refresh(gcp: Gcp) -> None:
    gcp.make(tokens.SERVER)
    made = gcp.plugin.create(tokens.USER, {"name": "a", "instance": "db", "password": secret("hunter2")})
    gcp.plugin.create(tokens.USER, {"name": "b", "instance": "db", "password": "hunter2"})
    kept = gcp.plugin.inventory.path.read_text() + gcp.plugin.journal.path.read_text()
    assert "hunter2" not in kept
    assert kept.count(MASK) >= 4
    found = gcp.plugin.read(made)
    assert found is not None
    assert found.inputs["password"] == found["password"] == secret("hunter2")


def test_the_journal_tells_who_asked_for_what_and_what_came_of_it(gcp: Gcp) -> None:
    made = gcp.make(tokens.NETWORK)
    gcp.make(tokens.SUBNETWORK)
    gcp.plugin.refused(gcp.delete, tokens.NETWORK)
    last = gcp.plugin.journal.calls()[-1]
    assert (last.op, last.type, last.id, last.name) == ("delete", tokens.NETWORK, made.id, "network")
    assert "already being used by" in last.outcome
    assert last.started <= last.ended
    assert [call.op for call in gcp.plugin.journal.calls("create")] == ["create", "create"]
    assert any(made.id in line for line in listing.lines(1, gcp.plugin.inventory))


# -- faults on purpose ------------------------------------------------------------------------------------------------


def test_the_nth_call_fails_and_those_after_it_do_not(gcp: Gcp) -> None:
    gcp.plugin.plan({"op": "create", "type": "gcp:compute/*", "nth": 2, "kind": "error", "message": "no room"})
    gcp.make(tokens.NETWORK)
    assert "no room" in gcp.refused(tokens.NETWORK, name="two")
    gcp.make(tokens.NETWORK, name="three")
    assert len(gcp.plugin.inventory.read().of(tokens.NETWORK)) == 2


@pytest.mark.parametrize("code", [429, 503])
def test_a_busy_cloud_is_asked_again_and_makes_one(gcp: Gcp, code: int) -> None:
    gcp.plugin.plan({"op": "create", "type": "*", "kind": "busy", "code": code, "times": ATTEMPTS - 1})
    gcp.make(tokens.NETWORK)
    assert len(gcp.plugin.inventory.read().of(tokens.NETWORK)) == 1
    assert len(gcp.plugin.journal.calls("create")) == 1


def test_a_cloud_that_stays_busy_is_given_up(gcp: Gcp) -> None:
    gcp.plugin.plan({"op": "create", "type": "*", "kind": "busy", "code": 429, "times": 0, "message": "slow down"})
    assert "Error 429: slow down" in gcp.refused(tokens.NETWORK)
    assert gcp.plugin.inventory.read().of(tokens.NETWORK) == []


def test_a_lost_answer_leaves_the_thing_and_a_second_create_meets_it(gcp: Gcp) -> None:
    gcp.plugin.plan({"op": "create", "type": tokens.NETWORK, "kind": "lost"})
    assert "before an answer came" in gcp.refused(tokens.NETWORK)
    assert "Error 409: The resource 'projects/simulated-project/global/networks/net' already exists" in gcp.refused(
        tokens.NETWORK
    )
    assert len(gcp.plugin.inventory.read().of(tokens.NETWORK)) == 1


def test_an_operation_that_ends_in_an_error_gives_its_state_back(gcp: Gcp) -> None:
    gcp.plugin.plan({"op": "create", "type": tokens.NETWORK, "kind": "partial", "message": "not healthy"})
    with pytest.raises(CallError, match="not healthy") as caught:
        gcp.make(tokens.NETWORK)
    detail = caught.value.detail
    assert detail is not None
    assert detail.id == "projects/simulated-project/global/networks/net"  # type: ignore[attr-defined]
    assert marked(detail.properties)["selfLink"].endswith(detail.id)  # type: ignore[attr-defined]


def test_a_call_that_hangs_ends_with_the_plugin(gcp: Gcp) -> None:
    gcp.plugin.plan({"op": "create", "type": tokens.NETWORK, "kind": "hang"})
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(gcp.refused, tokens.NETWORK)
        time.sleep(0.1)
        assert not call.done()
        gcp.plugin.provider.cancelled.set()
        assert "interrupted" in call.result(5)
    assert gcp.plugin.inventory.read().of(tokens.NETWORK) == []


def test_a_plan_that_is_not_understood_is_refused_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "faults.json"
    monkeypatch.setenv(faults.FAULTS_VARIABLE, str(path))
    for text in ('[{"op": "create", "kind": "explode"}]', '[{"ops": 1}]', "{"):
        path.write_text(text)
        with pytest.raises(LabError, match=r"faults\.json"):
            faults.read()
    path.unlink()
    with pytest.raises(LabError, match=r"faults\.json"):
        faults.read()


# -- time -------------------------------------------------------------------------------------------------------------


def test_time_passes_by_the_table_and_side_by_side(gcp: Gcp, monkeypatch: pytest.MonkeyPatch) -> None:
    gcp.make(tokens.CONNECTION)
    slow, fast = (GcpProvider.seconds[token]["create"] for token in (tokens.SERVER, tokens.BUCKET))
    speed = slow / 60
    monkeypatch.setenv("LAB_CLOUD_SPEED", str(speed))
    with ThreadPoolExecutor(2) as pool:
        server = pool.submit(gcp.plugin.create, tokens.SERVER, inputs(tokens.SERVER))
        while not gcp.plugin.inventory.read().of(tokens.SERVER):
            assert not server.done()
        start = time.monotonic()
        pool.submit(gcp.make, tokens.BUCKET).result(20)
        assert time.monotonic() - start >= fast / speed
        assert not server.done()
        gcp.plugin.provider.cancelled.set()
        with pytest.raises(CallError, match="interrupted"):
            server.result(20)
    recorded = {call.type: call.seconds for call in gcp.plugin.journal.calls("create")}
    assert (recorded[tokens.SERVER], recorded[tokens.BUCKET]) == (slow, fast)


def test_an_interrupted_create_is_recorded_as_what_it_is(gcp: Gcp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_CLOUD_SPEED", "1")
    threading.Timer(0.2, gcp.plugin.provider.cancelled.set).start()
    start = time.monotonic()
    with pytest.raises(CallError, match="interrupted") as caught:
        gcp.make(tokens.NETWORK)
    assert time.monotonic() - start < 10
    assert caught.value.detail is not None
    assert len(gcp.plugin.inventory.read().of(tokens.NETWORK)) == 1


# -- values and backing -----------------------------------------------------------------------------------------------


def test_an_update_changes_what_the_program_changed_and_leaves_the_rest() -> None:
    live = {"a": 1, "nodes": {"count": 5, "size": "s"}, "new": True}
    old = {"a": 1, "nodes": {"count": 3, "size": "s"}, "gone": 1}
    new = {"a": 2, "nodes": {"count": 3, "size": "m"}}
    assert values.patched({**live, "gone": 1}, old, new) == {"a": 2, "nodes": {"count": 5, "size": "m"}, "new": True}


def test_a_preview_of_an_update_still_knows_what_the_cloud_had_filled_in() -> None:
    """Otherwise a new upgrade channel of a cluster would show every object on it as changed in a preview."""
    said, held = {"endpoints": {"public": True}}, {"endpoints": {"public": False, "name": "x.example.org"}}
    path = "endpoints.name"
    assert values.filled(said, path, held) == {"endpoints": {"public": True, "name": "x.example.org"}}
    assert values.filled(said, path, {}) == {"endpoints": {"public": True, "name": UNKNOWN}}
    assert values.filled({}, path, held) == {}
    items = {"items": [{"x": 1}]}
    assert values.filled(items, "items[*].y", {"items": [{"y": 2}]}) == {"items": [{"x": 1, "y": 2}]}
    assert values.filled(items, "items[*].y", {"items": []}) == {"items": [{"x": 1, "y": UNKNOWN}]}


def test_a_refresh_sees_what_the_program_says_and_not_what_the_cloud_added() -> None:
    live = {"labels": {"a": "2", "cloud": "1"}, "items": [{"x": 1, "y": 2}], "status": "up"}
    said = {"labels": {"a": "1"}, "items": [{"x": 0}]}
    assert values.pruned(live, said) == {"labels": {"a": "2"}, "items": [{"x": 1}]}


def test_another_backing_is_named_by_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(backing.chosen(), backing.SimulatedBacking)
    monkeypatch.setenv(backing.BACKING_VARIABLE, "lab.clouds.inventory:World")
    assert isinstance(backing.chosen(), World)


def test_a_journal_without_a_folder_is_empty(tmp_path: Path) -> None:
    assert Journal(tmp_path / "nothing").calls() == []
