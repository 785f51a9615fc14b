"""Pod Security: the labels of a namespace, and the rules of the level `restricted`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

Level = Literal["restricted", "baseline", "privileged"]


def pod_security_labels(enforce: Level) -> dict[str, str]:
    """Labels for Pod Security admission; warnings and audit always use the level `restricted`.

    https://kubernetes.io/docs/concepts/security/pod-security-admission/
    """
    prefix = "pod-security.kubernetes.io"
    return {
        f"{prefix}/enforce": enforce,
        f"{prefix}/enforce-version": "latest",
        f"{prefix}/audit": "restricted",
        f"{prefix}/warn": "restricted",
    }


def violations(spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Path and rule of each field by which a pod spec breaks the level `restricted`.

    Volumes are left out.

    https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted

    Args:
        spec: a pod spec in the fields of Kubernetes, as plain data.
    """
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(field):
            yield field, "shares a namespace of the node"
    pod: Mapping[str, Any] = spec.get("securityContext") or {}
    yield from _context_violations("securityContext", pod)
    if pod.get("sysctls"):
        yield "securityContext.sysctls", "changes the kernel"
    for group in ("initContainers", "containers", "ephemeralContainers"):
        for container in spec.get(group) or ():
            yield from _container_violations(f"{group}[{container['name']}]", container, pod)


def _context_violations(path: str, context: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Violations by fields that pods and containers share."""
    if context.get("runAsUser") == 0:
        yield f"{path}.runAsUser", "is root"
    for field in ("seccompProfile", "appArmorProfile"):
        profile: Mapping[str, Any] = context.get(field) or {}
        if profile.get("type") == "Unconfined":
            yield f"{path}.{field}.type", "turns a profile of the node off"
    for field in ("seLinuxOptions", "windowsOptions"):
        if context.get(field):
            yield f"{path}.{field}", "chooses a security label"


def _container_violations(path: str, container: Mapping[str, Any], pod: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    context: Mapping[str, Any] = container.get("securityContext") or {}
    where = f"{path}.securityContext"
    yield from _context_violations(where, context)
    if context.get("allowPrivilegeEscalation") is not False:
        yield f"{where}.allowPrivilegeEscalation", "is not false"
    if context.get("privileged"):
        yield f"{where}.privileged", "is true"
    capabilities: Mapping[str, Any] = context.get("capabilities") or {}
    if "ALL" not in (capabilities.get("drop") or ()):
        yield f"{where}.capabilities.drop", "does not contain ALL"
    if set(capabilities.get("add") or ()) - {"NET_BIND_SERVICE"}:
        yield f"{where}.capabilities.add", "contains more than NET_BIND_SERVICE"
    if context.get("runAsNonRoot", pod.get("runAsNonRoot")) is not True:
        yield f"{where}.runAsNonRoot", "is not true"
    if not (context.get("seccompProfile") or pod.get("seccompProfile")):
        yield f"{where}.seccompProfile", "is missing"
    if context.get("procMount", "Default") != "Default":
        yield f"{where}.procMount", "is not Default"
    if any(port.get("hostPort") for port in container.get("ports") or ()):
        yield f"{path}.ports", "opens a port of the node"
