"""Pods of tasks on a real API server: what the Roles, Pod Security, quota and admission policies of a stack refuse.

The stacks' own objects, as their recordings have them, are applied to the cluster; pods are sent as their creators send
them, and nothing starts (`dryRun`). tests/cluster/test_task_pods.py does the same with real DAGs.
"""

from __future__ import annotations

import importlib.util
import json
import time
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from components.airflow.pods.scripts import SCRIPTS
from lab.node.api import Api, ApiError, Manifest
from lab.testing.cluster import TestCluster, path
from tests.engine.task_pod_changes import (
    ACCOUNT,
    OF_OPERATORS,
    OF_THE_EXECUTOR,
    PREFIX,
    TIED,
    account,
    changed,
    init,
)
from tests.unit.conftest import isolated_environment
from tests.unit.recording import recorder, stand_in_cloud
from tests.unit.recording.recorder import Recording
from tests.unit.recording.stacks import AZURE, PROVIDED, config

pytestmark = pytest.mark.timeout(300)

APPLIED: Final = (
    "Namespace",
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "ResourceQuota",
    "LimitRange",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
)
"""The objects that decide about pods."""
POLICY_SECONDS: Final = 60.0
"""How long a new policy may take to be in force: the API server watches them."""


@dataclass(frozen=True)
class Stack:
    """A stack whose objects are in the cluster."""

    api: Api
    recording: Recording
    namespace: str

    @property
    def template(self) -> Manifest:
        """A pod as the scheduler creates it from its template."""
        pod = yaml.safe_load(self.recording.the("ConfigMap", "airflow-task-template").plain["data"]["task.yaml"])
        pod["metadata"]["name"] = f"{PREFIX}hello-say-abcdefgh"
        pod["metadata"]["labels"] |= {"kubernetes_executor": "True", "airflow-worker": "1"}
        return pod

    @property
    def operator(self) -> Manifest:
        """A pod as the KubernetesPodOperator creates it from its defaults, with the sidecar for its result."""
        pod: Manifest = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "hello", "namespace": self.namespace, "labels": {}, "annotations": {}},
            "spec": {
                "restartPolicy": "Never",
                "securityContext": {},
                "volumes": [{"name": "xcom", "emptyDir": {}}],
                "containers": [
                    {"name": "base", "image": "alpine", "securityContext": {}, "command": ["true"]},
                    {
                        "name": "airflow-xcom-sidecar",
                        "image": "alpine",
                        "resources": {"requests": {"cpu": "1m", "memory": "10Mi"}},
                    },
                ],
            },
        }
        specification = importlib.util.spec_from_file_location("pod_defaults", SCRIPTS / "pod_defaults.py")
        assert specification is not None
        assert specification.loader is not None
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
        data = self.recording.the("ConfigMap", self.defaults).plain["data"]
        module.complete(pod, json.loads(data["pod_defaults.json"]))
        return pod

    @property
    def defaults(self) -> str:
        names = {found.name for found in self.recording.of_type("ConfigMap")}
        return "airflow-pod-defaults" if "airflow-pod-defaults" in names else "airflow-pod-defaults-tasks"

    def answer(self, workload: str, pod: Manifest, *, method: str = "POST") -> str:
        """The refusal of a pod that a workload sends; empty if it is accepted."""
        where = path("v1", "Pod", pod["metadata"]["namespace"])
        name = f"/{pod['metadata']['name']}" if method == "PUT" else ""
        return self.asked(workload, method, f"{where}{name}?dryRun=All", pod)

    def asked(self, workload: str, method: str, where: str, body: Manifest | None = None) -> str:
        """The refusal of a request of a workload; empty if it is accepted."""
        account = self.recording.the("ServiceAccount", f"airflow-access-{workload}-account")
        user = f"system:serviceaccount:{account.namespace}:{account.object_name}"
        try:
            replace(self.api, user=user).request(method, where, body)
        except ApiError as error:
            return str(error).replace('\\"', '"')
        return ""


def standing(cluster: TestCluster, home: Path, namespace: str, **sections: Any) -> Stack:
    """A stack with both executors whose objects are applied, and whose policies are in force."""
    cloud = sections.pop("cloud", None)
    made = config("celery+kubernetes", namespace=namespace, **({"cloud": cloud} if cloud else {}), **sections)
    with pytest.MonkeyPatch.context() as patch:
        for variable_name, value in isolated_environment(home).items():
            patch.setenv(variable_name, value)
        if cloud is None:
            recording = recorder.run(made)
        else:
            with stand_in_cloud.in_place():
                recording = recorder.run({**made, "airflow:image_pull_config": PROVIDED["airflow:image_pull_config"]})
    assert recording.error is None, recording.error
    for kind in APPLIED:
        for found in recording.of_type(kind):
            manifest = deepcopy(found.plain)
            manifest["metadata"]["name"] = found.object_name
            api_version = manifest["apiVersion"]
            where = path(api_version, kind, found.namespace or "", found.object_name)
            cluster.api.apply(where.replace("policys", "policies"), manifest)
    return Stack(cluster.api, recording, namespace)


def in_force(stack: Stack, workload: str, pod: Manifest) -> None:
    """Wait until a pod that the policies refuse is refused."""
    deadline = time.monotonic() + POLICY_SECONDS
    while not stack.answer(workload, pod):
        assert time.monotonic() < deadline, "no policy is in force"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def apart(cluster: TestCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose task pods live in the namespace for tasks."""
    stack = standing(cluster, tmp_path_factory.mktemp("home"), "apart", cloud=AZURE, pod_operator={"jobs": True})
    in_force(stack, "worker", changed(stack.operator, account("airflow-task")))
    yield stack
    remove(stack)


@pytest.fixture(scope="module")
def tied(cluster: TestCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose task pods live in the instance's namespace, because they mount a folder of the node."""
    stack = standing(cluster, tmp_path_factory.mktemp("home"), "tied", dags=[{"kind": "host_path", "path": "/dags"}])
    in_force(stack, "scheduler", changed(stack.template, account("airflow-scheduler")))
    yield stack
    remove(stack)


def remove(stack: Stack) -> None:
    """Delete the policies and namespaces; other tests use the same cluster."""
    for kind in ("ValidatingAdmissionPolicyBinding", "ValidatingAdmissionPolicy", "Namespace"):
        for found in stack.recording.of_type(kind):
            where = path(found.plain["apiVersion"], kind, "", found.object_name)
            stack.api.delete(where.replace("policys", "policies"))


def check(answer: str, expected: str) -> None:
    if expected:
        assert ": 403 " in answer
        assert expected in answer
    else:
        assert answer == ""


@pytest.mark.parametrize("workload", ["worker", "task"])
@pytest.mark.parametrize("case", OF_OPERATORS)
def test_a_pod_of_an_operator_reaches_nothing_of_the_instance(apart: Stack, case: str, workload: str) -> None:
    change, expected = OF_OPERATORS[case]
    check(apart.answer(workload, changed(apart.operator, change)), expected)


@pytest.mark.parametrize("case", OF_THE_EXECUTOR)
def test_a_task_pod_stays_one_in_the_namespace_for_tasks(apart: Stack, case: str) -> None:
    change, expected = OF_THE_EXECUTOR[case]
    check(apart.answer("scheduler", changed(apart.template, change)), expected)


@pytest.mark.parametrize("case", TIED)
def test_a_task_pod_refers_to_what_its_template_refers_to(tied: Stack, case: str) -> None:
    change, expected = TIED[case]
    check(tied.answer("scheduler", changed(tied.template, change)), expected)


def test_other_pods_of_the_instance_are_not_the_business_of_the_policy(tied: Stack) -> None:
    """A controller creates them from the stack's own Deployments."""
    where = path("v1", "Pod", "tied")
    tied.api.request("POST", f"{where}?dryRun=All", changed(tied.template, account("airflow-scheduler")))


@pytest.fixture(scope="module")
def running(apart: Stack) -> tuple[str, str]:
    """Paths of a pod of the executor and of one of an operator, which are in the cluster."""
    where = path("v1", "Pod", f"{apart.namespace}-tasks")
    names = {"scheduler": f"{PREFIX}runs", "worker": "runs"}
    for workload, pod in (("scheduler", apart.template), ("worker", apart.operator)):
        pod["metadata"]["name"] = names[workload]
        assert apart.asked(workload, "POST", where, pod) == ""
    return f"{where}/{names['scheduler']}", f"{where}/{names['worker']}"


OF_THE_SCHEDULER: Final = "pods of the Kubernetes executor are for the scheduler only"


@pytest.mark.parametrize("workload", ["worker", "task", "triggerer"])
def test_nobody_but_the_scheduler_deletes_pods_of_the_executor(
    apart: Stack, running: tuple[str, str], workload: str
) -> None:
    executors, operators = running
    check(apart.asked(workload, "DELETE", f"{operators}?dryRun=All"), "")
    check(apart.asked(workload, "DELETE", f"{executors}?dryRun=All"), OF_THE_SCHEDULER)
    check(apart.asked("scheduler", "DELETE", f"{executors}?dryRun=All"), "")


@pytest.mark.parametrize("workload", ["worker", "task"])
def test_nobody_changes_or_enters_pods_of_the_executor(apart: Stack, running: tuple[str, str], workload: str) -> None:
    """A changed image would run with the account of task pods; a changed label could report the state of a task."""
    executors, operators = running
    command = "exec?command=id&stdout=true&container=base"
    check(apart.asked(workload, "GET", f"{executors}/{command}"), OF_THE_SCHEDULER)
    # It comes as far as the node, which is none.
    assert OF_THE_SCHEDULER not in apart.asked(workload, "GET", f"{operators}/{command}")
    image = {"spec": {"containers": [{"name": "base", "image": "example.org/mine:1"}]}}
    label = {"metadata": {"labels": {"mine": "1"}}}
    for patch in (image, label):
        check(patched(apart, workload, executors, patch), ACCOUNT)
        check(patched(apart, workload, operators, patch), "")
    check(patched(apart, "scheduler", executors, label), "")
    stolen = {"metadata": {"labels": {"airflow-worker": "1"}}}
    check(patched(apart, workload, operators, stolen), "are for pods of the executor")


def patched(stack: Stack, workload: str, where: str, patch: Manifest) -> str:
    """The refusal of a change of a pod."""
    account = stack.recording.the("ServiceAccount", f"airflow-access-{workload}-account")
    user = f"system:serviceaccount:{account.namespace}:{account.object_name}"
    kind = "application/strategic-merge-patch+json"
    try:
        replace(stack.api, user=user).request("PATCH", f"{where}?dryRun=All", patch, content_type=kind)
    except ApiError as error:
        return str(error)
    return ""


def test_an_administrator_may_clean_up(apart: Stack, running: tuple[str, str]) -> None:
    apart.api.request("DELETE", f"{running[0]}?dryRun=All")


def test_a_job_gives_its_pods_no_more(apart: Stack) -> None:
    """Another account creates the pods of a Job: the policy asks what they are, not who sends them."""
    pod = changed(apart.operator, account("airflow-task"))
    controller = replace(apart.api, user="system:serviceaccount:kube-system:job-controller")
    where = f"{path('v1', 'Pod', apart.namespace + '-tasks')}?dryRun=All"
    with pytest.raises(ApiError, match=ACCOUNT):
        controller.request("POST", where, pod)
    controller.request("POST", where, apart.operator)


def test_a_container_without_requests_gets_the_defaults_of_the_namespace(apart: Stack) -> None:
    pod = changed(apart.operator, init(resources={}))
    user = f"system:serviceaccount:{apart.namespace}:airflow-worker"
    made = replace(apart.api, user=user).request("POST", f"{path('v1', 'Pod', 'apart-tasks')}?dryRun=All", pod)
    found = {each["name"]: each["resources"] for each in (*made["spec"]["initContainers"], *made["spec"]["containers"])}
    limits = {"memory": "512Mi", "ephemeral-storage": "1Gi"}
    assert found["first"]["limits"] == limits
    assert found["airflow-xcom-sidecar"]["limits"] == limits
    assert found["airflow-xcom-sidecar"]["requests"]["memory"] == "10Mi"
