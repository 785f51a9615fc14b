"""All references of objects exist: Secrets, ConfigMaps and their keys, accounts, claims, pods, ports, hosts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from components.contract.requirements import PROJECT_LABEL
from components.contract.workloads import RUNS_ONCE
from tests.unit.recording.recorder import Recording, Registration, walk
from tests.unit.recording.stacks import OF_USERS, recorded, recordings
from tests.unit.recording.workloads import every_pod, options_of, pod_of, pods

INSIDE: Final = re.compile(r"([a-z0-9-]+)\.([a-z0-9-]+)\.svc(?:\.cluster\.local)?(?::(\d+))?")
ASKED_FOR: Final = {"-access-pod-account": "the account of pods that DAG authors start"}
"""Ends of names of objects that no pod of a stack refers to, each with the reason."""
GIVEN_NAMES: Final = {"pull": "the stack's own setting names a Secret that its owner made"}


def contents(recording: Recording, kind: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The keys of every Secret or ConfigMap, by namespace and name."""
    field = {"Secret": "stringData", "ConfigMap": "data"}[kind]
    return {(found.namespace or "", found.object_name): found.plain[field] for found in recording.of_type(kind)}


def references(container: dict[str, Any]) -> Iterator[tuple[str, str, str | None]]:
    """Sources of a container's variables: kind, name and key."""
    for source in container.get("envFrom", []):
        for field, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
            if field in source:
                yield kind, source[field]["name"], None
    for variable in container.get("env", []):
        origin = variable.get("valueFrom", {})
        for field, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
            if field in origin:
                yield kind, origin[field]["name"], origin[field]["key"]


def test_every_variable_comes_from_a_key_that_is_there() -> None:
    offenders = []
    for stack, recording, pod in every_pod():
        there = {kind: contents(recording, kind) for kind in ("Secret", "ConfigMap")}
        for container in pod.containers:
            for kind, name, key in references(container):
                keys = there[kind].get((pod.namespace, name))
                if keys is None or (key is not None and key not in keys):
                    offenders.append(f"{stack}: {pod}: {container['name']}: {kind} {name} {key}")
    assert offenders == []


CREATED_OUTSIDE: Final = {"team-c-token": "airflow:dags[].credentials_secret names a Secret that exists"}
"""Secrets that no stack creates, with the reason."""


def test_every_volume_comes_from_an_object_that_is_there() -> None:
    offenders = []
    for stack, recording, pod in every_pod():
        claims = {(found.namespace, found.object_name) for found in recording.of_type("PersistentVolumeClaim")}
        for volume in pod.spec.get("volumes", []):
            where = f"{stack}: {pod}: {volume}"
            match volume:
                case {"persistentVolumeClaim": {"claimName": name}}:
                    if (pod.namespace, name) not in claims and name not in OF_USERS:
                        offenders.append(where)
                case {"secret": {"secretName": name}} if name in CREATED_OUTSIDE:
                    pass
                case {"secret": {"secretName": name, **rest}}:
                    keys = contents(recording, "Secret").get((pod.namespace, name), {})
                    if not keys or not {item["key"] for item in rest.get("items", [])} <= keys.keys():
                        offenders.append(where)
                case {"configMap": {"name": name, **rest}}:
                    keys = contents(recording, "ConfigMap").get((pod.namespace, name), {})
                    paths = {
                        m["subPath"] for m in pod.main["volumeMounts"] if m["name"] == volume["name"] and "subPath" in m
                    }
                    if not keys or not paths | {item["key"] for item in rest.get("items", [])} <= keys.keys():
                        offenders.append(where)
                case {"emptyDir": _} | {"hostPath": _} | {"image": _}:
                    pass
                case _:
                    offenders.append(where)
    assert offenders == []


def test_every_account_and_pull_secret_is_there() -> None:
    offenders = []
    for stack, recording, pod in every_pod():
        accounts = {(found.namespace, found.object_name) for found in recording.of_type("ServiceAccount")}
        if (pod.namespace, pod.spec["serviceAccountName"]) not in accounts:
            offenders.append(f"{stack}: {pod}: {pod.spec['serviceAccountName']}")
        logins = {
            (found.namespace, found.object_name)
            for found in recording.of_type("Secret")
            if found.plain.get("type") == "kubernetes.io/dockerconfigjson"
        }
        for secret in pod.spec.get("imagePullSecrets", []):
            if secret["name"] not in GIVEN_NAMES and (pod.namespace, secret["name"]) not in logins:
                offenders.append(f"{stack}: {pod}: {secret}")
    assert offenders == []


def test_every_secret_and_config_map_and_claim_and_account_is_used() -> None:
    """An unused object is a leftover, and an unused Secret is a risk."""
    offenders = []
    for stack, recording in recordings():
        used: set[tuple[str, str, str]] = set()
        for pod in pods(recording):
            names = [(kind, name) for c in pod.containers for kind, name, _ in references(c)]
            for volume in pod.spec.get("volumes", []):
                for kind, field, key in (
                    ("Secret", "secret", "secretName"),
                    ("ConfigMap", "configMap", "name"),
                    ("PersistentVolumeClaim", "persistentVolumeClaim", "claimName"),
                ):
                    if field in volume:
                        names.append((kind, volume[field][key]))
            names.append(("ServiceAccount", pod.spec["serviceAccountName"]))
            names += [("Secret", secret["name"]) for secret in pod.spec.get("imagePullSecrets", [])]
            used |= {(kind, pod.namespace, name) for kind, name in names}
        # Credentials of a node to mount a share.
        used |= {
            ("Secret", reference["namespace"], reference["name"])
            for volume in recording.of_type("PersistentVolume")
            for key, reference in volume.plain["spec"]["csi"].items()
            if key.endswith("SecretRef")
        }
        used |= {
            ("Secret", gateway.namespace or "", reference["name"])
            for gateway in recording.of_type("Gateway")
            for listener in gateway.plain["spec"]["listeners"]
            for reference in listener.get("tls", {}).get("certificateRefs", [])
        }
        offenders += [
            f"{stack}: {found.kind} {found.name}"
            for found in recording.of_type("Secret", "ConfigMap", "PersistentVolumeClaim", "ServiceAccount")
            if (found.kind, found.namespace, found.object_name) not in used
            and not found.name.endswith(tuple(ASKED_FOR))
            # Pods that tasks start use them; tests/unit/airflow_project compares the names.
            and PROJECT_LABEL not in found.plain["metadata"]["labels"]
        ]
    assert offenders == []


def test_every_selector_selects_the_pods_of_one_part_and_no_others() -> None:
    offenders = []
    for stack, recording in recordings():
        for found in recording.of_type("Service", "Deployment", "StatefulSet"):
            spec = found.plain["spec"]
            selector = spec["selector"] if found.kind == "Service" else spec["selector"]["matchLabels"]
            selected = [
                pod
                for pod in pods(recording)
                if pod.namespace == found.namespace and selector.items() <= pod.metadata["labels"].items()
            ]
            own = [pod for pod in selected if found.kind == "Service" or pod.owner is found]
            if len(selected) != 1 or own != selected:
                offenders.append(f"{stack}: {found.kind} {found.name} selects {[str(pod) for pod in selected]}")
    assert offenders == []


def test_every_port_of_a_service_is_a_port_of_its_pods() -> None:
    offenders = []
    for stack, recording in recordings():
        for service in recording.of_type("Service"):
            selector = service.plain["spec"]["selector"].items()
            [pod] = [pod for pod in pods(recording) if selector <= pod.metadata["labels"].items()]
            ports = {port["name"]: port["containerPort"] for port in pod.main["ports"]}
            offenders += [
                f"{stack}: {service.name}: {port}"
                for port in service.plain["spec"]["ports"]
                if ports.get(port["targetPort"]) != port["port"]
            ]
    assert offenders == []


def test_a_stateful_set_has_a_headless_service_under_the_name_it_gives() -> None:
    """T1: with another name the pods have no addresses, and logs of workers cannot be read."""
    offenders = []
    for stack, recording in recordings():
        services = {(found.namespace, found.object_name): found for found in recording.of_type("Service")}
        for found in recording.of_type("StatefulSet"):
            spec = found.plain["spec"]
            service = services.get((found.namespace, spec["serviceName"]))
            if (
                service is None
                or service.plain["spec"].get("clusterIP") != "None"
                or service.plain["spec"]["selector"] != spec["selector"]["matchLabels"]
            ):
                offenders.append(f"{stack}: {found.name}: {spec['serviceName']}")
    assert offenders == []


def texts(recording: Recording, found: Registration) -> Iterator[tuple[str, str]]:
    for path, value, _ in walk(found.inputs):
        if isinstance(value, str):
            yield f"{found.kind} {found.name}{path}", value


def test_every_host_inside_the_cluster_is_a_service_with_that_port() -> None:
    offenders, met = [], set()
    for stack, recording in recordings():
        ports = {
            (found.namespace, found.object_name): {str(port["port"]) for port in found.plain["spec"]["ports"]}
            for found in recording.of_type("Service")
        }
        for found in recording.objects:
            for where, text in texts(recording, found):
                for host, namespace, port in INSIDE.findall(text):
                    there = ports.get((namespace, host), set())
                    met.add(host.removeprefix(f"{recording.outputs['name']}-"))
                    if not there or (port and port not in there):
                        offenders.append(f"{stack}: {where}: {host}.{namespace}:{port}")
    assert offenders == []
    assert met == {"api-server", "redis", "postgres"}


def test_tasks_find_the_api_that_they_talk_to() -> None:
    """T12: Airflow's default is localhost, which no task can reach."""
    offenders = [
        f"{stack}: {pod}"
        for stack, recording, pod in every_pod()
        if pod.runs_airflow
        and not re.fullmatch(
            rf"http://{recording.outputs['name']}-api-server\.{recording.outputs['namespace']}\.svc:8080/execution/",
            options_of(recording, pod).get("AIRFLOW__CORE__EXECUTION_API_SERVER_URL", ""),
        )
    ]
    assert offenders == []


def test_logs_of_workers_are_served_on_the_port_that_airflow_asks() -> None:
    """Airflow's own defaults are 8793 and 8794. It asks by address: the names of such pods do not resolve."""
    for part, number in (("worker", 8793), ("triggerer", 8794)):
        recording = recorded("celery+kubernetes")
        pod = pod_of(recording, part)
        [port] = pod.main["ports"]
        assert port["containerPort"] == number
        hostname = options_of(recording, pod)["AIRFLOW__CORE__HOSTNAME_CALLABLE"]
        assert hostname == "airflow.utils.net.get_host_ip_address"


def test_the_examples_are_mounted_where_a_bundle_looks_for_them() -> None:
    recording = recorded("both, example DAGs")
    for part in ("dag-processor", "triggerer", "worker", "task"):
        pod = pod_of(recording, part)
        bundles = json.loads(options_of(recording, pod)["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"])
        [folder] = [b["kwargs"]["path"] for b in bundles if b["name"] == "examples"]
        mounts = [mount for mount in pod.main["volumeMounts"] if mount["name"] == "examples"]
        files = {
            m["subPath"]
            for m in mounts
            if m["mountPath"].replace("/", ".") == f"{folder}.{m['subPath']}".replace("/", ".")
        }
        config_map = recording.the("ConfigMap", "airflow-example-dags")
        assert files == config_map.plain["data"].keys() != set()


def test_only_parts_that_run_dag_code_see_dag_files() -> None:
    readers = {
        pod.part
        for stack in ("both, example DAGs", "both, DAGs from a folder of the node")
        for pod in pods(recorded(stack))
        if {"dags-dags", "examples"} & {volume["name"] for volume in pod.spec.get("volumes", [])}
    }
    assert readers == {"dag-processor", "triggerer", "worker", "task"}
    writable = [
        f"{stack}: {pod}: {mount}"
        for stack, _, pod in every_pod()
        for mount in pod.main.get("volumeMounts", [])
        if mount["name"] in {"dags-dags", "examples"} and mount.get("readOnly") is not True
    ]
    assert writable == []


def test_dag_files_lie_where_every_bundle_says() -> None:
    """All workloads have the same list of bundles, except Jobs, which would only run again for it."""
    offenders = []
    for stack, recording in recordings():
        lists = {
            options_of(recording, pod).get("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST")
            for pod in pods(recording)
            if pod.runs_airflow and pod.part not in RUNS_ONCE
        }
        if len(lists) != 1 or None in lists:
            offenders.append(f"{stack}: {lists}")
    assert offenders == []


def test_every_part_that_writes_or_reads_logs_has_the_shared_volume() -> None:
    """T14: without it in the task's pod, the log is gone with the pod."""
    for stack in ("celery", "kubernetes", "celery+kubernetes"):
        recording = recorded(stack)
        [claim] = [found for found in recording.of_type("PersistentVolumeClaim") if found.name == "airflow-logs"]
        assert claim.plain["spec"]["accessModes"] == ["ReadWriteMany"]
        wanted = {"api-server", "scheduler", "dag-processor", "triggerer", "worker", "task"} & {
            pod.part for pod in pods(recording)
        }
        having = {
            pod.part
            for pod in pods(recording)
            for volume in pod.spec.get("volumes", [])
            if volume.get("persistentVolumeClaim", {}).get("claimName") == claim.object_name
            and {"name": volume["name"], "mountPath": "/opt/airflow/logs"} in pod.main["volumeMounts"]
            and options_of(recording, pod)["AIRFLOW__LOGGING__BASE_LOG_FOLDER"] == "/opt/airflow/logs"
        }
        assert having == wanted
