"""The command `doctor`: programs that are missing, old, silent or broken, packages, and an account of the cluster."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from operations.doctor import cluster, tools

KUBECTL = "kubectl --context here --namespace airflow"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def install(folder: Path, name: str, script: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def check(name: str = "trial", least: tuple[int, ...] = ()) -> str:
    return str(tools.Tool(name=name, version=("version",), remedy="install it", least=least).check())


def test_a_program_on_the_path_says_its_version(path: Path) -> None:
    install(path, "trial", "echo 'trial version v1.22.3-beta'")
    assert check() == "ok      trial 1.22.3"
    assert check(least=(1, 22, 3)) == "ok      trial 1.22.3"


def test_a_missing_program_and_an_old_one_are_missing_with_the_remedy(path: Path) -> None:
    assert check() == "missing trial is not on PATH; install it"
    install(path, "trial", "echo 1.9.12")
    assert check(least=(1, 22, 0)) == "missing trial 1.9.12 is older than 1.22.0; install it"


def test_a_program_that_hangs_or_prints_nothing_is_unknown(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "TIMEOUT_SECONDS", 0.5)
    install(path, "trial", "exec /bin/sleep 30")
    assert check() == "unknown trial does not print its version within 0 s; run it by hand"
    install(path, "trial", "echo broken >&2; exit 3")
    assert check() == "unknown trial prints no version; run it by hand: trial version"


def test_a_stack_needs_the_programs_of_its_cloud_alone(path: Path) -> None:
    for kind, wanted in {
        "gcp": ["pulumi", "kubectl", "gcloud", "gke-gcloud-auth-plugin"],
        "azure": ["pulumi", "kubectl", "az", "kubelogin"],
        "existing": ["pulumi", "kubectl"],
        None: ["pulumi", "kubectl"],
    }.items():
        lines = [str(finding) for finding in tools.findings(kind)]
        assert [line.split()[1] for line in lines if line.startswith("missing")] == wanted


def test_pulumi_is_as_new_as_the_project_requires(path: Path) -> None:
    install(path, "pulumi", "echo v3.100.0")
    [line] = [str(each) for each in tools.findings(None) if "pulumi 3" in str(each)]
    assert line.startswith("missing pulumi 3.100.0 is older than 3.244.0; ")


def test_packages_of_another_version_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert str(tools.packages()).startswith("ok      the 12 Python packages")
    version = importlib.metadata.version

    def other(name: str) -> str:
        if name == "pulumi-gcp":
            raise importlib.metadata.PackageNotFoundError(name)
        return "0.1" if name == "pydantic" else version(name)

    monkeypatch.setattr(importlib.metadata, "version", other)
    line = str(tools.packages())
    assert line.startswith("missing Python packages: pulumi-gcp is not installed and not ")
    assert "pydantic is 0.1 and not " in line
    assert line.endswith("; run `pulumi install`")


def findings(cloud: Mapping[str, Any], outputs: Mapping[str, Any]) -> list[str]:
    return [str(finding) for finding in cluster.findings(cloud, "airflow", outputs)]


def test_a_cloud_has_no_cluster_before_its_first_up(path: Path) -> None:
    assert findings({"kind": "gcp"}, {}) == []


def test_a_cluster_that_does_not_answer_names_the_login(path: Path) -> None:
    install(path, "kubectl", "echo 'error: no such context' >&2; exit 1")
    assert findings({"kind": "gcp"}, {"kubectl": KUBECTL, "kubeconfig_command": "gcloud login"}) == [
        "missing the cluster does not answer (error: no such context); log in to the cluster: gcloud login"
    ]


def test_the_rights_that_a_login_lacks_in_the_cluster_are_named(path: Path) -> None:
    install(path, "kubectl", 'case "$*" in *"can-i create secrets"*) echo no; exit 1;; esac')
    assert findings({"kind": "existing", "context": "here"}, {}) == [
        "ok      the cluster answers",
        "missing this login may not create secrets in the cluster; "
        "ask an administrator of the cluster for the ClusterRole cluster-admin",
    ]


def test_an_existing_cluster_is_that_of_the_settings(path: Path, tmp_path: Path) -> None:
    log = tmp_path / "calls"
    install(path, "kubectl", f'echo "$*" >> {log}')
    findings({"kind": "existing", "context": "here", "kubeconfig": "/k"}, {})
    assert {line.partition(" --request-timeout")[0] for line in log.read_text().splitlines()} == {
        "--kubeconfig=/k --context=here"
    }
