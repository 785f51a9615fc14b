"""Effects of changed inputs on an object: update, replacement, or none. One preview and one update for all rows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.engine.stack import Run
from lab.testing.cluster import TestCluster
from lab.tests.engine.kubernetes_program import (
    Object,
    annotated,
    config_map,
    declared,
    job,
    ops,
    pod_template,
    trial,
    workload,
)

REPLACED = ["create-replacement", "replace", "delete-replaced"]
DELETED_FIRST = ["delete-replaced", "replace", "create-replacement"]
UPDATED = ["update"]
UNCHANGED: list[str] = []


@dataclass(frozen=True)
class Row:
    """An object before and after, and the expected operation."""

    before: Object
    after: Object
    ops: list[str]
    property: str = ""
    """The only property that differs; "" if that does not matter."""


def _skip(manifest: Object) -> Object:
    return annotated(manifest, skipAwait="true")


def _role_binding(role: str) -> Object:
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role}
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {},
        "roleRef": reference,
        "subjects": [{"kind": "ServiceAccount", "name": "default"}],
    }


def _service(**spec: object) -> Object:
    return _skip({"apiVersion": "v1", "kind": "Service", "metadata": {}, "spec": {"ports": [{"port": 80}], **spec}})


def _claim(storage_class: str, size: str = "1Gi") -> Object:
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": storage_class,
        "resources": {"requests": {"storage": size}},
    }
    return _skip({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {}, "spec": spec})


def _volume(path: str) -> Object:
    spec = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": path}}
    return _skip({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {}, "spec": spec})


def _class(mode: str) -> Object:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {},
        "provisioner": "none",
        "parameters": {"mode": mode},
    }


def _secret(value: str, **more: object) -> Object:
    data = {"password": {"$secret": value}}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {}, "stringData": data, **more}


def _cpu(amount: str, empty: Object) -> Object:
    container = {
        "name": "main",
        "image": "app:1",
        "resources": {"requests": {"cpu": amount, "memory": "1024Mi"}},
        **empty,
    }
    return _skip(workload("Deployment", template=pod_template() | {"spec": {"containers": [container]}}))


# Fields that Kubernetes' types omit when empty: the server does not return them.
_EMPTY = {"env": [{"name": "NOTHING", "value": ""}], "args": [], "stdin": False}

ROWS = {
    "auto-named ConfigMap, data": Row(config_map(), config_map(data={"a": "2"}), REPLACED, "data.a"),
    "named ConfigMap, data": Row(config_map("fixed"), config_map("fixed", data={"a": "2"}), DELETED_FIRST, "data.a"),
    "ConfigMap, label": Row(config_map(), config_map(labels={"b": "2"}), UPDATED, "metadata.labels"),
    "ConfigMap, another name": Row(config_map("one"), config_map("two"), REPLACED, "metadata.name"),
    "ConfigMap, another namespace": Row(
        config_map("moved"), config_map("moved", namespace="default"), REPLACED, "metadata.namespace"
    ),
    "auto-named Secret, data": Row(_secret("one"), _secret("two"), REPLACED, "data.password"),
    "Secret, the same value as data": Row(
        _secret("same"),
        {"apiVersion": "v1", "kind": "Secret", "metadata": {}, "data": {"password": {"$secret": "c2FtZQ=="}}},
        UNCHANGED,
    ),
    "Secret, type": Row(_secret("one", type="a/b"), _secret("one", type="a/c"), REPLACED, "type"),
    "Job, template": Row(_skip(job()), _skip(job("app:2")), REPLACED, "spec.template.spec.containers[0].image"),
    "Job, backoffLimit": Row(_skip(job(backoffLimit=1)), _skip(job(backoffLimit=2)), UPDATED, "spec.backoffLimit"),
    "Deployment, image": Row(
        _skip(workload("Deployment")),
        _skip(workload("Deployment", "app:2")),
        UPDATED,
        "spec.template.spec.containers[0].image",
    ),
    "Deployment, selector": Row(
        _skip(workload("Deployment", app="one")), _skip(workload("Deployment", app="two")), REPLACED
    ),
    "StatefulSet, replicas": Row(
        _skip(workload("StatefulSet")), _skip(workload("StatefulSet", replicas=2)), UPDATED, "spec.replicas"
    ),
    "StatefulSet, serviceName": Row(
        _skip(workload("StatefulSet")), _skip(workload("StatefulSet", serviceName="b")), REPLACED, "spec.serviceName"
    ),
    "PersistentVolumeClaim, class": Row(
        _claim("simulated"), _claim("simulated-late"), REPLACED, "spec.storageClassName"
    ),
    "PersistentVolume, source": Row(_volume("/tmp/a"), _volume("/tmp/b"), REPLACED, "spec.hostPath.path"),
    "StorageClass, parameters": Row(_class("a"), _class("b"), REPLACED, "parameters.mode"),
    "RoleBinding, roleRef": Row(_role_binding("one"), _role_binding("two"), REPLACED, "roleRef.name"),
    "Service, clusterIP": Row(_service(), _service(clusterIP="None"), REPLACED, "spec.clusterIP"),
    "Service, affinity": Row(_service(), _service(sessionAffinity="ClientIP"), UPDATED, "spec.sessionAffinity"),
    "ignored replicas": Row(
        declared(_skip(workload("Deployment")), ignore=["spec.replicas"]),
        declared(_skip(workload("Deployment", replicas=3)), ignore=["spec.replicas"]),
        UNCHANGED,
    ),
    "the same quantity in other words": Row(_cpu("0.5", _EMPTY), _cpu("500m", _EMPTY), UNCHANGED),
}


@dataclass(frozen=True)
class Changed:
    preview: Run
    update: Run
    again: Run
    before: Mapping[str, Object]
    after: Mapping[str, Object]


def _logical(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _change(environment: Mapping[str, str], cluster: TestCluster, folder: Path) -> Changed:
    made = trial(environment, cluster, folder)
    made.declare({_logical(name): row.before for name, row in ROWS.items()}).stack.up()
    before = made.recorded()
    made.declare({_logical(name): row.after for name, row in ROWS.items()})
    preview, update, again = made.stack.preview(), made.stack.up(), made.stack.preview()
    return Changed(preview, update, again, before, made.recorded())


SCENARIOS = {"changes": _change}


@pytest.fixture(scope="module")
def changed(scenarios: Mapping[str, Future[Changed]]) -> Changed:
    return scenarios["changes"].result()


@pytest.mark.parametrize("name", ROWS)
def test_a_change_updates_or_replaces(changed: Changed, name: str) -> None:
    row, logical = ROWS[name], _logical(name)
    expected = [op for op in row.ops if op != "replace"]
    done = [op for op in ops(changed.update).get(logical, []) if op != "replace"]
    assert done == expected
    differences = [step.differences for step in changed.preview.steps() if step.name == logical and step.differences]
    if row.property:
        assert row.property in differences[0]
    assert bool(differences) == bool(row.ops)


def test_a_changed_program_previews_unchanged_after_its_update(changed: Changed) -> None:
    assert ops(changed.again) == {}


def test_a_replaced_auto_named_object_gets_a_new_name_and_a_named_one_keeps_it(changed: Changed) -> None:
    auto, named = _logical("auto-named ConfigMap, data"), _logical("named ConfigMap, data")
    assert changed.after[auto]["id"] != changed.before[auto]["id"]
    assert changed.after[named]["id"] == changed.before[named]["id"]
