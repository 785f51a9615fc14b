"""Rules of the kubernetes stand-in that need no engine: quantities, names by seed, Ingresses, sets updated by hand."""

from __future__ import annotations

import time

import pytest
from kubernetes_program import Object

from lab.engine.kubernetes_provider import names
from lab.engine.kubernetes_provider.awaits.service import IngressAwaiter
from lab.engine.kubernetes_provider.awaits.sets import StatefulSetAwaiter
from lab.engine.kubernetes_provider.client import Resource, core
from lab.engine.kubernetes_provider.feeds import Event
from lab.engine.kubernetes_provider.normalize import quantity

INGRESSES = Resource("networking.k8s.io", "v1", "ingresses", "Ingress", namespaced=True)
SETS = Resource("apps", "v1", "statefulsets", "StatefulSet", namespaced=True)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("0.5", "500m"),
        (0.5, "500m"),
        ("1000m", "1"),
        ("1.5", "1500m"),
        (2, "2"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("0.5Gi", "512Mi"),
        ("1000Mi", "1000Mi"),
        ("1000k", "1M"),
        ("100M", "100M"),
        ("0", "0"),
        ("not a quantity", "not a quantity"),
    ],
)
def test_a_quantity_is_written_as_kubernetes_writes_it(written: object, canonical: str) -> None:
    assert quantity(written) == canonical


def test_a_seed_always_gives_the_same_name_and_another_seed_another() -> None:
    assert names.unique("a-", b"seed") == names.unique("a-", b"seed") != names.unique("a-", b"other")


def _ingress(addressed: bool) -> Object:
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    status = {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]} if addressed else {}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "i", "uid": "1"},
        "spec": {"rules": [{"http": {"paths": [{"path": "/", "backend": backend}]}}]},
        "status": status,
    }


def test_an_ingress_is_ready_when_every_path_leads_somewhere_and_it_has_an_address() -> None:
    waiting = IngressAwaiter(_ingress(addressed=False), None, lambda message, warning: None)
    waiting.see(Event(core("endpoints", "Endpoints"), False, {"metadata": {"name": "web", "uid": "2"}}))
    assert not waiting.ready()
    waiting.see(Event(INGRESSES, False, _ingress(addressed=True)))
    assert waiting.ready()
    waiting.see(Event(core("endpoints", "Endpoints"), True, {"metadata": {"name": "web", "uid": "2"}}))
    assert not waiting.ready()


def test_an_ingress_does_not_wait_for_endpoints_that_never_come() -> None:
    waiting = IngressAwaiter(_ingress(addressed=True), None, lambda message, warning: None)
    assert not waiting.ready()
    waiting.wake_at = time.monotonic()
    assert waiting.ready()


def test_a_statefulset_whose_pods_are_replaced_by_hand_is_ready_with_the_old_revision() -> None:
    def rolled(strategy: str) -> StatefulSetAwaiter:
        status = {
            "observedGeneration": 2,
            "replicas": 1,
            "readyReplicas": 1,
            "currentRevision": "a",
            "updateRevision": "b",
        }
        live = {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {"name": "s", "uid": "1", "generation": 2},
            "spec": {"replicas": 1, "updateStrategy": {"type": strategy}},
            "status": status,
        }
        waiting = StatefulSetAwaiter(live, None, lambda message, warning: None)
        waiting.see(Event(SETS, False, live))
        return waiting

    assert rolled("OnDelete").ready()
    assert not rolled("RollingUpdate").ready()
