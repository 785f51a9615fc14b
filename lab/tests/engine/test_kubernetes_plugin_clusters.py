"""Identity of the cluster in the kubernetes plugin: an unreachable cluster, the same one elsewhere, another one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.engine.stack import Run
from lab.testing.cluster import TestCluster
from lab.tests.engine.kubernetes_program import Object, config_map, declared, ops, trial

NOWHERE = "https://127.0.0.1:1"
"""Nothing listens there."""


def _kubeconfig(server: str, *, token: str = "t", **cluster: Any) -> str:
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "one",
            "clusters": [{"name": "c", "cluster": {"server": server, **cluster}}],
            "users": [{"name": "u", "user": {"token": token}}],
            "contexts": [
                {"name": "one", "context": {"cluster": "c", "user": "u"}},
                {"name": "same", "context": {"cluster": "c", "user": "u"}},
            ],
        }
    )


@dataclass(frozen=True)
class Away:
    preview: Run
    created: Run
    refreshed: Run
    destroyed: Run
    forgotten: Run
    left: list[str]


def _go_away(environment: Mapping[str, str], cluster: TestCluster, folder: Path) -> Away:
    made = trial(environment, cluster, folder)
    known = {"clusterIdentifier": "the same"}
    made.declare({"old": declared(config_map(), provider="moving")}, moving=known).stack.up()
    moving = known | {"kubeconfig": _kubeconfig(NOWHERE)}
    objects = {"old": declared(config_map(), provider="moving"), "new": declared(config_map(), provider="moving")}
    stack = made.declare(objects, moving=moving).stack
    preview, created = stack.preview(), stack.up(check=False)
    refreshed, destroyed = stack.refresh(check=False), stack.destroy(check=False)
    forget = {"PULUMI_K8S_DELETE_UNREACHABLE": "true"}
    command = ("destroy", "--yes", "--skip-preview", "--stack", stack.name)
    forgetting = stack.pulumi(*command, check=False, environment=forget)
    left = [entry["type"] for entry in stack.state().get("resources", [])]
    return Away(preview, created, refreshed, destroyed, forgetting, left)


@dataclass(frozen=True)
class Moved:
    renamed: Run
    elsewhere: Run


def _move(environment: Mapping[str, str], cluster: TestCluster, folder: Path) -> Moved:
    made = trial(environment, cluster, folder)
    objects: dict[str, Object] = {"object": declared(config_map(), provider="moving")}
    made.declare(objects, moving={"context": "airflow-lab"}).stack.up()
    again = yaml.safe_load(cluster.kubeconfig.read_text())
    again["contexts"].append({"name": "other", "context": {"cluster": "airflow-lab", "user": "airflow-lab"}})
    same = {"kubeconfig": json.dumps(again), "context": "other"}
    renamed = made.declare(objects, moving=same).stack.preview()
    elsewhere = made.declare(objects, moving={"kubeconfig": _kubeconfig(NOWHERE), "context": "one"}).stack.preview()
    return Moved(renamed, elsewhere)


SCENARIOS = {"away": _go_away, "moved": _move}


@pytest.fixture(scope="module")
def away(scenarios: Mapping[str, Future[Away]]) -> Away:
    return scenarios["away"].result()


def _said(run: Run, severity: str = "error") -> str:
    return "\n".join(run.messages(severity))


def test_a_preview_passes_when_the_cluster_does_not_answer(away: Away) -> None:
    assert ops(away.preview) == {"moving": ["update"], "new": ["create"]}


def test_an_update_fails_and_says_that_the_cluster_is_unreachable_and_why(away: Away) -> None:
    assert "configured Kubernetes cluster is unreachable" in _said(away.created)
    assert "connection refused" in _said(away.created)


def test_a_refresh_and_a_destroy_hint_at_forgetting_the_unreachable(away: Away) -> None:
    assert "PULUMI_K8S_DELETE_UNREACHABLE" in _said(away.refreshed)
    assert "PULUMI_K8S_DELETE_UNREACHABLE" in _said(away.destroyed)


def test_the_unreachable_is_forgotten_when_the_environment_says_so(away: Away) -> None:
    assert away.forgotten.code == 0, away.forgotten.stdout
    assert away.left == []


def test_a_provider_is_updated_for_the_same_cluster_and_replaced_for_another(
    scenarios: Mapping[str, Future[Moved]],
) -> None:
    moved = scenarios["moved"].result()
    assert ops(moved.renamed) == {"moving": ["update"]}
    assert "create-replacement" in ops(moved.elsewhere)["moving"]
    assert "create-replacement" in ops(moved.elsewhere)["object"]
