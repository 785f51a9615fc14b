"""The defaults of pods: the policy of Airflow as pods run it, on the models of the Kubernetes client."""

from __future__ import annotations

import configparser
import json
import logging
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pluggy
import pytest
from kubernetes.client import ApiClient
from kubernetes.client import models as k8s

from components.airflow.pods.scripts import script
from components.airflow.task_space import pod_defaults
from tests.unit.recording.stacks import recorded
from tests.unit.recording.workloads import Pod, pod_of, pods, variables_of

VALUES: Final[dict[str, Any]] = {
    "namespace": "airflow-tasks",
    "instance_namespace": "airflow",
    "executor_prefix": "airflow-task-",
    "labels": {"app.kubernetes.io/instance": "airflow", "app.kubernetes.io/managed-by": "airflow"},
    "service_account": "airflow-pod",
    "pull_secret": "airflow-image-pull",
    "node_selector": {"pool": "tasks"},
    "taint": "tasks",
    "user": {"uid": 50000, "fs_group": 0},
    "resources": {"cpu": "250m", "memory": "512Mi", "ephemeral-storage": "1Gi"},
}


@pytest.fixture
def hook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pluggy.PluginManager:
    """Airflow's manager of policies, with the plugin loaded from a folder on the search path, as Airflow loads it."""
    folder = tmp_path / "config"
    for path, text in (
        (f"{pod_defaults.MODULE}.py", script(f"{pod_defaults.MODULE}.py")),
        (f"{pod_defaults.MODULE}.json", json.dumps(VALUES)),
        (f"{pod_defaults.DISTRIBUTION}/METADATA", pod_defaults.METADATA),
        (f"{pod_defaults.DISTRIBUTION}/entry_points.txt", pod_defaults.ENTRY_POINTS),
    ):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, pod_defaults.MODULE, raising=False)
    manager = pluggy.PluginManager("airflow.policy")
    manager.add_hookspecs(_specification())
    assert manager.load_setuptools_entrypoints("airflow.policy") == 1
    return manager


def _specification() -> ModuleType:
    """The hook as airflow/policies.py of 3.3.2 specifies it."""
    module = ModuleType("specification")
    marker = pluggy.HookspecMarker("airflow.policy")

    def pod_mutation_hook(pod: Any) -> None: ...

    module.pod_mutation_hook = marker(pod_mutation_hook)  # type: ignore[attr-defined]
    return module


def operator_pod(**spec: Any) -> k8s.V1Pod:
    """A pod as the KubernetesPodOperator builds it from its defaults."""
    own = {"security_context": {}, "affinity": {}, "node_selector": {}, "tolerations": [], "volumes": []}
    container = k8s.V1Container(name="base", image="alpine", security_context={}, env=[], args=[])
    return k8s.V1Pod(
        api_version="v1",
        kind="Pod",
        metadata=k8s.V1ObjectMeta(name="task-abc", namespace="airflow", labels={"dag_id": "x"}, annotations={}),
        spec=k8s.V1PodSpec(**{"containers": [container], **own, **spec}),
    )


def completed(hook: pluggy.PluginManager, pod: k8s.V1Pod) -> dict[str, Any]:
    """The pod in JSON after the hook, as the client sends it."""
    hook.hook.pod_mutation_hook(pod=pod)
    return ApiClient().sanitize_for_serialization(pod)


def test_a_pod_with_the_operators_defaults_becomes_one_that_the_namespace_admits(hook: pluggy.PluginManager) -> None:
    pod = completed(hook, operator_pod())
    assert pod["metadata"] == {
        "name": "task-abc",
        "namespace": "airflow-tasks",
        "labels": {"dag_id": "x", **VALUES["labels"]},
        "annotations": {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"},
    }
    spec = pod["spec"]
    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 50000,
        "fsGroup": 0,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert (spec["serviceAccountName"], spec["automountServiceAccountToken"]) == ("airflow-pod", False)
    assert spec["imagePullSecrets"] == [{"name": "airflow-image-pull"}]
    assert spec["nodeSelector"] == {"pool": "tasks"}
    assert spec["tolerations"] == [{"key": "tasks", "operator": "Exists", "effect": "NoSchedule"}]
    [container] = spec["containers"]
    assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    limits = {"memory": "512Mi", "ephemeral-storage": "1Gi"}
    assert container["resources"] == {"requests": {"cpu": "250m", **limits}, "limits": limits}


def test_sidecars_and_init_containers_are_restricted_as_well(hook: pluggy.PluginManager) -> None:
    others = [k8s.V1Container(name="airflow-xcom-sidecar", image="alpine")]
    pod = operator_pod(init_containers=[k8s.V1Container(name="first", image="alpine")])
    pod.spec.containers += others
    spec = completed(hook, pod)["spec"]
    assert {
        container["name"]: container["securityContext"]["capabilities"]["drop"]
        for container in (*spec["containers"], *spec["initContainers"])
    } == {name: ["ALL"] for name in ("base", "airflow-xcom-sidecar", "first")}


def test_the_words_of_an_author_stay(hook: pluggy.PluginManager) -> None:
    pod = operator_pod(
        security_context=k8s.V1PodSecurityContext(run_as_user=1000, fs_group=2000),
        service_account_name="own",
        automount_service_account_token=True,
        image_pull_secrets=[k8s.V1LocalObjectReference(name="mine")],
        node_selector={"gpu": "yes"},
    )
    pod.metadata.namespace = "elsewhere"
    pod.metadata.labels["app.kubernetes.io/managed-by"] = "me"
    pod.metadata.annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"] = "true"
    pod.spec.containers[0].resources = k8s.V1ResourceRequirements(requests={"cpu": "2"}, limits={"memory": "1Gi"})
    pod.spec.containers[0].security_context = k8s.V1SecurityContext(
        allow_privilege_escalation=True, capabilities=k8s.V1Capabilities(drop=["NET_RAW"], add=["NET_BIND_SERVICE"])
    )
    plain = completed(hook, pod)
    spec, container = plain["spec"], plain["spec"]["containers"][0]
    assert plain["metadata"]["namespace"] == "elsewhere"
    assert plain["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "me"
    assert plain["metadata"]["annotations"] == {"cluster-autoscaler.kubernetes.io/safe-to-evict": "true"}
    assert (spec["securityContext"]["runAsUser"], spec["securityContext"]["fsGroup"]) == (1000, 2000)
    assert (spec["serviceAccountName"], spec["automountServiceAccountToken"]) == ("own", True)
    assert spec["imagePullSecrets"] == [{"name": "mine"}, {"name": "airflow-image-pull"}]
    assert (spec["nodeSelector"], spec.get("tolerations")) == ({"gpu": "yes"}, [])
    assert container["resources"] == {
        "requests": {"cpu": "2", "ephemeral-storage": "1Gi"},
        "limits": {"memory": "1Gi", "ephemeral-storage": "1Gi"},
    }
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": True,
        "capabilities": {"drop": ["NET_RAW"], "add": ["NET_BIND_SERVICE"]},
    }


def test_a_request_above_the_default_limit_gets_a_limit_of_its_own(hook: pluggy.PluginManager) -> None:
    """The namespace's limit range would set the default limit, and refuse the pod for its request above it."""
    pod = operator_pod()
    pod.spec.containers[0].resources = k8s.V1ResourceRequirements(requests={"memory": "2Gi"})
    sidecar = k8s.V1ResourceRequirements(requests={"cpu": "1m", "memory": "10Mi"})
    pod.spec.containers.append(k8s.V1Container(name="airflow-xcom-sidecar", image="alpine", resources=sidecar))
    main, other = completed(hook, pod)["spec"]["containers"]
    assert main["resources"]["limits"]["memory"] == "2Gi"
    assert other["resources"]["limits"] == {}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("dag-task-abcdefgh", "airflow-task-dag-task-abcdefgh"),
        ("airflow-task-x-abcdefgh", "airflow-task-x-abcdefgh"),
        ("d" * 54 + "-abcdefgh", "airflow-task-" + "d" * 41 + "-abcdefgh"),
        ("d" * 40 + "-" + "e" * 13 + "-abcdefgh", "airflow-task-" + "d" * 40 + "-abcdefgh"),
    ],
)
def test_pods_of_the_executor_have_a_prefix_that_others_may_not_have(
    hook: pluggy.PluginManager, name: str, expected: str
) -> None:
    pod = operator_pod(service_account_name="airflow-task")
    pod.metadata.name = name
    pod.metadata.labels["kubernetes_executor"] = "True"
    plain = completed(hook, pod)
    assert plain["metadata"]["name"] == expected
    assert len(expected) <= 63
    # Everything else of theirs is in the template.
    assert plain["metadata"]["namespace"] == "airflow"
    assert "imagePullSecrets" not in plain["spec"]


def test_a_task_whose_name_looks_like_the_executors_gets_another_name(hook: pluggy.PluginManager) -> None:
    pod = operator_pod()
    pod.metadata.name = "airflow-task-mine-abcdefgh"
    assert completed(hook, pod)["metadata"]["name"] == "pod-airflow-task-mine-abcdefgh"


def test_the_hook_of_the_images_own_module_runs_first(hook: pluggy.PluginManager) -> None:
    marker = pluggy.HookimplMarker("airflow.policy")

    class Own:
        @marker
        def pod_mutation_hook(self, pod: k8s.V1Pod) -> None:
            assert pod.metadata.annotations == {}
            pod.metadata.annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"] = "true"

    hook.register(Own())
    annotations = completed(hook, operator_pod())["metadata"]["annotations"]
    assert annotations == {"cluster-autoscaler.kubernetes.io/safe-to-evict": "true"}


def mounted(pod: Pod) -> set[str]:
    """Paths at which a pod's main container has the files of the defaults."""
    return {mount["mountPath"] for mount in pod.main["volumeMounts"] if mount["name"] == "pod-defaults"}


@pytest.mark.parametrize(
    ("stack", "parts"),
    [
        ("celery", {"worker"}),
        ("stand-in cloud, kubernetes", {"scheduler", "task"}),
        ("both, no pod operator", {"scheduler"}),
        ("celery, no pod operator", set()),
    ],
)
def test_the_processes_that_create_pods_have_the_defaults(stack: str, parts: set[str]) -> None:
    paths = {f"/opt/airflow/config/{name}" for name in ("pod_defaults.py", "pod_defaults.json")}
    paths |= {f"/opt/airflow/config/{pod_defaults.DISTRIBUTION}/{name}" for name in ("METADATA", "entry_points.txt")}
    found = {pod.part: mounted(pod) for pod in pods(recorded(stack)) if pod.runs_airflow}
    assert {part: files for part, files in found.items() if files} == dict.fromkeys(parts, paths)


def test_the_defaults_of_a_stack_are_those_of_its_settings_and_cloud() -> None:
    recording = recorded("stand-in cloud, own login and certificate")
    values = json.loads(recording.the("ConfigMap", "airflow-pod-defaults").plain["data"]["pod_defaults.json"])
    assert values.keys() == VALUES.keys()
    assert (values["namespace"], values["instance_namespace"]) == ("airflow-tasks", "airflow")
    assert values["service_account"] == "airflow-pod"
    assert values["pull_secret"] == recording.the("Secret", "airflow-image-pull-tasks").object_name
    task = pod_of(recording, "task")
    assert (values["node_selector"], values["taint"]) == (task.spec["nodeSelector"], task.spec["tolerations"][0]["key"])
    assert values["resources"] == VALUES["resources"]
    assert values["labels"]["app.kubernetes.io/managed-by"] == "airflow"


def test_operators_find_this_cluster_and_the_namespace_for_tasks() -> None:
    recording = recorded("celery+kubernetes")
    holders = {}
    for pod in pods(recording):
        if pod.runs_airflow and pod_defaults.CONNECTION in (variables := variables_of(recording, pod)):
            holders[pod.part] = json.loads(variables[pod_defaults.CONNECTION])
    assert holders.keys() == {"worker", "task", "triggerer"}
    extra = {"in_cluster": True, "namespace": "airflow-tasks", "xcom_sidecar_container_image": "alpine:3.24.1"}
    assert holders["worker"] == {"conn_type": "kubernetes", "extra": extra}


def test_the_entry_point_names_the_module() -> None:
    parser = configparser.ConfigParser()
    parser.read_string(pod_defaults.ENTRY_POINTS)
    assert dict(parser["airflow.policy"]) == {pod_defaults.MODULE: pod_defaults.MODULE}


class RefusedError(Exception):
    """Stands for the provider's PodCommandException."""


def stop_sidecar(hook: pluggy.PluginManager, monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
    """Stop the sidecar for results as the operator does after the hook has seen two pods; stopping fails."""

    class PodManager:
        log = logging.getLogger("pod_manager")

        def extract_xcom_kill(self, pod: object) -> None:
            raise failure

    module = ModuleType("airflow.providers.cncf.kubernetes.utils.pod_manager")
    monkeypatch.setattr(module, "PodManager", PodManager, raising=False)
    monkeypatch.setattr(module, "PodCommandException", RefusedError, raising=False)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for _ in range(2):
        pod = k8s.V1Pod(metadata=k8s.V1ObjectMeta(name="a"), spec=k8s.V1PodSpec(containers=[]))
        hook.hook.pod_mutation_hook(pod=pod)
    PodManager().extract_xcom_kill(object())


def test_a_sidecar_that_cannot_be_stopped_does_not_lose_the_result(
    hook: pluggy.PluginManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with Alpine, whose `pgrep` knows no user: the operator of cncf.kubernetes 10.22 fails the task then."""
    stop_sidecar(hook, monkeypatch, RefusedError("pgrep: unrecognized option: u"))


def test_other_errors_of_a_sidecar_still_fail_the_task(
    hook: pluggy.PluginManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RuntimeError):
        stop_sidecar(hook, monkeypatch, RuntimeError("the API server is away"))
