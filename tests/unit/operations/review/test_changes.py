"""The engine's output of a preview: steps, differences, findings, errors, and texts that are none."""

from __future__ import annotations

import json

import pytest

from operations.review.changes import UnreadablePreviewError, read
from operations.review.differences import ABSENT, SECRET, UNKNOWN, value_at
from tests.unit.operations.review.events import (
    DATABASE,
    DEPLOYMENT,
    message,
    outputs,
    policy,
    step,
    stream,
    summary,
)
from tests.unit.operations.review.events import SECRET as ENCRYPTED

UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def test_the_most_dangerous_changes_come_first() -> None:
    found = read(
        stream(
            step("create", name="a"),
            step("update", name="b"),
            step("delete", name="c"),
            step("same", name="same"),
            step("create-replacement", name="d"),
            step("replace", name="d"),
            step("delete-replaced", name="d"),
            summary(),
        )
    )
    assert [(change.operation, change.name) for change in found.changes] == [
        ("replace", "d"),
        ("delete", "c"),
        ("update", "b"),
        ("create", "a"),
    ]
    assert (found.unchanged, found.complete, found.failed) == (1, True, False)


def test_resources_of_the_engine_itself_are_no_changes() -> None:
    found = read(
        stream(
            step("create", "pulumi:pulumi:Stack", "airflow-dev"),
            step("update", "pulumi:providers:kubernetes", "k8s"),
            summary(),
        )
    )
    assert (found.changes, found.unchanged) == ((), 0)


def test_a_difference_has_both_values_at_its_path() -> None:
    old = {"spec": {"replicas": 2, "template": {"containers": [{"env": [{"name": "A"}]}]}, "old": 1}}
    new = {"spec": {"replicas": 3, "template": {"containers": [{"env": [{"name": "B"}]}]}, "new": [2]}}
    diff = {
        "spec.replicas": "update",
        "spec.template.containers[0].env[0].name": "update-replace",
        "spec.old": "delete",
        "spec.new": "add",
    }
    [change] = read(stream(step("update", old=old, new=new, diff=diff), summary())).changes
    assert {each.path: (each.before, each.after, each.replaces) for each in change.differences} == {
        "spec.replicas": (2, 3, False),
        "spec.template.containers[0].env[0].name": ("A", "B", True),
        "spec.old": (1, ABSENT, False),
        "spec.new": (ABSENT, [2], False),
    }


def test_a_difference_to_the_real_resource_shows_the_real_value() -> None:
    event = step("update", diff={"size": "update"}, input_diff=False)
    metadata = event["resourcePreEvent"]["metadata"]
    metadata["old"] = {"inputs": {"size": 10}, "outputs": {"size": 30}}
    metadata["new"] = {"inputs": {"size": 20}}
    [change] = read(stream(event, summary())).changes
    assert [(each.before, each.after) for each in change.differences] == [(30, 20)]


def test_without_details_the_differing_values_of_the_named_properties_are_shown() -> None:
    old = {"settings": {"tier": "small", "same": 1, "flag.a": 1}, "untold": 1}
    new = {"settings": {"tier": "large", "same": 1, "flag.a": 2}, "untold": 2}
    event = step("replace", DATABASE, "db", old=old, new=new, diffs=["settings"], keys=["settings"])
    [change] = read(stream(event, summary())).changes
    assert [(each.path, each.before, each.after, each.replaces) for each in change.differences] == [
        ('settings["flag.a"]', 1, 2, True),
        ("settings.tier", "small", "large", True),
    ]


@pytest.mark.parametrize("secret", [ENCRYPTED, "[secret]"])
def test_secrets_are_masked_wherever_they_are(secret: object) -> None:
    old = {"password": secret, "inside": {"key": secret}, "map": secret, "url": "postgres://me:hidden@host/db"}
    new = {"password": "plain", "inside": {"key": secret}, "map": {"a": 1}, "url": UNKNOWN_TEXT}
    diff = {"password": "update", "inside": "update", "map.a": "update", "url": "update"}
    [change] = read(stream(step("update", old=old, new=new, diff=diff), summary())).changes
    values = {each.path: (each.before, each.after) for each in change.differences}
    assert values["password"][0] == SECRET
    assert values["inside"][0] == {"key": SECRET}
    assert values["map.a"][0] == SECRET
    assert values["url"] == ("postgres://me:[secret]@host/db", UNKNOWN)


def test_the_content_of_a_kubernetes_secret_is_never_shown() -> None:
    """Also if a program gave it as plain text."""
    diff = {"stringData.password": "update", "data": "add", "metadata.name": "update"}
    old = {"stringData": {"password": "one"}, "metadata": {"name": "a"}}
    new = {"stringData": {"password": "two"}, "metadata": {"name": "b"}, "data": {"x": "eA=="}}
    [change] = read(
        stream(step("update", "kubernetes:core/v1:Secret", "s", old=old, new=new, diff=diff), summary())
    ).changes
    assert [(each.path, each.before, each.after) for each in change.differences] == [
        ("data", ABSENT, SECRET),
        ("metadata.name", "a", "b"),
        ("stringData.password", SECRET, SECRET),
    ]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a.b", 1),
        ('["x.y"][1]', 3),
        ('a["q\\"r"]', 4),
        ("a.none", ABSENT),
        ('["x.y"][9]', ABSENT),
        ("a.b.c", ABSENT),
        ("later.id", UNKNOWN),
        ("hidden.id", SECRET),
    ],
)
def test_property_paths_are_those_of_the_engine(path: str, value: object) -> None:
    root = {"a": {"b": 1, 'q"r': 4}, "x.y": [2, 3], "later": UNKNOWN_TEXT, "hidden": ENCRYPTED}
    assert value_at(root, path) == value


def test_a_finding_fails_if_it_is_mandatory_and_has_no_exception() -> None:
    found = read(
        stream(
            policy("advisory", name="a"),
            policy("mandatory", name="b", resource="db"),
            policy("mandatory", name="c", exceptions=[{"id": "EXC-1", "reason": "agreed"}]),
            policy("remediate", name="d"),
            summary("failed", {"airflow": "v1"}),
        )
    )
    assert [(each.policy, each.fails) for each in found.findings] == [
        ("b", True),
        ("d", True),
        ("a", False),
        ("c", False),
    ]
    assert found.findings[0].resource == "db"
    assert (found.policy_packs, found.failed) == ({"airflow"}, True)


def test_errors_are_kept_and_ephemeral_ones_are_not() -> None:
    found = read(
        stream(message("broken\n"), message("once", ephemeral=True), message("hint", "warning"), summary("failed"))
    )
    assert found.errors == ("broken",)


def test_the_engines_conclusion_is_no_error_of_its_own() -> None:
    """It ends the output of a preview that a policy failed."""
    found = read(stream(policy("mandatory"), message("preview failed"), summary()))
    assert (found.errors, found.failed) == ((), True)


def test_a_refresh_is_known_by_its_result() -> None:
    seen = {"old": {"outputs": {"n": 1}}, "new": {"outputs": {"n": 2}}, "detailedDiff": {"n": {"diffKind": "update"}}}
    found = read(
        stream(
            step("refresh", name="moved"),
            outputs("update", DEPLOYMENT, "moved", **seen),
            step("refresh", name="still"),
            outputs("refresh", DEPLOYMENT, "still"),
            step("refresh", name="gone"),
            outputs("delete", DEPLOYMENT, "gone"),
            summary(),
        )
    )
    assert [(change.operation, change.name) for change in found.changes] == [("delete", "gone"), ("update", "moved")]
    assert [(each.before, each.after) for each in found.changes[1].differences] == [(1, 2)]


def test_a_digest_is_read_but_for_its_policies() -> None:
    state = {"type": DEPLOYMENT, "inputs": {"n": 1}, "protect": True}
    digest = {
        "steps": [
            {
                "op": "update",
                "urn": "urn:pulumi:dev::airflow::x::worker",
                "oldState": state,
                "newState": {**state, "inputs": {"n": 2}},
                "detailedDiff": {"n": {"kind": "update", "inputDiff": True}},
            }
        ],
        "diagnostics": [{"message": "broken", "severity": "error"}],
        "changeSummary": {"update": 1},
    }
    found = read(json.dumps(digest, indent=4))
    [change] = found.changes
    assert (change.name, change.type, change.protected) == ("worker", DEPLOYMENT, True)
    assert [(each.before, each.after) for each in change.differences] == [(1, 2)]
    assert (found.policy_packs, found.errors, found.complete) == (None, ("broken",), True)


def test_an_output_that_was_cut_is_not_complete() -> None:
    text = stream(step("create"), step("create", name="b"))
    assert not read(text).complete
    with pytest.raises(UnreadablePreviewError, match="line 2 of the output of the preview is cut"):
        read(text[:-20])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("Previewing update (dev)\n", "has no event"),
        ("[]", "no JSON object"),
        ('{"a": 1}', "neither events nor steps"),
        ('{"a": 1}\n{"b": 1}', "has no event"),
    ],
)
def test_a_text_that_is_no_preview_is_refused(text: str, reason: str) -> None:
    with pytest.raises(UnreadablePreviewError, match=reason):
        read(text)
