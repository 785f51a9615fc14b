"""Installs Traefik and cert-manager in the node's cluster, like a cluster administrator."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from lab import images
from lab.gateway.programs import CERT_MANAGER_MODULE, TRAEFIK_MODULE
from lab.images import names
from lab.kubectl import kubectl
from lab.node.api import Manifest
from lab.node.node import Node
from lab.services.addresses import Addresses
from lab.tools.go import module_folder

CERT_MANAGER: Final = "cert-manager"
"""Namespace of cert-manager, which also contains the Secrets of ClusterIssuers."""
TRAEFIK: Final = "traefik"
READY_SECONDS: Final = 120
_CONTROLLER: Final = "traefik.io/gateway-controller"
_ADDRESS: Final = "gateway"
_RETRY_SECONDS: Final = 1
"""Interval of cert-manager's self check of a challenge; its default of 10 s would delay every certificate.
https://github.com/cert-manager/cert-manager/blob/v1.21.2/internal/apis/config/controller/v1alpha1/defaults.go"""
_CPU_MILLI: Final = 200
_RBAC: Final = "docs/content/reference/dynamic-configuration/kubernetes-gateway-rbac.yml"
"""Permissions of Traefik from its documentation."""


@dataclass(frozen=True)
class GatewayControllers:
    """Traefik and cert-manager for the Gateways of one class, in a cluster with the Gateway API's CRDs."""

    node: Node
    gateway_class: str

    @property
    def address(self) -> str:
        """The address of the Gateways for the machine and all pods, like that of a cloud's load balancer."""
        return Addresses(self.node).take(_ADDRESS)

    def up(self) -> None:
        """Install both, and wait until they are ready.

        Raises:
            LabError: an image was not built, or a pod was not ready in time.
        """
        self.node.import_images(images.gateway_controllers())
        kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", text=_text(_definitions()))
        kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", text=_text(self._objects()))
        for name in (CERT_MANAGER, TRAEFIK):
            wait = ("rollout", "status", f"deployment/{name}", f"--timeout={READY_SECONDS}s")
            kubectl("--namespace", name, *wait)

    def down(self) -> None:
        """Remove both, with everything that cert-manager created; does nothing if neither exists."""
        gone = ("delete", "--ignore-not-found", "--timeout=60s", "-f", "-")
        # Deleting the CRDs also deletes their objects.
        kubectl(*gone, text=_text(_definitions()))
        kubectl(*gone, text=_text(self._objects()))
        Addresses(self.node).drop(_ADDRESS)

    def _objects(self) -> Iterator[Manifest]:
        yield from self._cert_manager()
        yield from self._traefik()
        yield {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "GatewayClass",
            "metadata": {"name": self.gateway_class},
            "spec": {"controllerName": _CONTROLLER},
        }

    def _cert_manager(self) -> Iterator[Manifest]:
        yield from _namespace(CERT_MANAGER, "restricted")
        # Its chart has a dozen roles, which do not matter to stacks.
        yield _binding(CERT_MANAGER, "cluster-admin")
        arguments = [
            f"--cluster-resource-namespace={CERT_MANAGER}",
            "--enable-gateway-api",
            f"--dns01-check-retry-period={_RETRY_SECONDS}s",
        ]
        yield _deployment(CERT_MANAGER, names.CERT_MANAGER, arguments)

    def _traefik(self) -> Iterator[Manifest]:
        yield from _namespace(TRAEFIK, "restricted")
        documented = (module_folder("traefik", TRAEFIK_MODULE) / _RBAC).read_text()
        [role] = [each for each in yaml.safe_load_all(documented) if each["kind"] == "ClusterRole"]
        role["metadata"]["name"] = TRAEFIK
        yield role
        yield _binding(TRAEFIK, TRAEFIK)
        arguments = [
            "--entrypoints.web.address=:80",
            "--entrypoints.websecure.address=:443",
            "--providers.kubernetesgateway",
            f"--providers.kubernetesgateway.statusaddress.ip={self.address}",
            "--global.checknewversion=false",
            "--global.sendanonymoususage=false",
            "--accesslog",
        ]
        yield _deployment(TRAEFIK, names.TRAEFIK, arguments, ports=(80, 443))
        yield {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": TRAEFIK, "namespace": TRAEFIK},
            "spec": {
                "selector": {"app": TRAEFIK},
                "externalIPs": [self.address],
                "ports": [{"name": f"port-{port}", "port": port} for port in (80, 443)],
            },
        }


def _definitions() -> Iterator[Manifest]:
    folder = module_folder("cert_manager", CERT_MANAGER_MODULE) / "deploy/crds"
    for path in sorted(Path(folder).glob("*.yaml")):
        yield from filter(None, yaml.safe_load_all(path.read_text()))


def _namespace(name: str, pod_security: str) -> Iterator[Manifest]:
    labels = {"pod-security.kubernetes.io/enforce": pod_security}
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    yield {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": name}}


def _binding(name: str, role: str) -> Manifest:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": f"lab-{name}"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": name}],
    }


def _deployment(name: str, image: str, arguments: Sequence[str], *, ports: Sequence[int] = ()) -> Manifest:
    container: dict[str, Any] = {
        "name": name,
        "image": image,
        "args": list(arguments),
        "ports": [{"containerPort": port} for port in ports],
        # Pods without requests get no CPU on a busy machine.
        "resources": {"requests": {"cpu": f"{_CPU_MILLI}m"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    if ports:
        container["readinessProbe"] = {"tcpSocket": {"port": ports[0]}, "periodSeconds": 1}
    pod = {
        "serviceAccountName": name,
        "terminationGracePeriodSeconds": 1,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": pod},
        },
    }


def _text(manifests: Iterator[Manifest]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [*manifests]})
