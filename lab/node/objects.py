"""Objects of the node's cluster: the default storage class, the DNS Service, permissions of the daemons."""

from __future__ import annotations

from typing import Final

from lab.node.api import Api, Manifest
from lab.node.instance import Instance

STORAGE_CLASS: Final = "standard"
PROVISIONER: Final = "airflow-lab/folder"
PROVISIONER_USER: Final = "airflow-lab-provisioner"

_RBAC: Final = "/apis/rbac.authorization.k8s.io/v1"


def apply(api: Api, instance: Instance) -> None:
    """Apply all objects."""
    for path, manifest in (
        _storage_class(),
        *_dns(instance),
        *_rights(
            "airflow-lab-dns",
            "coredns",
            {"": ["services", "pods", "namespaces"], "discovery.k8s.io": ["endpointslices"]},
        ),
        *_rights(
            PROVISIONER_USER,
            PROVISIONER_USER,
            {"": ["persistentvolumes", "persistentvolumeclaims", "persistentvolumeclaims/status"]},
            verbs=["list", "watch", "create", "patch", "delete"],
        ),
    ):
        api.apply(path, manifest)


def _storage_class() -> tuple[str, Manifest]:
    return f"/apis/storage.k8s.io/v1/storageclasses/{STORAGE_CLASS}", {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": STORAGE_CLASS,
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": PROVISIONER,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "Immediate",
        "allowVolumeExpansion": True,
    }


def _dns(instance: Instance) -> list[tuple[str, Manifest]]:
    """A Service without selector and its endpoint: CoreDNS is a process of the node, not a pod."""
    labels = {"k8s-app": "kube-dns", "kubernetes.io/name": "CoreDNS"}
    ports = [{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 53, "protocol": "TCP"}]
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kube-dns", "namespace": "kube-system", "labels": labels},
        "spec": {"clusterIP": instance.dns_service, "ports": ports},
    }
    endpoints = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "kube-dns-node",
            "namespace": "kube-system",
            "labels": {**labels, "kubernetes.io/service-name": "kube-dns"},
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": [instance.address], "conditions": {"ready": True}}],
        "ports": ports,
    }
    return [
        ("/api/v1/namespaces/kube-system/services/kube-dns", service),
        ("/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices/kube-dns-node", endpoints),
    ]


def _rights(
    name: str, user: str, resources: dict[str, list[str]], *, verbs: list[str] | None = None
) -> list[tuple[str, Manifest]]:
    """A ClusterRole and its binding to one user."""
    rules = [
        {"apiGroups": [group], "resources": kinds, "verbs": verbs or ["list", "watch"]}
        for group, kinds in resources.items()
    ]
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": rules,
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    }
    return [(f"{_RBAC}/clusterroles/{name}", role), (f"{_RBAC}/clusterrolebindings/{name}", binding)]
