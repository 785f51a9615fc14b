"""Drift: what `up --refresh` would change, without what a cloud reports after every refresh."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from operations.errors import OperationError
from operations.review import drift, engine
from operations.review.changes import read
from operations.review.engine import Output
from tests.unit.operations.review import forges
from tests.unit.operations.review.events import message, outputs, step, stream, summary
from tests.unit.operations.review.forges import FakeForge, serving

CLUSTER: Final = "azure-native:containerservice:ManagedCluster"
FEDERATION: Final = "azure-native:managedidentity:FederatedIdentityCredential"
UNKNOWN_TEXT: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
NOTHING: Final = stream(step("same"), summary())
REMOVED: Final = stream(step("create", name="worker"), summary())
GONE: Final = stream(
    step("refresh", name="worker"), outputs("delete", "kubernetes:apps/v1:Deployment", "worker"), summary()
)


def pools(path: str) -> dict[str, Any]:
    return step(
        "update",
        CLUSTER,
        "aks",
        old={"agentPoolProfiles": [1, 2]},
        new={"agentPoolProfiles": [1]},
        diff={path: "delete"},
    )


def waiting(after: str = UNKNOWN_TEXT) -> dict[str, Any]:
    return step("update", FEDERATION, "f", old={"issuer": "a"}, new={"issuer": after}, diff={"issuer": "update"})


@pytest.mark.parametrize(
    ("events", "left"),
    [
        ([pools("agentPoolProfiles[1]"), waiting()], []),
        ([pools("agentPoolProfiles[1].count")], []),
        ([pools("agentPoolProfiles[0].count")], ["aks"]),
        ([pools("agentPoolProfiles[1]"), waiting("b")], ["f"]),
        ([waiting()], ["f"]),
        ([pools("agentPoolProfiles[1]"), step("delete", name="worker")], ["worker"]),
    ],
)
def test_pools_that_azure_lists_twice_are_no_drift_and_everything_else_is(
    events: list[dict[str, Any]], left: list[str]
) -> None:
    found = drift.undone(read(stream(*events, summary())).changes)
    assert [change.name for change in found] == left


@pytest.fixture
def forge() -> Iterator[FakeForge]:
    with serving(forges.github()) as fake:
        yield fake


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, forge: FakeForge) -> Callable[..., int]:
    """The command, with these outputs of the engine."""

    def result(seen: str, planned: str, *, code: int = 0) -> int:
        monkeypatch.setattr(engine, "refresh_preview", lambda stack: Output(text=seen, code=0, errors=""))
        monkeypatch.setattr(
            engine, "preview", lambda stack, refresh: Output(text=planned, code=code, errors="error: it broke")
        )
        arguments = argparse.Namespace(stack="dev", forge="github", log="https://log.test", output=None)
        return drift.run(arguments, forges.github_environment(forge))

    return result


def test_one_issue_is_opened_edited_and_closed(run: Callable[..., int], forge: FakeForge) -> None:
    assert run(NOTHING, NOTHING) == 0
    assert forge.issues == []
    assert run(GONE, REMOVED) == 1
    assert run(GONE, REMOVED) == 1
    [issue] = forge.issues
    assert (issue["title"], issue["state"]) == ("Drift in stack dev", "open")
    assert "- created: **`worker`**" in issue["body"]
    assert "#### Seen in the cloud" in issue["body"]
    assert "- deleted: **`worker`**" in issue["body"]
    assert run(NOTHING, NOTHING) == 0
    assert (issue["state"], "has no drift" in issue["body"]) == ("closed", True)
    assert [call[0] for call in forge.writes()] == ["POST", "PATCH", "PATCH"]


@pytest.mark.parametrize(
    ("planned", "code", "told"),
    [
        (stream(message("error: no login"), summary("failed")), 255, "error: no login"),
        (stream(step("same")), 0, "it broke"),
        (NOTHING, 255, "it broke"),
        ("", 0, "is empty"),
    ],
)
def test_an_issue_stays_open_while_drift_is_not_known(
    run: Callable[..., int], forge: FakeForge, planned: str, code: int, told: str
) -> None:
    assert run(GONE, REMOVED) == 1
    assert run(NOTHING, planned, code=code) == 2
    [issue] = forge.issues
    assert (issue["title"], issue["state"]) == ("Drift of stack dev is not known", "open")
    assert told in issue["body"]


def test_a_stack_that_is_not_there_is_an_issue(
    monkeypatch: pytest.MonkeyPatch, run: Callable[..., int], forge: FakeForge
) -> None:
    assert run(NOTHING, NOTHING) == 0

    def refused(stack: str) -> Output:
        raise OperationError(engine.reason(stack, f"error: no stack named '{stack}' found"))

    monkeypatch.setattr(engine, "refresh_preview", refused)
    arguments = argparse.Namespace(stack="dev", forge="github", log="", output=None)
    assert drift.run(arguments, forges.github_environment(forge)) == 2
    assert "create it with `pulumi stack init dev`" in forge.issues[0]["body"]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("error: no stack named 'dev' found", "There is no stack dev in this back end"),
        ("error: PULUMI_ACCESS_TOKEN must be set for login", "Pulumi is not logged in"),
        ("error: incorrect passphrase", "set PULUMI_CONFIG_PASSPHRASE"),
        ("warning: x\nerror: other\n", "cannot preview stack dev: other"),
        ("", "it gave no reason"),
    ],
)
def test_an_error_of_the_command_line_has_its_remedy(said: str, told: str) -> None:
    assert told in engine.reason("dev", said)
