"""Rules about pods in CEL, the language of admission policies: pure text, for policies of any feature.

https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/ and
https://kubernetes.io/docs/reference/using-api/cel/ define the language. Only functions of Kubernetes 1.30 are used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import pulumi

NameRule = Callable[[str], str]
"""A condition of a name: takes the expression of a name, and returns an expression."""

VARIABLES: Final[Mapping[str, str]] = {
    "containers": ("object.spec.containers + (has(object.spec.initContainers) ? object.spec.initContainers : [])"),
    "volumes": "has(object.spec.volumes) ? object.spec.volumes : []",
    "labels": "has(object.metadata.labels) ? object.metadata.labels : {}",
    "account": "has(object.spec.serviceAccountName) ? object.spec.serviceAccountName : 'default'",
}
"""Variables of policies about pods. Ephemeral containers are missing: no Role allows them."""
ALLOWED_VOLUMES: Final = (
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
)
"""Kinds of volumes of Pod Security `restricted`, https://kubernetes.io/docs/concepts/security/pod-security-standards/."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule of a policy."""

    expression: pulumi.Input[str]
    """True for a request that is allowed."""
    message: str
    """The rule that a refused request breaks, and the remedy."""


def quoted(text: str) -> str:
    """A text as a literal of CEL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def every(*conditions: str) -> str:
    """All conditions together."""
    return " && ".join(f"({condition})" for condition in conditions)


def secrets(rule: NameRule) -> str:
    """The rule holds for each Secret whose content the pod can read."""
    return every(
        _volumes("v.secret", "secretName", rule),
        _projected("secret", rule),
        _variables("secretKeyRef", rule),
        _variable_sources("secretRef", rule),
        f"variables.volumes.all(v, !has(v.csi) || !has(v.csi.nodePublishSecretRef) || "
        f"{rule('v.csi.nodePublishSecretRef.name')})",
        # Some drivers take the name of a Secret from here, such as file.csi.azure.com.
        "variables.volumes.all(v, !has(v.csi) || !has(v.csi.volumeAttributes) || "
        f"v.csi.volumeAttributes.all(k, {rule('v.csi.volumeAttributes[k]')}))",
    )


def config_maps(rule: NameRule) -> str:
    """The rule holds for each ConfigMap that the pod reads."""
    return every(
        _volumes("v.configMap", "name", rule),
        _projected("configMap", rule),
        _variables("configMapKeyRef", rule),
        _variable_sources("configMapRef", rule),
    )


def claims(rule: NameRule) -> str:
    """The rule holds for each claim that the pod mounts."""
    return _volumes("v.persistentVolumeClaim", "claimName", rule)


def pull_secrets(rule: NameRule) -> str:
    """The rule holds for each Secret that the node uses to pull images of the pod."""
    return (
        f"!has(object.spec.imagePullSecrets) || object.spec.imagePullSecrets.all(s, !has(s.name) || {rule('s.name')})"
    )


def read_only(condition: str) -> str:
    """Each mount of a volume `v` that fulfils the condition is read-only."""
    return (
        "variables.containers.all(c, !has(c.volumeMounts) || c.volumeMounts.all(m, "
        f"variables.volumes.all(v, v.name != m.name || !({condition}) || (has(m.readOnly) && m.readOnly))))"
    )


def restricted() -> str:
    """The pod passes Pod Security `restricted`, apart from its volumes."""
    pod = "has(object.spec.securityContext) && has(object.spec.securityContext"
    own = "has(c.securityContext) && has(c.securityContext"
    none = [f"!has(object.spec.{field}) || !object.spec.{field}" for field in ("hostNetwork", "hostPID", "hostIPC")]
    return every(
        *none,
        _containers(f"{own}.allowPrivilegeEscalation) && !c.securityContext.allowPrivilegeEscalation"),
        _containers(f"!({own}.privileged) && c.securityContext.privileged)"),
        _containers(
            f"{own}.capabilities) && has(c.securityContext.capabilities.drop) && "
            "'ALL' in c.securityContext.capabilities.drop && (!has(c.securityContext.capabilities.add) || "
            "c.securityContext.capabilities.add.all(a, a == 'NET_BIND_SERVICE'))"
        ),
        _containers(
            f"({own}.runAsNonRoot)) ? c.securityContext.runAsNonRoot : "
            f"({pod}.runAsNonRoot) && object.spec.securityContext.runAsNonRoot)"
        ),
        f"!({pod}.runAsUser)) || object.spec.securityContext.runAsUser != 0",
        _containers(f"!({own}.runAsUser)) || c.securityContext.runAsUser != 0"),
        _containers(
            f"({own}.seccompProfile)) ? c.securityContext.seccompProfile.type != 'Unconfined' : "
            f"({pod}.seccompProfile) && object.spec.securityContext.seccompProfile.type != 'Unconfined')"
        ),
        f"!({pod}.appArmorProfile)) || object.spec.securityContext.appArmorProfile.type != 'Unconfined'",
        _containers(f"!({own}.appArmorProfile)) || c.securityContext.appArmorProfile.type != 'Unconfined'"),
        f"!({pod}.seLinuxOptions))",
        _containers(f"!({own}.seLinuxOptions))"),
        f"!({pod}.sysctls))",
        f"!({pod}.windowsOptions))",
        _containers(f"!({own}.windowsOptions))"),
        _containers(f"!({own}.procMount)) || c.securityContext.procMount == 'Default'"),
        _containers("!has(c.ports) || c.ports.all(p, !has(p.hostPort) || p.hostPort == 0)"),
    )


def volume_kinds(*additional: str) -> str:
    """Each volume is of a kind of Pod Security `restricted`, or fulfils one of the additional conditions of `v`."""
    kinds = [f"has(v.{kind})" for kind in ALLOWED_VOLUMES]
    return f"variables.volumes.all(v, {' || '.join([*kinds, *(f'({each})' for each in additional)])})"


def _containers(condition: str) -> str:
    return f"variables.containers.all(c, {condition})"


def _volumes(source: str, field: str, rule: NameRule) -> str:
    return f"variables.volumes.all(v, !has({source}) || !has({source}.{field}) || {rule(f'{source}.{field}')})"


def _projected(source: str, rule: NameRule) -> str:
    return (
        "variables.volumes.all(v, !has(v.projected) || !has(v.projected.sources) || "
        f"v.projected.sources.all(s, !has(s.{source}) || !has(s.{source}.name) || {rule(f's.{source}.name')}))"
    )


def _variables(source: str, rule: NameRule) -> str:
    where = f"e.valueFrom.{source}"
    return (
        "variables.containers.all(c, !has(c.env) || c.env.all(e, !has(e.valueFrom) || "
        f"!has({where}) || !has({where}.name) || {rule(f'{where}.name')}))"
    )


def _variable_sources(source: str, rule: NameRule) -> str:
    return (
        "variables.containers.all(c, !has(c.envFrom) || c.envFrom.all(e, "
        f"!has(e.{source}) || !has(e.{source}.name) || {rule(f'e.{source}.name')}))"
    )
