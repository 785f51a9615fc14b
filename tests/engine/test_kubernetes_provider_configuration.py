"""The provider's own settings: unreachable clusters, identity of the cluster, credentials by a program, rendering."""

from __future__ import annotations

import json
import stat
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from cluster_fixture import TestCluster
from kubernetes_program import Object, config_map, declared, ops, trial

from lab.engine.kubernetes_provider import configuration
from lab.engine.kubernetes_provider.client import Cluster
from lab.engine.provider_values import UNKNOWN
from lab.engine.stack import Run

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


@dataclass(frozen=True)
class Rendered:
    manifest: Object
    mode: int
    state: Mapping[str, Any]
    left: list[Path]


def _render(environment: Mapping[str, str], cluster: TestCluster, folder: Path) -> Rendered:
    made = trial(environment, cluster, folder)
    written = folder / "manifests"
    away = {"kubeconfig": "", "renderYamlToDirectory": str(written)}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": {"$secret": "b"}}}
    made.declare({"secret": declared(secret, provider="rendering")}, rendering=away).stack.up()
    path = written / "1-manifest" / f"v1-secret-{made.namespace}-s.yaml"
    content, mode, state = yaml.safe_load(path.read_text()), stat.S_IMODE(path.stat().st_mode), made.stack.state()
    made.stack.destroy()
    return Rendered(content, mode, state, list(written.rglob("*.yaml")))


def _log_in(environment: Mapping[str, str], cluster: TestCluster, folder: Path) -> Run:
    """With credentials that a program prints, as the clouds' kubeconfigs have it."""
    pki = cluster.plane.layout.folder / "pki"
    credential = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {
            "clientCertificateData": (pki / "admin.crt").read_text(),
            "clientKeyData": (pki / "admin.key").read_text(),
        },
    }
    answer = folder / "credential.json"
    answer.write_text(json.dumps(credential))
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    command = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": sys.executable,
        "args": ["-c", f"print(open({str(answer)!r}).read())"],
        "interactiveMode": "Never",
    }
    config["users"][0]["user"] = {"exec": command}
    made = trial(environment, cluster, folder)
    objects = {"object": declared(config_map(), provider="by-program")}
    return made.declare(objects, **{"by-program": {"kubeconfig": yaml.safe_dump(config)}}).stack.up()


def test_a_client_leaves_no_certificate_and_no_key_in_files(
    cluster: TestCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine kills plugins: whatever is to be deleted at their end stays."""
    layout = cluster.plane.layout
    # Nobody had it before: nothing remembers files of it.
    identity = layout.authority.issue("tidy", "tidy", groups=["system:masters"])
    kubeconfig = layout.authority.write_kubeconfig(
        tmp_path / "kubeconfig", server=layout.server, identity=identity, context="it"
    )
    left = tmp_path / "left"
    left.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(left))
    api, _ = configuration.Settings.read({"kubeconfig": str(kubeconfig)}).client()
    assert list(left.iterdir()) == []
    assert Cluster(api).call("GET", "/version")["major"] == "1"


SCENARIOS = {"away": _go_away, "moved": _move, "rendered": _render, "exec": _log_in}


@pytest.fixture(scope="module")
def away(scenarios: Mapping[str, Future[Away]]) -> Away:
    return scenarios["away"].result()


def _said(run: Run, severity: str = "error") -> str:
    return "\n".join(run.messages(severity))


def test_a_preview_passes_when_the_cluster_does_not_answer(away: Away) -> None:
    assert ops(away.preview) == {"moving": ["update"], "new": ["create"]}


def test_an_update_fails_and_says_that_the_cluster_is_unreachable_and_why(away: Away) -> None:
    assert "configured Kubernetes cluster is unreachable" in _said(away.created)
    assert "Connection refused" in _said(away.created)


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


OLD = {"kubeconfig": _kubeconfig("https://a")}

DIFFERENCES: dict[str, tuple[dict[str, str], dict[str, str], list[str]]] = {
    "nothing": (OLD, OLD, []),
    "another token": (OLD, {"kubeconfig": _kubeconfig("https://a", token="u")}, []),
    "another server": (OLD, {"kubeconfig": _kubeconfig("https://b")}, ["kubeconfig"]),
    "another authority": (OLD, {"kubeconfig": _kubeconfig("https://a", **{"tls-server-name": "x"})}, ["kubeconfig"]),
    "another context, the same cluster": (OLD, OLD | {"context": "same"}, []),
    "a context that is not there": (OLD, OLD | {"context": "none"}, []),
    "a kubeconfig that is not known yet": (OLD, {"kubeconfig": UNKNOWN}, ["kubeconfig"]),
    "not known yet, identified": (
        OLD | {"clusterIdentifier": "i"},
        {"kubeconfig": UNKNOWN, "clusterIdentifier": "i"},
        [],
    ),
    "another server, identified": (
        OLD | {"clusterIdentifier": "i"},
        {"kubeconfig": _kubeconfig("https://b"), "clusterIdentifier": "i"},
        [],
    ),
    "another identifier": (
        OLD | {"clusterIdentifier": "i"},
        OLD | {"clusterIdentifier": "j"},
        ["clusterIdentifier"],
    ),
    "an identifier where there was none": (OLD, OLD | {"clusterIdentifier": "i"}, []),
    "another folder to render to": (
        {"renderYamlToDirectory": "a"},
        {"renderYamlToDirectory": "b"},
        ["renderYamlToDirectory"],
    ),
}


@pytest.mark.parametrize("name", DIFFERENCES)
def test_only_another_cluster_replaces_the_provider(name: str) -> None:
    old, new, replaces = DIFFERENCES[name]
    answer = configuration.difference(old, new)
    assert list(answer.replaces) == replaces
    assert bool(answer.diffs) == (old != new)


def test_rendering_writes_manifests_without_a_cluster_and_removes_them(
    scenarios: Mapping[str, Future[Rendered]],
) -> None:
    rendered = scenarios["rendered"].result()
    assert rendered.manifest["data"] == {"a": "Yg=="}
    assert rendered.mode == 0o600
    assert rendered.left == []


def test_rendering_excludes_naming_a_cluster() -> None:
    failures = configuration.check({"renderYamlToDirectory": "a", "kubeconfig": "b"})
    assert [failure.property for failure in failures] == ["kubeconfig"]


def test_credentials_may_come_from_a_program(scenarios: Mapping[str, Future[Run]]) -> None:
    assert ops(scenarios["exec"].result())["object"] == ["create"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [("{", "while parsing"), ("no-such-file", "neither a file nor a kubeconfig"), ("/root/", "directory")],
)
def test_an_unreadable_kubeconfig_is_a_fault_in_words(text: str, fault: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=fault):
        configuration.loaded(text.replace("/root", str(tmp_path)))
