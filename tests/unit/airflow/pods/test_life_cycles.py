"""Rules over every pod of every stack: start, probes and termination."""

from __future__ import annotations

import re
from typing import Final

import pytest

from components.airflow.pods.scripts import script
from tests.unit.recording.stacks import recorded, recordings
from tests.unit.recording.workloads import every_container, every_pod, options_of, pod_of, pods

GRACE_SECONDS: Final = {
    "api-server": 60,
    "worker": 600,
    "task": 600,
    "triggerer": 60,
    "dag-processor": 60,
    "scheduler": 10,
}
"""Minimum time for an orderly termination."""
STARTUP_SECONDS: Final = 60
SAFE_TO_EVICT: Final = {
    "api-server": "true",
    "scheduler": "true",
    "dag-processor": "true",
    "triggerer": "true",
    "worker": "false",
    "task": "false",
}
BYTECODE: Final = "/opt/airflow-bytecode"
PROBES: Final = ("startupProbe", "readinessProbe", "livenessProbe")
MAY_OVERLAP: Final = {
    "startupProbe": "short periods notice a start at once, and the kubelet never runs two of a container's at a time",
}


def test_every_long_running_container_is_watched_and_restarted_when_it_hangs() -> None:
    offenders = [
        f"{where}: no liveness probe"
        for where, pod, container in every_container()
        if pod.long_running and container["name"] == pod.main["name"] and "livenessProbe" not in container
    ]
    assert offenders == []


def test_everything_behind_a_service_says_when_it_is_ready() -> None:
    offenders = []
    for stack, recording in recordings():
        for service in recording.of_type("Service"):
            selector = service.plain["spec"]["selector"].items()
            offenders += [
                f"{stack}: {pod} behind {service.name}"
                for pod in pods(recording)
                if pod.namespace == service.namespace
                and selector <= pod.metadata["labels"].items()
                and "readinessProbe" not in pod.main
            ]
    assert offenders == []


def test_a_probe_has_ended_before_the_next_one_is_due() -> None:
    offenders = [
        f"{where}: {kind} takes up to {probe['timeoutSeconds']} s every {probe['periodSeconds']} s"
        for where, _, container in every_container()
        for kind in PROBES
        if (probe := container.get(kind)) and kind not in MAY_OVERLAP
        if not 0 < probe["timeoutSeconds"] < probe["periodSeconds"]
    ]
    assert offenders == []


def test_no_container_is_killed_before_it_had_a_minute_to_start() -> None:
    offenders = []
    for where, _, container in every_container():
        if "livenessProbe" not in container:
            continue
        probe = container.get("startupProbe", container["livenessProbe"])
        if probe["failureThreshold"] * probe["periodSeconds"] < STARTUP_SECONDS:
            offenders.append(f"{where}: {probe}")
    assert offenders == []


def test_every_probe_names_a_port_that_its_container_has() -> None:
    offenders = []
    for where, _, container in every_container():
        ports = {port["name"] for port in container.get("ports", [])}
        for kind in PROBES:
            probe = container.get(kind, {})
            for action in ("httpGet", "tcpSocket"):
                if action in probe and probe[action]["port"] not in ports:
                    offenders.append(f"{where}: {kind}: {probe[action]}")
            if probe and len(probe.keys() & {"httpGet", "tcpSocket", "exec"}) != 1:
                offenders.append(f"{where}: {kind}: {probe}")
    assert offenders == []


@pytest.mark.parametrize("executor", ["celery", "kubernetes"])
def test_a_database_that_is_away_does_not_restart_the_api_server(executor: str) -> None:
    main = pod_of(recorded(executor), "api-server").main
    assert main["livenessProbe"]["httpGet"]["path"] == "/api/v2/version"
    assert main["readinessProbe"]["httpGet"]["path"] == "/api/v2/monitor/health"
    assert main["startupProbe"]["httpGet"]["path"] == "/api/v2/monitor/health"


def test_every_thread_of_the_api_server_can_have_a_connection_to_the_database() -> None:
    """With fewer, a burst of starting tasks blocks all of its 40 threads for the pool's timeout of 30 s."""
    recording = recorded("kubernetes")
    options = options_of(recording, pod_of(recording, "api-server"))
    kept, more = (int(options[f"AIRFLOW__DATABASE__SQL_ALCHEMY_{name}"]) for name in ("POOL_SIZE", "MAX_OVERFLOW"))
    assert kept + more == 40


@pytest.mark.parametrize(("executor", "part"), [("celery", "worker"), ("kubernetes", "task")])
def test_a_task_gives_a_busy_api_server_the_time_to_answer(executor: str, part: str) -> None:
    """A start that is reported twice, because the first answer was slow, is refused, and the task fails."""
    recording = recorded(executor)
    assert float(options_of(recording, pod_of(recording, part))["AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT"]) >= 60


def test_the_scheduler_answers_on_the_health_port_that_is_probed() -> None:
    recording = recorded("celery+kubernetes")
    scheduler = pod_of(recording, "scheduler")
    [port] = scheduler.main["ports"]
    options = options_of(recording, scheduler)
    assert options["AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK"] == "True"
    assert options["AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT"] == str(port["containerPort"])
    assert scheduler.main["livenessProbe"]["httpGet"] == {"path": "/health", "port": port["name"]}


def test_no_probe_loads_airflow() -> None:
    """Its command line would take 3 to 8 s of CPU and 120 MiB, every minute, in each pod."""
    offenders, met = [], set()
    for stack, recording in recordings():
        scripts = recording.the("ConfigMap", f"{recording.outputs['name']}-scripts").plain["data"]
        for pod in pods(recording):
            folders = {m["mountPath"] for m in pod.main.get("volumeMounts", []) if m["name"] == "scripts"}
            for kind in PROBES:
                command = pod.main.get(kind, {}).get("exec", {}).get("command")
                if command is None or not pod.runs_airflow:
                    continue
                met.add(pod.part)
                folder, _, name = command[1].rpartition("/")
                if command[0] != "python" or {folder} != folders or re.search("import (airflow|celery)", scripts[name]):
                    offenders.append(f"{stack}: {pod}: {kind}: {command}")
    assert offenders == []
    assert met == {"worker", "dag-processor", "triggerer"}


@pytest.mark.parametrize(("part", "job"), [("dag-processor", "DagProcessorJob"), ("triggerer", "TriggererJob")])
def test_a_job_is_looked_for_under_the_name_that_airflow_gives_it(part: str, job: str) -> None:
    pod = pod_of(recorded("celery"), part)
    probe = pod.main["livenessProbe"]
    assert probe["exec"]["command"][2:] == [job, "--unless-away"]
    callable_ = options_of(recorded("celery"), pod)["AIRFLOW__CORE__HOSTNAME_CALLABLE"]
    assert callable_ == "airflow.utils.net.get_host_ip_address"
    assert (
        "socket.gethostbyname(" in recorded("celery").the("ConfigMap", "airflow-scripts").plain["data"]["check_job.py"]
    )


def test_the_dag_processor_is_ready_when_it_has_begun() -> None:
    """Without a startup probe `up` ends before the state of the pod is known."""
    probe = pod_of(recorded("celery"), "dag-processor").main["startupProbe"]
    assert probe["exec"]["command"][2:] == ["DagProcessorJob"]


def test_servers_go_on_answering_until_everyone_has_heard_that_they_stop() -> None:
    """The listener would close before endpoints and load balancers remove the pod."""
    sleeping = {
        pod.part: pod.main["lifecycle"]["preStop"]["sleep"]["seconds"]
        for _, _, pod in every_pod()
        if "lifecycle" in pod.main
    }
    assert sleeping == {"api-server": 10, "flower": 10}
    graces = {pod.spec["terminationGracePeriodSeconds"] for _, _, pod in every_pod() if pod.part in sleeping}
    assert graces == {60}


def test_what_stays_compiles_airflow_once_and_what_tasks_start_does_not_inherit_that() -> None:
    """The official image has no compiled files, and the root file system cannot be written."""
    offenders = []
    for stack, _, pod in every_pod():
        mounts = {m["name"]: m["mountPath"] for m in pod.main.get("volumeMounts", [])}
        stays = pod.long_running and pod.runs_airflow
        if stays != ("bytecode" in mounts) or (
            stays and pod.main["args"][:2] != ["python", "/opt/airflow-scripts/start.py"]
        ):
            offenders.append(f"{stack}: {pod}: {pod.main.get('args')}")
        if stays and mounts["bytecode"] != BYTECODE:
            offenders.append(f"{stack}: {pod}: {mounts}")
        if any(v["name"] == "PYTHONPYCACHEPREFIX" for v in pod.main.get("env", [])):
            offenders.append(f"{stack}: {pod}: passes the folder on")
    assert offenders == []
    assert f'BYTECODE = "{BYTECODE}"' in script("start.py")


def test_libraries_of_dags_have_a_place_for_what_they_keep() -> None:
    """The home folder is read-only."""
    having = {pod.part for _, _, pod in every_pod() if "XDG_CACHE_HOME" in {v["name"] for v in pod.main.get("env", [])}}
    assert having == {"dag-processor", "triggerer", "worker", "task"}


def test_every_part_has_the_time_it_needs_to_end_in_order() -> None:
    offenders = [
        f"{stack}: {pod}: {pod.spec['terminationGracePeriodSeconds']} s"
        for stack, _, pod in every_pod()
        if pod.spec["terminationGracePeriodSeconds"] < GRACE_SECONDS.get(pod.part, 1)
    ]
    assert offenders == []


def test_workers_and_tasks_hear_of_their_end_before_their_children_do() -> None:
    offenders = [
        f"{stack}: {pod}"
        for stack, _, pod in every_pod()
        if pod.part in {"worker", "task"} and {"name": "DUMB_INIT_SETSID", "value": "0"} not in pod.main["env"]
    ]
    assert offenders == []


def test_an_autoscaler_empties_nodes_of_services_but_not_of_tasks() -> None:
    key = "cluster-autoscaler.kubernetes.io/safe-to-evict"
    found = {(pod.part, pod.metadata["annotations"].get(key)) for _, _, pod in every_pod() if pod.part in SAFE_TO_EVICT}
    assert found == set(SAFE_TO_EVICT.items())
