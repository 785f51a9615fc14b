"""DAG files from git: the bundles, the credentials, and git-sync."""

from __future__ import annotations

import ast
import json
import os
import subprocess
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import pytest

from components.contract.workloads import DAG_READERS, LONG_RUNNING, PLUGIN_LOADERS, RUNS_ONCE
from lab.images.git_sync import PROGRAM
from tests.unit.airflow.pods.test_rolling import changed
from tests.unit.recording import recorder
from tests.unit.recording.recorder import Recording
from tests.unit.recording.stacks import GIT, STACKS, recorded
from tests.unit.recording.workloads import options_of, pod_of, pods, variables_of

STACK: Final = "both, DAGs from git"
GIT_BUNDLE: Final = "git_snapshot.SnapshotGitDagBundle"
LOCAL_BUNDLE: Final = "airflow.dag_processing.bundles.local.LocalDagBundle"


def bundles(recording: Recording) -> dict[str, dict[str, Any]]:
    text = options_of(recording, pod_of(recording, "scheduler"))["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"]
    return {entry["name"]: entry for entry in json.loads(text)}


def git_sync_of(recording: Recording, part: str) -> list[dict[str, Any]]:
    return [c for c in pod_of(recording, part).spec.get("initContainers", []) if "git-sync" in c["image"]]


def environment(container: dict[str, Any]) -> dict[str, str]:
    return {variable["name"]: variable.get("value", "") for variable in container["env"]}


def test_each_source_is_a_bundle_with_the_interval_of_its_kind() -> None:
    found = bundles(recorded(STACK))
    assert {name: (entry["classpath"], entry["kwargs"]["refresh_interval"]) for name, entry in found.items()} == {
        "dags": (LOCAL_BUNDLE, 300),
        "team-a": (GIT_BUNDLE, 40),
        "team-b": (GIT_BUNDLE, 60),
        "team-c": (GIT_BUNDLE, 60),
        # git-sync needs the other half.
        "synced": (LOCAL_BUNDLE, 30),
    }
    assert found["team-a"]["kwargs"] == {
        "repo_url": "https://git.example.org/team-a/dags.git",
        "tracking_ref": "main",
        "subdir": "airflow/dags",
        "git_conn_id": "dag_source_team_a",
        "refresh_interval": 40,
    }
    assert found["team-b"]["kwargs"]["tracking_ref"] == "v1"
    options = options_of(recorded(STACK), pod_of(recorded(STACK), "dag-processor"))
    assert options["AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL"] == "40"


def test_everyone_that_loads_the_list_of_bundles_has_the_module_of_their_class() -> None:
    """Also scheduler and api-server: a class that they cannot import ends them."""
    recording = recorded(STACK)
    offenders = [
        pod.part
        for pod in pods(recording)
        if "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST" in options_of(recording, pod)
        and "/opt/airflow/config/git_snapshot.py" not in {mount["mountPath"] for mount in pod.main["volumeMounts"]}
    ]
    assert offenders == []


def test_airflow_keeps_its_clones_in_a_folder_of_the_pod_with_a_limit() -> None:
    recording = recorded(STACK)
    for part in DAG_READERS:
        pod = pod_of(recording, part)
        path = options_of(recording, pod)["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH"]
        [mount] = [mount for mount in pod.main["volumeMounts"] if mount["mountPath"] == path]
        [volume] = [volume for volume in pod.spec["volumes"] if volume["name"] == mount["name"]]
        assert volume["emptyDir"]["sizeLimit"]
        assert not mount.get("readOnly")
    assert "dag-bundles" not in {volume["name"] for volume in pod_of(recording, "scheduler").spec["volumes"]}


def test_credentials_reach_only_workloads_that_read_the_repository() -> None:
    recording = recorded(STACK)
    having: dict[str, set[str]] = {}
    for pod in pods(recording):
        for volume in pod.spec.get("volumes", []):
            if "secret" in volume and volume["name"].startswith("git-"):
                having.setdefault(volume["name"], set()).add(pod.part)
    assert having == {
        **{name: set(DAG_READERS) for name in ("git-team-a", "git-team-b", "git-team-c")},
        # It has plugins, which the api-server and the scheduler load too.
        "git-synced": set(PLUGIN_LOADERS),
    }


def test_credentials_are_in_secrets_only() -> None:
    """Not in the URL of the bundle's option, not in a variable, not in an argument."""
    recording = recorded(STACK)
    offenders = [
        f"{found.kind} {found.name}"
        for found in recording.registrations
        if found.kind != "Secret"
        and any(text in json.dumps(found.plain, default=str) for text in ("a-git-token", "key-of-b", "key-of-s"))
    ]
    assert offenders == []
    stored = {found.name: found.plain["stringData"] for found in recording.of_type("Secret") if "-git-" in found.name}
    assert stored["airflow-git-team-a"] == {"password": "a-git-token"}
    assert stored["airflow-git-team-b"].keys() == {"ssh-privatekey", "known_hosts"}
    assert all(text.endswith("\n") for text in stored["airflow-git-team-b"].values()), "ssh refuses a key without it"


def test_ssh_accepts_pinned_servers_only() -> None:
    recording = recorded(STACK)
    connection = json.loads(variables_of(recording, pod_of(recording, "task"))["AIRFLOW_CONN_DAG_SOURCE_TEAM_B"])
    folder = "/etc/git-credentials/team-b"
    assert connection["extra"] == {
        "key_file": f"{folder}/ssh-privatekey",
        "known_hosts_file": f"{folder}/known_hosts",
        "strict_host_key_checking": "yes",
    }
    assert "password" not in connection


def test_every_reader_of_the_bundles_has_their_connections() -> None:
    """Without one, Airflow looks for it in the database at each start of a task."""
    recording = recorded(STACK)
    names = {f"AIRFLOW_CONN_DAG_SOURCE_TEAM_{team}" for team in "ABC"}
    offenders = [
        pod.part
        for pod in pods(recording)
        if pod.runs_airflow and pod.part not in RUNS_ONCE and not names <= variables_of(recording, pod).keys()
    ]
    assert offenders == []


@pytest.mark.parametrize(
    ("url", "password"),
    [
        ("https://git.example.org/team-a/dags.git", "token of a"),
        ("https://git.example.org/team-c/dags.git", "token of c"),
        ("https://git.example.org/team-d/dags.git", None),
        ("https://elsewhere.example.org/team-a/dags.git", None),
    ],
)
def test_git_sends_a_token_to_its_own_repository_only(url: str, password: str | None, tmp_path: Path) -> None:
    """The program git reads the variables of a pod."""
    recording = recorded(STACK)
    variables = {
        name: value.replace("/etc/git-credentials", str(tmp_path))
        for name, value in variables_of(recording, pod_of(recording, "task")).items()
        if name.startswith("GIT_")
    }
    for team in "ac":
        (tmp_path / f"team-{team}").mkdir()
        (tmp_path / f"team-{team}/password").write_text(f"token of {team}")
    host, _, path = url.removeprefix("https://").partition("/")
    done = subprocess.run(
        ["git", "credential", "fill"],
        input=f"protocol=https\nhost={host}\npath={path}\n\n",
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_ASKPASS": "false", **variables},
    )
    found = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert found.get("password") == password


def test_git_sync_stays_in_pods_that_run_on_and_clones_once_for_a_task() -> None:
    recording = recorded(STACK)
    for part in PLUGIN_LOADERS:
        [container] = git_sync_of(recording, part)
        variables = environment(container)
        assert (container.get("restartPolicy") == "Always") == (part in LONG_RUNNING)
        assert (variables.get("GITSYNC_ONE_TIME") == "true") == (part not in LONG_RUNNING)
        if part in LONG_RUNNING:
            # Nothing starts before the first commit is there, and no failure ends it later.
            [port] = container["ports"]
            assert variables["GITSYNC_HTTP_BIND"] == f":{port['containerPort']}"
            assert container["startupProbe"]["httpGet"]["port"] == port["name"]
            assert variables["GITSYNC_MAX_FAILURES"] == "-1"
    assert git_sync_of(recording, "flower") == []


def test_the_bundle_of_git_sync_is_where_the_link_is() -> None:
    recording = recorded(STACK)
    folder = bundles(recording)["synced"]["kwargs"]["path"]
    for part in DAG_READERS:
        [container] = git_sync_of(recording, part)
        variables = environment(container)
        [inside] = [m for m in container["volumeMounts"] if m["mountPath"] == variables["GITSYNC_ROOT"]]
        [mount] = [m for m in pod_of(recording, part).main["volumeMounts"] if m["name"] == inside["name"]]
        assert folder == f"{mount['mountPath']}/{variables['GITSYNC_LINK']}"
        assert mount["readOnly"]


def test_the_stand_in_of_the_lab_knows_every_setting_of_git_sync() -> None:
    """Tests on the node then see a setting that the stand-in would ignore."""
    [known] = [
        ast.literal_eval(node.value)
        for node in ast.parse(PROGRAM.read_text()).body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "DEFAULTS"
    ]
    used = {
        name.removeprefix("GITSYNC_")
        for part in PLUGIN_LOADERS
        for container in git_sync_of(recorded(STACK), part)
        for name in environment(container)
    }
    assert used - known.keys() == set()


def with_credentials(**changes: str) -> Recording:
    credentials = json.loads(GIT["airflow:git_credentials"]["secure"])
    credentials["team-a"].update(changes)
    config = deepcopy({**STACKS[STACK], "airflow:git_credentials": {"secure": json.dumps(credentials)}})
    recording = recorder.run(config)
    assert recording.error is None, recording.error
    return recording


def test_a_changed_token_restarts_its_readers_only() -> None:
    # The template of task pods is mounted by the scheduler.
    assert changed(recorded(STACK), with_credentials(token="another")) == {*DAG_READERS, "scheduler"}
