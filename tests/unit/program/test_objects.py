"""Rules over every object of every stack."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import pytest

from components.kubernetes import naming
from tests.unit.recording.recorder import Registration
from tests.unit.recording.schemas import VERSIONS, violations
from tests.unit.recording.stacks import recorded, recordings
from tests.unit.recording.workloads import every_pod

DNS_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
SERVICE_NAME: Final = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
LABEL_VALUE: Final = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
RECOMMENDED: Final = frozenset(
    f"app.kubernetes.io/{label}" for label in ("name", "instance", "component", "part-of", "managed-by")
)
ON_THE_STACK: Final = {
    "airflow": "the instance",
    "airflow-cloud": "the cloud layer, beside the instance and not in it",
    "cluster": "the stand-in cloud is no component",
}
CLUSTER_WIDE: Final = {
    "Namespace",
    "PersistentVolume",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
}
CUSTOM: Final = {
    "gateway.networking.k8s.io/v1": "the Gateway API, checked in test_exposure",
    "stand-in.example/v1": "the kind of a cloud that is none",
    "networking.gke.io/v1": "Google's own kinds, which its clusters bring",
}
"""API versions without a schema in Kubernetes."""


def every_object() -> Iterator[tuple[str, Registration]]:
    for stack, recording in recordings():
        for found in recording.objects:
            yield f"{stack}: {found.kind} {found.name}", found


def test_every_kubernetes_object_is_given_the_stacks_provider() -> None:
    offenders = []
    for stack, recording in recordings():
        [provider] = recording.of_type("kubernetes")
        wanted = f"{provider.urn}::{provider.name}-id"
        offenders += [f"{stack}: {found.name}" for found in recording.objects if found.provider != wanted]
    assert offenders == []


def test_only_the_roots_hang_off_the_stack() -> None:
    offenders = []
    met = set()
    for stack, recording in recordings():
        instance = recording.outputs["name"]
        for found in recording.registrations:
            if "::pulumi:pulumi:Stack::" in found.parent:
                root = found.name.replace(instance, "airflow", 1)
                met.add(root)
                if root not in ON_THE_STACK:
                    offenders.append(f"{stack}: {found.type} {found.name}")
            elif found.parent not in recording.by_urn:
                offenders.append(f"{stack}: {found.name} has a parent that is not there")
    assert offenders == []
    assert met <= ON_THE_STACK.keys()
    assert met >= {"airflow", "airflow-cloud"}


def test_logical_names_begin_with_the_instances() -> None:
    """Two instances in one stack would otherwise have one URN."""
    offenders = [
        f"{stack}: {found.name}"
        for stack, recording in recordings()
        for found in recording.registrations
        if not found.name.startswith(recording.outputs["name"]) and found.name != "cluster"
    ]
    assert offenders == []


def test_logical_names_hold_neither_stack_nor_version_nor_hash() -> None:
    offenders = [
        f"{stack}: {found.name}"
        for stack, recording in recordings()
        for found in recording.registrations
        if re.search(r"\d|[0-9a-f]{8}|test", found.name.removeprefix(recording.outputs["name"]))
    ]
    assert offenders == []


def test_every_object_carries_the_recommended_labels_of_its_instance() -> None:
    offenders = []
    for stack, recording in recordings():
        for found in recording.objects:
            labels = found.plain["metadata"].get("labels", {})
            if not labels.keys() >= RECOMMENDED:
                offenders.append(f"{stack}: {found.kind} {found.name}: no {sorted(RECOMMENDED - labels.keys())}")
            elif labels["app.kubernetes.io/instance"] != recording.outputs["name"]:
                offenders.append(f"{stack}: {found.kind} {found.name}: another instance")
    for stack, _, pod in every_pod():
        if not pod.metadata["labels"].keys() >= RECOMMENDED:
            offenders.append(f"{stack}: {pod}")
    assert offenders == []


def test_labels_and_annotations_are_text_within_their_limits() -> None:
    offenders = []
    for where, found in every_object():
        metadata = found.plain["metadata"]
        offenders += [
            f"{where}: {key}={value}"
            for key, value in metadata.get("labels", {}).items()
            if not LABEL_VALUE.fullmatch(value)
        ]
        offenders += [
            f"{where}: {key}" for key, value in metadata.get("annotations", {}).items() if not isinstance(value, str)
        ]
    assert offenders == []


def test_names_are_dns_labels_that_leave_room_for_what_is_derived_from_them() -> None:
    """The names of pods are derived: `<statefulset>-<hash>`, `<deployment>-<hash>-<id>`, `<job>-<id>`."""
    suffix = {"StatefulSet": len("-0123456789"), "Deployment": len("-0123456789-abcde"), "Job": len("-abcde")}
    offenders = []
    for where, found in every_object():
        name = found.object_name
        pattern = SERVICE_NAME if found.kind == "Service" else DNS_LABEL
        if not pattern.fullmatch(name):
            offenders.append(f"{where}: {name!r}")
        if len(name) + suffix.get(found.kind, 0) > naming.KUBERNETES_NAME_MAX:
            offenders.append(f"{where}: {name!r} leaves no room")
    assert offenders == []


def test_everything_is_in_one_of_the_stacks_own_namespaces() -> None:
    offenders = []
    for stack, recording in recordings():
        own = {found.object_name for found in recording.of_type("Namespace")}
        offenders += [
            f"{stack}: {found.kind} {found.name} in {found.namespace}"
            for found in recording.objects
            if (found.kind in CLUSTER_WIDE) != (found.namespace is None)
            or (found.namespace is not None and found.namespace not in own)
        ]
    assert offenders == []


def test_only_stable_api_versions_are_used() -> None:
    stable = {"v1", "apps/v1", "batch/v1", "rbac.authorization.k8s.io/v1", "admissionregistration.k8s.io/v1", *CUSTOM}
    assert {found.plain["apiVersion"] for _, found in every_object()} <= stable


@cache
def documents() -> dict[str, str]:
    """Every object and pod of every stack as JSON, without duplicates, with its first occurrence."""
    found: dict[str, str] = {}
    for where, registration in every_object():
        if registration.plain["apiVersion"] in CUSTOM:
            continue
        metadata = {**registration.plain["metadata"], "name": registration.object_name}
        found.setdefault(json.dumps({**registration.plain, "metadata": metadata}, sort_keys=True), where)
    for stack, _, pod in every_pod():
        document = {"apiVersion": "v1", "kind": "Pod", "metadata": pod.metadata, "spec": pod.spec}
        found.setdefault(json.dumps(document, sort_keys=True), f"{stack}: {pod}")
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_valid_in_the_strict_schema_of(version: str) -> None:
    assert len(documents()) > 100
    offenders = [
        f"{where}: {violation}"
        for document, where in documents().items()
        for violation in violations(json.loads(document), version)
    ]
    assert offenders == []


def test_the_strict_schema_refuses_what_is_wrong() -> None:
    """The rule above can fail: a misspelt key, a wrong type and a missing key are all reported."""
    service: dict[str, Any] = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}}
    role: dict[str, Any] = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "a"}}
    for version in VERSIONS:
        assert violations({**service, "spec": {"ports": [{"port": 1}]}}, version) == []
        assert violations({**service, "spec": {"portz": []}}, version) != []
        assert violations({**service, "spec": {"ports": [{"port": "http"}]}}, version) != []
        assert violations({**role, "rules": [{"resources": ["pods"]}]}, version) != []


def test_the_namespaces_enforce_pod_security_and_say_which_version_of_it() -> None:
    prefix = "pod-security.kubernetes.io"
    offenders = []
    for stack, recording in recordings():
        for found in recording.of_type("Namespace"):
            labels = found.plain["metadata"]["labels"]
            kinds = {source["kind"] for source in recording.config.get("airflow:dags", [])}
            folder_of_the_node = "host_path" in kinds and found.name == "airflow-namespace"
            # The namespace of a Gateway, whose proxies are created by its controller.
            proxies = found.name.endswith("-exposure-namespace")
            wanted = "privileged" if folder_of_the_node else "baseline" if proxies else "restricted"
            if labels.get(f"{prefix}/enforce") != wanted:
                offenders.append(f"{stack}: {found.name} enforces {labels.get(f'{prefix}/enforce')}")
            if {labels.get(f"{prefix}/{mode}") for mode in ("warn", "audit")} != {"restricted"}:
                offenders.append(f"{stack}: {found.name} measures by less than restricted")
            if f"{prefix}/enforce-version" not in labels:
                offenders.append(f"{stack}: {found.name} leaves the version open")
    assert offenders == []


def test_services_are_for_the_cluster_alone_unless_the_stack_says_otherwise() -> None:
    types = {
        (stack, found.name): found.plain["spec"].get("type", "ClusterIP")
        for stack, recording in recordings()
        for found in recording.of_type("Service")
    }
    opened = {key: value for key, value in types.items() if value != "ClusterIP"}
    assert opened == {("both, on a node's port", "airflow-api-server-service"): "NodePort"}
    [port] = recorded("both, on a node's port").the("Service", "airflow-api-server-service").plain["spec"]["ports"]
    assert port["nodePort"] == 30080
