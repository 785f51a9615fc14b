"""Airflow on a real node with each executor: every workload runs, every kind of DAG succeeds, and its logs stay."""

from __future__ import annotations

import pytest

from lab.testing.target import kubectl
from tests.cluster.airflow_fixture import Finished
from tests.cluster.cluster import COMPONENT, is_ready, objects, services, wait_until
from tests.cluster.installation import Installation

pytestmark = pytest.mark.timeout(1800)

ALWAYS = {"api-server", "scheduler", "dag-processor", "triggerer"}
CELERY = {"redis", "worker", "flower"}
PARTS = {"celery": ALWAYS | CELERY, "kubernetes": ALWAYS, "celery+kubernetes": ALWAYS | CELERY}


def test_every_part_is_ready_without_a_restart(airflow: Installation) -> None:
    assert services(airflow.namespace).keys() == PARTS[airflow.executor]
    pods = [
        pod for space in airflow.namespaces for pod in objects("pods", space, f"{COMPONENT} notin (migration,admin)")
    ]
    assert [pod["metadata"]["name"] for pod in pods if not is_ready(pod)] == []
    restarts = {
        pod["metadata"]["name"]: sum(status["restartCount"] for status in pod["status"]["containerStatuses"])
        for pod in pods
    }
    assert {name: count for name, count in restarts.items() if count} == {}


def test_every_example_dag_succeeds(finished: Finished) -> None:
    assert all(finished.values())


def test_the_fan_out_ran_a_task_for_each_element(finished: Finished) -> None:
    indexes = {task["map_index"] for task in finished["fan_out"] if task["task_id"] == "square"}
    assert indexes == {0, 1, 2, 3, 4}


def test_the_examples_with_pods_of_projects_succeed(airflow: Installation, finished_pods: Finished) -> None:
    """XCom, files, variable and secret of a project in the one, a notebook on a read-only root in the other."""
    told = {("pod_example", "report"): "Good morning: the sum of 3 roots is 6.0", ("papermill_run", "show"): "says 385"}
    for (dag, task_id), text in told.items():
        [task] = [task for task in finished_pods[dag] if task["task_id"] == task_id]
        assert text in airflow.client.log(dag, task["dag_run_id"], task)
    [report] = [task for task in finished_pods["pod_example"] if task["task_id"] == "report"]
    log = airflow.client.log("pod_example", report["dag_run_id"], report)
    assert "the secret has 8 characters" in log
    assert "12345678" not in log


def test_a_task_runs_where_its_executor_says(airflow: Installation, finished: Finished) -> None:
    hosts = {task["task_id"]: task["hostname"] for task in finished["executors"]}
    workers = [pod["status"]["podIP"] for pod in objects("pods", airflow.namespace, f"{COMPONENT}=worker")]
    expected = {
        "celery": {"on_CeleryExecutor": True},
        "kubernetes": {"on_KubernetesExecutor": False},
        "celery+kubernetes": {"on_CeleryExecutor": True, "on_KubernetesExecutor": False},
    }
    on_worker = {task: host in workers for task, host in hosts.items()}
    assert on_worker == expected[airflow.executor]


def test_nothing_in_the_namespace_strains_pod_security(airflow: Installation) -> None:
    [space] = [space for space in objects("namespaces") if space["metadata"]["name"] == airflow.namespace]
    assert space["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    complaints = [
        event["message"] for event in objects("events", airflow.namespace) if "PodSecurity" in event["message"]
    ]
    assert complaints == []


@pytest.fixture(scope="module")
def killed(airflow: Installation, finished: Finished) -> set[str]:
    """The uids of a scheduler and a worker that were killed after the DAGs had run."""
    # A killed scheduler leaves finished task pods to its successor, which adopts them only after five minutes.
    task_pods = f"{COMPONENT}=task"
    wait_until("the task pods are gone", lambda: not objects("pods", airflow.namespace, task_pods))
    parts = [part for part in ("scheduler", "worker") if part in PARTS[airflow.executor]]
    pods = [airflow.pod(part)["metadata"] for part in parts]
    for pod in pods:
        kubectl("delete", "pod", "--namespace", airflow.namespace, pod["name"], "--force", "--grace-period=0")
    return {pod["uid"] for pod in pods}


def test_a_log_is_readable_after_its_pod_is_gone(airflow: Installation, finished: Finished, killed: set[str]) -> None:
    def gone() -> bool:
        return not {pod["metadata"]["uid"] for pod in objects("pods", airflow.namespace)} & killed

    wait_until("the pods that ran the tasks are gone", gone)
    expected = {
        ("hello", "greet"): "Hello Airflow",
        ("fan_out", "total"): "sum of squares: 55",
        ("deferred", "after"): "the wait is over",
        ("tutorial", "templated"): ": hello",
        ("airflow_tutorial_v01", "print_world"): "world",
        **{("executors", task["task_id"]): "running in " for task in finished["executors"]},
    }
    for (dag, task_id), text in expected.items():
        [task] = [task for task in finished[dag] if task["task_id"] == task_id]
        assert text in airflow.client.log(dag, task["dag_run_id"], task)


def test_a_killed_scheduler_and_worker_come_back_and_work(airflow: Installation, killed: set[str]) -> None:
    def back() -> bool:
        pods = objects("pods", airflow.namespace, f"{COMPONENT} in (scheduler,worker)")
        fresh = [pod for pod in pods if pod["metadata"]["uid"] not in killed]
        return len(fresh) == len(killed) and all(is_ready(pod) for pod in fresh)

    wait_until("new pods are ready", back, timeout_seconds=300)
    airflow.run_dag("hello")
