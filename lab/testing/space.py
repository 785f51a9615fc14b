"""A namespace of a real cluster for one group of tests, with helpers for its objects."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lab.node.api import Api, ApiError, Manifest
from lab.testing import probe

WAIT_SECONDS = 60.0
"""Timeout, far above every duration on an idle machine."""


def eventually(what: str, condition: Callable[[], Any]) -> Any:
    """The first true result of `condition`; an assertion error with `what` if it stays false."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"not within {WAIT_SECONDS:.0f} s: {what}"
        time.sleep(0.1)
    return answer


@dataclass(frozen=True)
class Space:
    """One Kubernetes namespace."""

    api: Api
    name: str

    @property
    def path(self) -> str:
        return f"/api/v1/namespaces/{self.name}"

    def create(self) -> None:
        self.remove()
        eventually(f"namespace {self.name} of an earlier run is gone", lambda: not self.exists(self.path))
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        self.api.create("/api/v1/namespaces", {"metadata": {"name": self.name, "labels": labels}})
        account = f"{self.path}/serviceaccounts/default"
        eventually("the namespace's service account exists", lambda: self.exists(account))

    def remove(self) -> None:
        """Start its deletion."""
        self.api.delete(self.path)

    def exists(self, path: str) -> bool:
        try:
            self.api.get(path)
        except ApiError as error:
            if error.status != 404:
                raise
            return False
        return True

    def claim(self, name: str, mode: str) -> None:
        spec = {"accessModes": [mode], "resources": {"requests": {"storage": "1Gi"}}}
        self.api.create(f"{self.path}/persistentvolumeclaims", {"metadata": {"name": name}, "spec": spec})

    def volume_of(self, claim: str) -> Manifest:
        """The volume of a claim."""

        def bound() -> str:
            found = self.api.get(f"{self.path}/persistentvolumeclaims/{claim}")
            return found["spec"].get("volumeName", "") if found["status"]["phase"] == "Bound" else ""

        return self.api.get(f"/api/v1/persistentvolumes/{eventually(f'claim {claim} is bound', bound)}")

    def service(self, name: str, *, kind: str = "ClusterIP") -> Manifest:
        spec = {"type": kind, "selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8080}]}
        self.api.create(f"{self.path}/services", {"metadata": {"name": name}, "spec": spec})
        return self.api.get(f"{self.path}/services/{name}")

    def run(self, name: str, command: list[str], *, claims: tuple[str, ...] = ()) -> None:
        """Start a pod of the probe image; each claim is mounted at /<claim>."""
        container = {
            "name": "probe",
            "image": probe.NAME,
            "command": command,
            "volumeMounts": [{"name": claim, "mountPath": f"/{claim}"} for claim in claims],
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
        }
        spec = {
            "restartPolicy": "OnFailure",
            "terminationGracePeriodSeconds": 0,
            "securityContext": {
                "runAsUser": 50000,
                "runAsGroup": 0,
                "runAsNonRoot": True,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
            "volumes": [{"name": claim, "persistentVolumeClaim": {"claimName": claim}} for claim in claims],
        }
        self.api.create(f"{self.path}/pods", {"metadata": {"name": name, "labels": {"app": name}}, "spec": spec})

    def pod(self, name: str) -> Manifest:
        return self.api.get(f"{self.path}/pods/{name}")

    def wait_running(self, name: str) -> Manifest:
        """Wait until a pod's container is ready, and return the pod."""

        def ready() -> Manifest | None:
            pod = self.pod(name)
            states = pod["status"].get("containerStatuses", [])
            return pod if states and all(state["ready"] for state in states) else None

        return eventually(f"pod {name} is ready", ready)

    def output(self, name: str) -> str:
        """Wait for a pod's success, and return its output."""
        eventually(f"pod {name} has succeeded", lambda: self.pod(name)["status"]["phase"] == "Succeeded")
        return self.api.get(f"{self.path}/pods/{name}/log").get("text", "")
