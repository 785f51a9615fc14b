"""The program on each cloud with each executor, from an empty account to an empty account, on the real engine."""

from __future__ import annotations

import itertools
from typing import Final

import pytest

from components.cloud.azure import lateness
from lab.clouds.azure.egress import ADDRESS
from lab.clouds.gcp import tokens as gcp
from lab.clouds.kind import at
from tests.engine.cloud_lives import AZURE_CLUSTER, AZURE_SERVER, DRIFT
from tests.engine.cloud_stacks import CloudLife, waited_for
from tests.engine.program_stacks import identities, moments, names

CLUSTER_UPDATED: Final = {
    "prod-cloud-cluster-aks",
    *(f"prod-cloud-identities-{part}-federation" for part in ("api-server", "pod", "task", "triggerer")),
}
POOLS_LISTED: Final = {"prod": {"update": CLUSTER_UPDATED}}
"""The plan of the next `up` after a refresh, by stack: Azure also lists separate pools in the cluster; until it is
updated, the issuer of its tokens is unknown to a preview."""
WORKLOADS: Final = ("Deployment", "StatefulSet", "Job")
STAGES: Final = (
    ("workloads", ("apps/v1:Deployment", "apps/v1:StatefulSet", "batch/v1:Job")),
    ("claims", ("core/v1:PersistentVolumeClaim",)),
    ("the namespace", ("core/v1:Namespace",)),
    ("the cluster", (gcp.CLUSTER, AZURE_CLUSTER)),
    ("networks", (gcp.SUBNETWORK, "azure-native:network:Subnet")),
    ("the network", (gcp.NETWORK, "azure-native:network:VirtualNetwork")),
)
"""Required order, by the suffixes of types."""
CLOUD_STAGES: Final = STAGES[3:]
ABANDONED: Final = (gcp.DATABASE, gcp.USER, "azure-native:dbforpostgresql:Database")
"""Types that are deleted with their server: dropping objects of Airflow's users is refused."""


# -- coming up --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_an_empty_stack_is_previewed_with_no_cloud_and_no_cluster_in_reach(
    name: str, request: pytest.FixtureRequest
) -> None:
    life: CloudLife = request.getfixturevalue(name)
    run = life.runs["preview of nothing"]
    assert (run.code, run.messages(), run.messages("warning")) == (0, [], [])
    assert (life.calls["preview of nothing"], life.held["preview of nothing"].items) == ([], {})
    assert run.changes() == life.runs["up"].changes()


def test_a_stack_file_comes_up_as_it_is(cloud_life: CloudLife) -> None:
    run = cloud_life.runs["up"]
    assert (run.code, run.messages()) == (0, [])
    found = cloud_life.live["up"]
    waiting = [
        each["metadata"]["name"]
        for each in found
        if each["kind"] == "Pod" and each["status"]["phase"] not in ("Running", "Succeeded")
    ]
    assert waiting == []
    assert len(names(found, *WORKLOADS)) >= 5


@pytest.mark.parametrize(("name", "advice"), [("dev", set()), ("prod", {"aks-encryption-at-host"})])
def test_values_that_are_known_only_in_up_break_no_rule_of_the_policy_pack(
    name: str, advice: set[str], request: pytest.FixtureRequest
) -> None:
    """A preview does not know ids, addresses and accounts, so only `up` checks them."""
    life: CloudLife = request.getfixturevalue(name)
    run = life.runs["up"]
    [summary] = [event["summaryEvent"] for event in run.events("summaryEvent")]
    # Name, kind and folder.
    assert [pack.partition("|")[0] for pack in summary["PolicyPacks"]] == ["airflow"]
    found = {(each["enforcementLevel"], each["policyName"]) for each in run.violations()}
    assert found == {("advisory", rule) for rule in advice}


def test_everything_that_the_cloud_holds_is_the_stacks(cloud_life: CloudLife) -> None:
    """Except the group that Azure creates for nodes, which is deleted with its cluster."""
    foreign = [item.id for item in cloud_life.held["up"].items.values() if not item.urn and "-nodes-" not in item.id]
    assert foreign == []
    assert [item.id for item in cloud_life.held["up"].items.values() if item.abandoned] == []


def test_an_untouched_stack_of_a_cloud_previews_without_changes(cloud_life: CloudLife) -> None:
    """With a new engine and a new process; for dev and prod after changes by autoscalers and upgrades."""
    run = cloud_life.runs["untouched preview"]
    assert (run.code, run.changes(), run.messages()) == (0, POOLS_LISTED.get(cloud_life.name, {}), [])


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_a_refresh_of_an_untouched_stack_finds_nothing_but_pools_in_azures_cluster(
    name: str, request: pytest.FixtureRequest
) -> None:
    life: CloudLife = request.getfixturevalue(name)
    run = life.runs["refresh"]
    assert (run.code, run.messages()) == (0, [])
    [summary] = [event["summaryEvent"] for event in run.events("summaryEvent")]
    changed = {op: count for op, count in summary["resourceChanges"].items() if op != "same"}
    assert changed == ({"update": 1} if name == "prod" else {})


def test_pools_that_azure_lists_in_the_cluster_never_replace_it(prod: CloudLife) -> None:
    """The list after a refresh is longer than the program's, which costs one update without changes."""
    [step] = [each for each in prod.runs["untouched preview"].steps("update") if each.type.endswith(AZURE_CLUSTER)]
    assert {path.partition(".")[0] for path in step.differences} == {"agentPoolProfiles[1]"}
    replaced = prod.runs["settings changed"].steps("replace", "delete-replaced", "create-replacement")
    assert [each.name for each in replaced if each.type.endswith(AZURE_CLUSTER)] == []
    before, after = (prod.held[step].of(AZURE_CLUSTER)[0] for step in ("up", "settings changed"))
    assert before.created == after.created
    again = prod.runs["preview after the change"]
    assert (again.code, again.changes(), again.messages()) == (0, {}, [])


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_what_autoscalers_and_upgrades_change_is_left_alone(name: str, request: pytest.FixtureRequest) -> None:
    """They are neither treated as changes of the program, nor reverted when another field of the resource changes."""
    life: CloudLife = request.getfixturevalue(name)
    for step in ("refresh after drift", "untouched preview"):
        assert (life.runs[step].code, life.runs[step].messages()) == (0, [])
    assert life.runs["untouched preview"].changes() == POOLS_LISTED.get(name, {})
    before = life.held["refresh after drift"]
    taken_back = [
        f"{item.id}: {path} is {at(item.inputs, path)}"
        for kind, properties in DRIFT[name].items()
        for item in life.held["settings changed"].of(kind)
        for path, value in properties.items()
        # Not of pools that the changed settings created; Azure does not change omitted fields.
        if (kept := before.get(kind, item.id)) is not None and kept.created == item.created
        if at(item.inputs, path) not in (value, None)
    ]
    assert taken_back == []
    assert all(
        at(item.inputs, path) == value
        for kind, properties in DRIFT[name].items()
        for item in before.of(kind)
        for path, value in properties.items()
    )


@pytest.mark.parametrize(
    ("name", "kinds"),
    [("dev", (gcp.CLUSTER, gcp.SERVER)), ("prod", (AZURE_CLUSTER, AZURE_SERVER))],
)
def test_database_and_cluster_are_made_side_by_side(
    name: str, kinds: tuple[str, str], request: pytest.FixtureRequest
) -> None:
    life: CloudLife = request.getfixturevalue(name)
    assert [waited_for(life.exported, kind).intersection(kinds) for kind in kinds] == [set(), set()]
    assert all(waited_for(life.exported, kind) for kind in kinds)


def test_the_gateways_namespace_takes_the_pods_of_a_proxy(azure_celery_kubernetes: CloudLife) -> None:
    """With the real admission: Istio creates them for the Gateway, and Airflow's own namespace refuses such pods."""
    name = azure_celery_kubernetes.name
    where = azure_celery_kubernetes.gateways[f"{name}-gateway"]
    assert azure_celery_kubernetes.admitted[where] == ""
    assert "seccompProfile" in azure_celery_kubernetes.admitted[name]


def test_one_up_switches_a_gateway_off_and_takes_its_address_away(azure_celery_kubernetes: CloudLife) -> None:
    step = "gateway switched off"
    run = azure_celery_kubernetes.runs[step]
    assert (run.code, run.messages()) == (0, [])
    calls = [
        call.outcome
        for call in azure_celery_kubernetes.calls[step]
        if call.op == "delete" and call.type == ADDRESS and call.name.endswith("-load-balancer-address")
    ]
    # The load balancer keeps the address for a while after the Gateway is deleted.
    assert calls[-1] == "ok"
    assert {lateness.ADDRESS.refused(outcome) for outcome in calls[:-1]} == {True}
    assert azure_celery_kubernetes.held[step].of(ADDRESS) == []


# -- going ------------------------------------------------------------------------------------------------------------


def test_destroy_leaves_nothing_in_the_cloud_the_cluster_and_the_state(cloud_life: CloudLife) -> None:
    run = cloud_life.runs["destroy"]
    assert (run.code, run.messages()) == (0, [])
    assert list(cloud_life.held["destroy"].items) == []
    assert identities(cloud_life.live["destroy"], *{each["kind"] for each in cloud_life.live["destroy"]}) == set()
    assert cloud_life.left == []


def test_everything_goes_after_what_uses_it(cloud_life: CloudLife) -> None:
    """Workloads, claims, the namespace, the cluster, the network: according to the engine's events."""
    run = cloud_life.runs["destroy"]
    at = moments(run)
    steps = run.steps("delete")
    stages = [(what, {step.name for step in steps if step.type.endswith(kinds)}) for what, kinds in STAGES]
    assert [what for what, members in stages if not members] in ([], ["claims"])
    stages = [(what, members) for what, members in stages if members]
    late = [
        f"{first} ({what}) ended after {then} had begun"
        for (what, before), (_, after) in itertools.pairwise(stages)
        for first in before
        for then in after
        if at["end", first] > at["start", then]
    ]
    assert late == []


def test_the_cloud_is_asked_to_delete_in_the_same_order(cloud_life: CloudLife) -> None:
    """According to the cloud's journal, in which no call is refused or repeated."""
    calls = [call for call in cloud_life.calls["destroy"] if call.op == "delete"]
    assert [call.outcome for call in calls if call.outcome != "ok"] == []
    assert len({call.urn for call in calls}) == len(calls)
    times = [[(call.started, call.ended) for call in calls if call.type in kinds] for _, kinds in CLOUD_STAGES]
    times = [found for found in times if found]
    assert len(times) >= 2
    for before, after in itertools.pairwise(times):
        assert max(ended for _, ended in before) <= min(started for started, _ in after)


def test_all_of_it_comes_up_again_at_once(dev: CloudLife) -> None:
    """Names of servers, buckets and accounts stay blocked after deletion, so new resources have other names."""
    again = dev.runs["up again"]
    assert (again.code, again.messages()) == (0, [])
    assert again.changes() == dev.runs["up"].changes()
    first, second = dev.held["up"].of(gcp.SERVER), dev.held["up again"].of(gcp.SERVER)
    assert first[0].id != second[0].id


# -- protection -------------------------------------------------------------------------------------------------------

PROTECTED: Final = ("prod", "gcp_kubernetes")


@pytest.mark.parametrize("name", PROTECTED)
def test_a_protected_stack_is_not_destroyed_and_nothing_is_asked_of_the_cloud(
    name: str, request: pytest.FixtureRequest
) -> None:
    life: CloudLife = request.getfixturevalue(name)
    step = "destroy of a protected stack"
    run = life.runs[step]
    assert run.code != 0
    assert [call.op for call in life.calls[step]] == []
    before = list(life.held)[list(life.held).index(step) - 1]
    assert life.held[step] == life.held[before]
    said = run.stdout + run.stderr
    # Of two databases, the dependent one is deleted first.
    databases = [kind for kind in ("metadata", "results") if f'{kind}" cannot be deleted' in said]
    assert len(databases) == 1
    assert 'fernet-key" cannot be deleted' in said
    assert "remove the `protect` flag from the resource in your Pulumi program and run `pulumi up`" in said


@pytest.mark.parametrize("name", PROTECTED)
def test_protection_is_taken_away_by_one_up_that_deletes_locks_alone(name: str, request: pytest.FixtureRequest) -> None:
    life: CloudLife = request.getfixturevalue(name)
    run = life.runs["protection taken away"]
    assert (run.code, run.messages()) == (0, [])
    changes = run.changes()
    assert {op: found for op, found in changes.items() if op not in ("update", "delete")} == {}
    locks = life.named("cloud-locks", "cloud-locks-database", "cloud-locks-logs") if name == "prod" else set()
    assert changes.get("delete", set()) == locks
