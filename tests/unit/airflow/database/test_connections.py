"""Database clients: the number of connections, and verification of the server's certificate."""

from __future__ import annotations

import json
from typing import Final
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from components.settings import connection_budget
from components.settings.sections.components import ApiServer, Components, Scheduler, Triggerer
from components.settings.sections.executor import CeleryExecutor, Executor, KubernetesExecutor, Workers
from tests.unit.recording.recorder import Recording
from tests.unit.recording.stacks import STAND_IN, recorded
from tests.unit.recording.stand_in_cloud import AUTHORITY, MAX_CONNECTIONS
from tests.unit.recording.workloads import Pod, every_pod, options_of, pod_of, pods

PREFIX: Final = "AIRFLOW__DATABASE__SQL_ALCHEMY_"
ENGINES: Final = {"api-server": 2, "scheduler": 1, "dag-processor": 1, "triggerer": 1}
"""Pools that one pod of a part opens: the api-server has one more for asynchronous requests."""
CONNECTED: Final = {"api-server", "scheduler", "dag-processor", "triggerer", "migration", "worker"}
"""Parts with a connection to the metadata or, workers, to Celery's results."""
REPLICAS: Final = st.integers(1, 5)


def greatest(recording: Recording, pod: Pod) -> int:
    """Maximum of concurrent connections of all pods of a workload during a roll-out."""
    options, replicas = options_of(recording, pod), pod.owner.plain["spec"].get("replicas", 1)
    if pod.part == "worker":
        engine = json.loads(options["AIRFLOW__CELERY__RESULT_BACKEND_SQLALCHEMY_ENGINE_OPTIONS"])
        processes = int(options["AIRFLOW__CELERY__WORKER_CONCURRENCY"])
        # A process has one thread; while workers roll out there are twice as many.
        return 2 * replicas * processes * engine["pool_size"]
    pool = int(options[f"{PREFIX}POOL_SIZE"]) + int(options[f"{PREFIX}MAX_OVERFLOW"])
    surge = 0 if pod.owner.plain["spec"]["strategy"]["type"] == "Recreate" else 1
    return (replicas + surge) * ENGINES[pod.part] * pool


@pytest.mark.parametrize("stack", STAND_IN)
def test_the_pools_of_all_pods_together_fit_into_what_the_server_takes(stack: str) -> None:
    """Checklist 34."""
    recording = recorded(stack)
    held = [greatest(recording, pod) for pod in pods(recording) if pod.part in {*ENGINES, "worker"}]
    assert len(held) >= 4
    assert sum(held) <= MAX_CONNECTIONS


def executor_of(workers: int, concurrency: int) -> Executor:
    if workers == 0:
        return KubernetesExecutor(kind="kubernetes")
    return CeleryExecutor(kind="celery", workers=Workers(replicas=workers, concurrency=concurrency))


@limits(max_examples=200, deadline=None)
@given(
    api=REPLICAS,
    schedulers=REPLICAS,
    triggerers=REPLICAS,
    workers=st.integers(0, 5),
    concurrency=st.integers(1, 64),
    spare=st.integers(-5, 2000),
)
def test_pools_fit_for_any_number_of_replicas_or_are_refused(
    api: int, schedulers: int, triggerers: int, workers: int, concurrency: int, spare: int
) -> None:
    executor = executor_of(workers, concurrency)
    components = Components(
        api_server=ApiServer(replicas=api),
        scheduler=Scheduler(replicas=schedulers),
        triggerer=Triggerer(replicas=triggerers),
    )
    taken = connection_budget.least_connections(executor, components) + spare
    if spare < 0:
        with pytest.raises(ValueError, match="too few"):
            connection_budget.api_server_pool(executor, components, taken)
        return
    pool, other = connection_budget.api_server_pool(executor, components, taken), connection_budget.pool_of_others()
    assert pool.kept > 0 <= pool.more
    assert 8 <= pool.kept + pool.more <= 40
    total = (api + 1) * 2 * (pool.kept + pool.more)
    total += (schedulers + triggerers + 2 + 1) * (other.kept + other.more + 1)
    total += 2 * workers * (concurrency + 1) + (schedulers + 1 if workers else 0)
    assert total <= taken


def test_a_server_that_takes_enough_gives_every_thread_its_connection() -> None:
    assert connection_budget.api_server_pool(executor_of(0, 1), Components(), 1000) == connection_budget.Pool(
        kept=5, more=35
    )


def test_celery_is_given_no_option_of_its_engine_that_an_older_one_refuses() -> None:
    """Celery before 5.6.3, in images of Airflow 3.0 and 3.1, gives a NullPool whatever does not begin with "pool":
    max_overflow ends workers at their start (celery/backends/database/session.py of 5.5.2, get_engine)."""
    for stack in ("celery", "stand-in cloud, celery"):
        for part in ("worker", "scheduler"):
            options = options_of(recorded(stack), pod_of(recorded(stack), part))
            engine = json.loads(options["AIRFLOW__CELERY__RESULT_BACKEND_SQLALCHEMY_ENGINE_OPTIONS"])
            assert [name for name in engine if not name.startswith("pool")] == []
            assert engine["pool_size"] == 1


@pytest.mark.parametrize(
    ("stack", "places"),
    [("celery", 8), ("kubernetes", 32), ("celery+kubernetes", 8 + 32), ("both, several of each", (3 * 8 + 32) // 2)],
)
def test_a_scheduler_queues_no_more_tasks_than_there_are_places_for(stack: str, places: int) -> None:
    """Tasks queued beyond them wait in the broker and fail there after 30 minutes."""
    options = options_of(recorded(stack), pod_of(recorded(stack), "scheduler"))
    assert int(options["AIRFLOW__CORE__PARALLELISM"]) == places
    # With both executors one of them may use the slots of the other.
    patient = int(options.get("AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT", "600")) > 600
    assert patient == (stack not in ("celery", "kubernetes"))


def test_a_server_in_the_cluster_takes_as_many_connections_as_the_pools_may_open() -> None:
    for stack in ("celery", "kubernetes", "celery+kubernetes", "both, several of each"):
        recording = recorded(stack)
        [taken] = [
            int(text.removeprefix("max_connections="))
            for text in pod_of(recording, "postgres").main["args"]
            if text.startswith("max_connections=")
        ]
        held = [greatest(recording, pod) for pod in pods(recording) if pod.part in {*ENGINES, "worker"}]
        assert sum(held) <= taken - 3


def test_connections_are_new_before_a_managed_server_drops_them() -> None:
    for stack in ("celery", *STAND_IN):
        recording = recorded(stack)
        for pod in pods(recording):
            options = options_of(recording, pod)
            if pod.part in ENGINES:
                assert int(options[f"{PREFIX}POOL_RECYCLE"]) < 300
            if pod.part == "worker":
                engine = json.loads(options["AIRFLOW__CELERY__RESULT_BACKEND_SQLALCHEMY_ENGINE_OPTIONS"])
                assert engine["pool_recycle"] < 300
                assert engine["pool_pre_ping"] is True


@pytest.mark.parametrize("stack", STAND_IN)
def test_every_connection_to_a_cloud_checks_the_servers_name_and_certificate(stack: str) -> None:
    stored = {found.name.rpartition("-")[2]: found.plain["stringData"] for found in recorded(stack).of_type("Secret")}
    urls = [stored["metadata"]["connection"], stored["databases"]["administrator"]]
    urls += [stored["results"]["connection"]] if "results" in stored else []
    assert {parse_qs(urlsplit(url).query)["sslmode"][0] for url in urls} == {"verify-full"}
    assert parse_qs(urlsplit(stored["metadata"]["async-connection"]).query) == {"ssl": ["verify-full"]}


def authority_of(pod: Pod, container: dict[str, object]) -> str | None:
    [*found] = [v["value"] for v in container.get("env", []) if v["name"] == "PGSSLROOTCERT"]
    return found[0] if found else None


@pytest.mark.parametrize("stack", [stack for stack in STAND_IN if STAND_IN[stack]["airflow:cloud"]["kind"] == "gcp"])
def test_a_servers_own_authority_is_a_file_in_every_container_that_connects(stack: str) -> None:
    recording = recorded(stack)
    config_map = recording.the("ConfigMap", "airflow-database-authority")
    for pod in pods(recording):
        volumes = [
            v for v in pod.spec.get("volumes", []) if v.get("configMap", {}).get("name") == config_map.object_name
        ]
        assert bool(volumes) == (pod.part in CONNECTED), pod
        for container in pod.containers if volumes else ():
            path = authority_of(pod, container)
            assert path is not None
            folder, _, file = path.rpartition("/")
            assert config_map.plain["data"][file] == AUTHORITY
            mount = {"name": volumes[0]["name"], "mountPath": folder, "readOnly": True}
            assert mount in container["volumeMounts"]


def test_a_server_with_a_public_certificate_is_checked_by_what_the_image_trusts() -> None:
    recording = recorded("stand-in cloud, kubernetes")
    assert [found.name for found in recording.of_type("ConfigMap") if "authority" in found.name] == []
    for pod in pods(recording):
        wanted = "/etc/ssl/certs/ca-certificates.crt" if pod.part in CONNECTED else None
        assert {authority_of(pod, container) for container in pod.containers} == {wanted}


def test_where_nothing_is_checked_no_authority_is_named() -> None:
    """If a CA file exists, libpq and asyncpg treat `require` as a mode that verifies."""
    offenders = [
        f"{stack}: {pod}"
        for stack, recording, pod in every_pod()
        if recording.config["airflow:cloud"]["kind"] == "existing"
        and any(authority_of(pod, container) for container in pod.containers)
    ]
    assert offenders == []


def test_pods_that_run_tasks_are_on_the_nodes_that_are_meant_for_them_and_no_others_are() -> None:
    recording = recorded("stand-in cloud, shares")
    toleration = [{"key": "airflow-tasks", "operator": "Exists", "effect": "NoSchedule"}]
    for pod in pods(recording):
        runs_tasks = pod.part in {"worker", "task"}
        assert pod.spec.get("nodeSelector") == ({"pool": "tasks"} if runs_tasks else None), pod
        assert pod.spec.get("tolerations") == (toleration if runs_tasks else None), pod
    assert "nodeSelector" not in pod_of(recorded("celery"), "worker").spec


def test_a_broker_or_a_cluster_that_restarts_fails_no_task() -> None:
    """Measured with Celery 5.6 and a Redis that goes away: by itself the client gives up after 0.7 s, with an error
    that Airflow does not repeat. Without that, Airflow's time-out ends the attempt, and Airflow repeats it."""
    options = options_of(recorded("celery+kubernetes"), pod_of(recorded("celery+kubernetes"), "scheduler"))
    retry = json.loads(options["AIRFLOW__CELERY__EXTRA_CELERY_CONFIG"])["task_publish_retry_policy"]
    assert retry["max_retries"] is None
    attempt_seconds = float(options["AIRFLOW__CELERY__OPERATION_TIMEOUT"])
    assert attempt_seconds < 4, "Celery's broker_connection_timeout would end it first"
    assert attempt_seconds * int(options["AIRFLOW__CELERY__TASK_PUBLISH_MAX_RETRIES"]) >= 120
    assert int(options["AIRFLOW__KUBERNETES_EXECUTOR__TASK_PUBLISH_MAX_RETRIES"]) >= 10
