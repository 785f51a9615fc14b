"""The command `doctor` with the real engine, kubectl and API server, and without any cloud."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from lab.paths import PROJECT
from lab.stack_file import filled_in
from lab.testing.cluster import TestCluster
from lab.testing.engine import Engine
from tests.engine.cloud_stacks import FILES
from tests.engine.program_stacks import RecordedStack, config, program

SECONDS_MAX = 30.0
"""Of a command that waits for nothing, on a busy machine."""


def doctor(stack: RecordedStack, **variables: str) -> tuple[int, list[str], str]:
    done = subprocess.run(
        [sys.executable, "-m", "operations", "doctor", "--stack", stack.name],
        cwd=stack.folder,
        env={**stack.environment, "PYTHONPATH": str(PROJECT), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout.splitlines(), done.stderr


@pytest.fixture(scope="module")
def environment(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """That of the engine, with stand-ins for the programs of both clouds, which say a version."""
    folder = tmp_path_factory.mktemp("bin")
    for name in ("gcloud", "gke-gcloud-auth-plugin", "az", "kubelogin"):
        program = folder / name
        program.write_text("#!/bin/sh\necho 1.2.3\n")
        program.chmod(0o755)
    return {**engine.environment, "PATH": os.pathsep.join([str(folder), engine.environment["PATH"]])}


def test_nothing_is_missing_where_the_cluster_answers(
    environment: Mapping[str, str], cluster: TestCluster, tmp_path: Path
) -> None:
    stack = program(tmp_path, environment, config(cluster.kubeconfig, "celery"))
    code, lines, errors = doctor(stack)
    assert (code, errors) == (0, "")
    assert [line for line in lines[:-1] if not line.startswith("ok")] == []
    assert lines[-1] == "Nothing is missing."
    assert f"ok      Pulumi back end {stack.environment['PULUMI_BACKEND_URL']}, as " in "\n".join(lines)
    for line in ("ok      the cluster answers", "ok      the settings of stack test are valid"):
        assert line in lines


def test_a_login_without_rights_in_the_cluster_is_told_them(
    environment: Mapping[str, str], cluster: TestCluster, tmp_path: Path
) -> None:
    described = yaml.safe_load(cluster.kubeconfig.read_text())
    for user in described["users"]:
        user["user"] |= {"as": "nobody", "as-groups": ["system:authenticated"]}
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(described))
    code, lines, _ = doctor(program(tmp_path / "stack", environment, config(kubeconfig, "celery")))
    [line] = [line for line in lines[:-1] if not line.startswith("ok")]
    assert line.startswith("missing this login may not create namespaces, create validatingadmissionpolicies")
    assert (code, lines[-1]) == (1, "1 missing")


def test_a_stack_with_wrong_settings_shows_all_of_them_after_the_tools(
    environment: Mapping[str, str], cluster: TestCluster, tmp_path: Path
) -> None:
    stack = program(tmp_path, environment, config(cluster.kubeconfig, "fast", name="No_Name"))
    code, lines, errors = doctor(stack)
    assert (code, errors, lines[-1]) == (1, "", "2 missing")
    wrong = [line for line in lines[:-1] if not line.startswith("ok")]
    assert {line.split()[1].partition(".")[0].rstrip(":") for line in wrong} == {"airflow:executor", "airflow:name"}


def test_a_stack_that_does_not_exist_is_named(
    environment: Mapping[str, str], cluster: TestCluster, tmp_path: Path
) -> None:
    stack = program(tmp_path, environment, config(cluster.kubeconfig, "celery"))
    other = RecordedStack(folder=stack.folder, name="other", environment=stack.environment)
    code, lines, errors = doctor(other)
    assert (code, errors) == (1, "")
    assert lines[-2].startswith("missing There is no stack other; create it with `pulumi stack init other`; ")


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_the_command_does_not_wait_for_a_cloud_that_is_out_of_reach(
    name: str, environment: Mapping[str, str], tmp_path: Path
) -> None:
    """No login: the addresses of the clouds are one that refuses connections."""
    stack = program(tmp_path, environment, filled_in(yaml.safe_load(FILES[name].read_text())["config"]))
    began = time.monotonic()
    code, lines, errors = doctor(
        stack,
        PREFLIGHT_ENDPOINT="http://127.0.0.1:9",
        GOOGLE_OAUTH_ACCESS_TOKEN="token",
        AZURE_ACCESS_TOKEN="token",
    )
    seconds = time.monotonic() - began
    assert (code, errors) == (0, "")
    assert [line.split()[0] for line in lines[:-1] if not line.startswith("ok")] == ["unknown"]
    assert seconds < SECONDS_MAX
