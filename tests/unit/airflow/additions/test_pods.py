"""Additions of a stack to the pods of its workloads: which reach which pods, and what all of them keep."""

from __future__ import annotations

from functools import cache
from typing import Any, Final, get_args

import pytest

from components.airflow.additions.pods import target
from components.contract.workloads import WORKLOADS
from components.settings import pod_checks, pod_volume_checks
from components.settings.sections.pods import ALL as EVERY
from components.settings.sections.pods import FOREIGN, Target
from tests.unit.recording import recorder, stand_in_cloud
from tests.unit.recording.recorder import Recording
from tests.unit.recording.schemas import VERSIONS, violations
from tests.unit.recording.stacks import GCP, config
from tests.unit.recording.stacks_pods import ALL, PODS, SECRETS
from tests.unit.recording.workloads import Pod, every_pod, pods

WORKLOAD_PARTS: Final = {
    "api-server", "scheduler", "dag-processor", "triggerer", "worker", "flower", "redis", "migration", "task",
}  # fmt: skip
OWN: Final = {"fetch", "agent"}
"""Containers of the stack."""


def run(**sections: Any) -> Recording:
    recording = recorder.run({**config("celery+kubernetes", **sections), **SECRETS})
    assert recording.error is None, recording.error
    return recording


@cache
def tied() -> Recording:
    """On an existing cluster, where logs on a volume tie the pods of tasks to the instance's namespace."""
    return run(pods=PODS)


@cache
def apart() -> Recording:
    """On a cloud, where the pods of tasks live in the namespace for tasks."""
    with stand_in_cloud.in_place():
        return run(cloud=GCP, pods=PODS)


def by_part(recording: Recording) -> dict[str, Pod]:
    found = {pod.part: pod for pod in pods(recording) if pod.part != "postgres"}
    assert found.keys() == WORKLOAD_PARTS
    return found


def own_variables(pod: Pod) -> dict[str, str]:
    return {each["name"]: each["value"] for each in pod.main.get("env", []) if "value" in each}


def test_there_is_a_target_for_each_workload_but_that_of_dag_authors() -> None:
    assert {target(workload) for workload in WORKLOADS} - {"pod"} == set(get_args(Target)) - {EVERY}
    assert {target(workload) for workload, traits in WORKLOADS.items() if not traits.airflow} - {"pod"} == FOREIGN


def test_every_variable_of_the_program_is_refused_in_the_settings() -> None:
    """Otherwise the stack would replace it silently."""
    names = {
        variable["name"]
        for _, _, pod in every_pod()
        if pod.runs_airflow
        for variable in pod.main.get("env", [])
        if not variable["name"].startswith(pod_checks.OPTION_PREFIX)
    }
    missing = {
        name
        for name in names
        if name not in pod_checks.PROGRAM_VARIABLES and not name.startswith(tuple(pod_checks.PROGRAM_PREFIXES))
    }
    assert len(names) > 10
    assert missing == set()


def test_no_mount_of_a_stack_can_take_the_place_of_the_programs() -> None:
    taken = (*pod_volume_checks.PROGRAM_FOLDERS, *pod_volume_checks.PROGRAM_FILES)
    paths = {
        mount["mountPath"]
        for _, _, pod in every_pod()
        if pod.runs_airflow
        for mount in pod.main.get("volumeMounts", [])
    }
    assert len(paths) > 20
    assert {path for path in paths if not any(path == each or path.startswith(f"{each}/") for each in taken)} == set()


def test_no_container_of_a_stack_can_have_the_name_of_one_of_the_program() -> None:
    names = {container["name"] for _, _, pod in every_pod() for container in pod.containers if pod.part != "postgres"}
    prefixes = pod_volume_checks.PROGRAM_CONTAINER_PREFIXES
    assert {name for name in names if not name.startswith(prefixes)} == pod_volume_checks.PROGRAM_CONTAINERS


@pytest.mark.parametrize("stack", [tied, apart])
def test_metadata_and_placement_of_all_reach_every_workload(stack: Any) -> None:
    for part, pod in by_part(stack()).items():
        labels, annotations = pod.metadata["labels"], pod.metadata["annotations"]
        team = {"worker": "workers", "redis": "brokers"}.get(part, "data")
        assert (labels["team"], labels["cost-center"]) == (team, "42"), part
        assert annotations["example.org/owner"] == "data", part
        assert annotations["airflow/checksum"] != "", part
        assert pod.spec["nodeSelector"]["kubernetes.io/arch"] == "amd64", part
        assert {"key": "airflow", "operator": "Exists", "effect": "NoSchedule"} in pod.spec["tolerations"], part
        assert pod.spec["affinity"] == ALL["affinity"], part
        assert pod.spec["priorityClassName"] == ("workers" if part == "worker" else "airflow"), part


def test_the_programs_own_placement_stays_beside_that_of_the_stack() -> None:
    spec = by_part(apart())["task"].spec
    assert spec["nodeSelector"].keys() > {"kubernetes.io/arch", "disk"}
    assert len(spec["tolerations"]) == 2


def test_variables_of_all_reach_what_runs_airflow_and_those_of_a_workload_only_it() -> None:
    stages = {part: own_variables(pod).get("STAGE") for part, pod in by_part(tied()).items()}
    assert stages == {**dict.fromkeys(WORKLOAD_PARTS, "test"), "worker": "worker", "redis": None}


def test_a_tolerated_taint_of_a_workload_has_its_time() -> None:
    wanted = {"key": "gpu", "operator": "Equal", "value": "a100", "effect": "NoExecute", "tolerationSeconds": 60}
    assert [part for part, pod in by_part(tied()).items() if wanted in pod.spec["tolerations"]] == ["worker"]


@pytest.mark.parametrize("stack", [tied, apart])
def test_secret_variables_lie_in_a_secret_of_each_reader_in_its_own_namespace(stack: Any) -> None:
    recording: Recording = stack()
    expected = {"worker": {"API_TOKEN", "WORKER_TOKEN"}, "task": {"API_TOKEN", "TASK_TOKEN"}}
    secrets = {(found.namespace, found.object_name): found for found in recording.of_type("Secret")}
    for part, pod in by_part(recording).items():
        read = [
            (each["name"], each["valueFrom"]["secretKeyRef"])
            for each in pod.main.get("env", [])
            if each["name"].endswith("_TOKEN")
        ]
        wanted = set() if part == "redis" else expected.get(part, {"API_TOKEN"})
        assert {name for name, _ in read} == wanted, part
        for name, reference in read:
            found = secrets[(pod.namespace, reference["name"])]
            assert found.plain["stringData"].keys() == wanted
            assert reference["key"] == name


def test_a_changed_secret_variable_restarts_its_readers_and_no_other() -> None:
    changed = {key: {"secure": value["secure"].replace("of the worker", "new")} for key, value in SECRETS.items()}
    other = recorder.run({**config("celery+kubernetes", pods=PODS), **changed})
    before, after = by_part(tied()), by_part(other)
    key = "airflow/checksum"
    differing = {
        part for part in before if before[part].metadata["annotations"][key] != after[part].metadata["annotations"][key]
    }
    assert differing == {"worker"}


@pytest.mark.parametrize("stack", [tied, apart])
def test_volumes_and_containers_of_all_reach_what_runs_airflow(stack: Any) -> None:
    for part, pod in by_part(stack()).items():
        inits = {container["name"]: container for container in pod.spec.get("initContainers", [])}
        assert (inits.keys() >= OWN) == (part != "redis"), part
        if part == "redis":
            assert "additional-shared" not in {volume["name"] for volume in pod.spec["volumes"]}
            continue
        order = list(inits)
        assert order.index("agent") < order.index("fetch"), part
        assert order.index("fetch") < (order.index("wait-for-migration") if "wait-for-migration" in order else 99), part
        assert inits["agent"]["restartPolicy"] == "Always"
        assert inits["agent"]["image"] == f"registry.example.org/agent:{2 if part == 'worker' else 1}"
        assert "restartPolicy" not in inits["fetch"]
        mounts = {mount["mountPath"]: mount for mount in pod.main["volumeMounts"]}
        assert mounts["/shared"]["name"] == "additional-shared"
        settings = mounts["/opt/airflow/config/airflow_local_settings.py"]
        assert (settings["subPath"], settings["readOnly"]) == ("airflow_local_settings.py", True)


def test_the_additional_containers_are_as_hardened_as_all_others() -> None:
    for part, pod in by_part(tied()).items():
        for container in pod.containers:
            security = container["securityContext"]
            assert security["readOnlyRootFilesystem"] is True, f"{part}: {container['name']}"
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert security["allowPrivilegeEscalation"] is False
            assert security["runAsNonRoot"] is True
            assert "memory" in container["resources"]["limits"]
            if container["name"] == "fetch":
                assert security["runAsUser"] == 1000


def test_containers_of_a_stack_see_neither_credentials_nor_options() -> None:
    offenders = [
        f"{part}: {container['name']}"
        for part, pod in by_part(tied()).items()
        for container in pod.containers
        if container["name"] in OWN
        and ("envFrom" in container or any("valueFrom" in each for each in container.get("env", [])))
    ]
    assert offenders == []


def test_a_roll_out_follows_the_stack() -> None:
    found = {each.name: each.plain["spec"] for each in tied().of_type("Deployment")}
    assert found["airflow-api-server"]["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": "50%", "maxUnavailable": "10%"},
    }
    assert found["airflow-triggerer"]["strategy"] == {"type": "Recreate"}
    assert {name: spec["minReadySeconds"] for name, spec in found.items()} == {
        **dict.fromkeys(found, 3),
        "airflow-triggerer": 0,
    }


def test_the_policy_of_task_pods_allows_the_volumes_of_the_stack_and_no_others() -> None:
    policy = tied().the("ValidatingAdmissionPolicy", "airflow-tied-task-pods").plain
    rules = {
        each["message"].partition(" of the template")[0]: each["expression"] for each in policy["spec"]["validations"]
    }
    assert '"certificates"' in rules["task pods read Secrets"]
    for claim in ("models", "reference"):
        assert f'"{claim}"' in rules["task pods mount claims"]
    [written] = [text for message, text in rules.items() if message.startswith("task pods mount DAG files read-only")]
    assert '"models"' in written
    assert '"reference"' not in written


@pytest.mark.parametrize("field", ["sidecars", "init_containers"])
def test_the_policy_of_task_pods_allows_containers_of_the_stack_to_write_to_a_claim(field: str) -> None:
    writer = {"name": "writer", "image": "writer:1", "mounts": [{"volume": "cache", "path": "/cache"}]}
    task = {"volumes": [{"kind": "claim", "name": "cache", "claim_name": "written-cache"}], field: [writer]}
    recording = recorder.run(config("celery+kubernetes", pods={"task": task}))
    policy = recording.the("ValidatingAdmissionPolicy", "airflow-tied-task-pods").plain
    rules = {each["message"]: each["expression"] for each in policy["spec"]["validations"]}
    [written] = [text for message, text in rules.items() if message.startswith("task pods mount DAG files read-only")]
    assert '"written-cache"' in written


def test_the_quota_has_room_for_the_sidecars_of_all_tasks() -> None:
    def quota(**sections: Any) -> tuple[int, int]:
        with stand_in_cloud.in_place():
            recording = recorder.run(config("celery+kubernetes", cloud=GCP, **sections))
        assert recording.error is None, recording.error
        hard = recording.the("ResourceQuota", "airflow-task-quota").plain["spec"]["hard"]
        return int(hard["requests.cpu"].removesuffix("m")), int(hard["requests.memory"].removesuffix("Mi"))

    sidecar = {"name": "agent", "image": "agent:1", "cpu_milli": 20, "memory_mib": 40}
    with_sidecar = quota(pods={"task": {"sidecars": [sidecar]}})
    without = quota()
    assert (with_sidecar[0] - without[0], with_sidecar[1] - without[1]) == (32 * 20, 32 * 40)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("stack", [tied, apart])
def test_every_pod_is_valid_in_the_strict_schema_of(stack: Any, version: str) -> None:
    offenders = [
        f"{part}: {violation}"
        for part, pod in by_part(stack()).items()
        for violation in violations(
            {"apiVersion": "v1", "kind": "Pod", "metadata": pod.metadata, "spec": pod.spec}, version
        )
    ]
    assert offenders == []
