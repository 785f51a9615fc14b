"""Rules for pods, namespaces and roles in the cluster: Pod Security Standards, level restricted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from policies.conditions import listed
from policies.pods import TYPES, Pod, pods
from policies.resource import Resource, at, is_unknown, mapping, may_be
from policies.rule import NO_SETTING, Check, Rule

NAMESPACE: Final = "kubernetes:core/v1:Namespace"
ROLES: Final = ("kubernetes:rbac.authorization.k8s.io/v1:Role", "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole")
STANDARD: Final = "https://kubernetes.io/docs/concepts/security/pod-security-standards/"
MODULE: Final = NO_SETTING.format("components/kubernetes/pods.py")
VOLUMES: Final = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)
SYSCTLS: Final = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    }
)
SECCOMP: Final = ("RuntimeDefault", "Localhost")
ENFORCE: Final = "pod-security.kubernetes.io/enforce"
GATEWAY_SUFFIX: Final = "-gateway"
"""End of the name of a Gateway's namespace, whose proxy does not pass the level restricted,
https://github.com/istio-ecosystem/sail-operator/issues/1423."""
SENSITIVE: Final = frozenset({"escalate", "bind", "impersonate"})
"""Verbs by which an account can give itself every right, https://kubernetes.io/docs/concepts/security/rbac-good-practices/."""

PodCheck = Callable[[Pod], Iterator[str]]
Container = Mapping[str, Any]
ContainerCheck = Callable[[Pod, Container], Iterator[str]]


def _every_pod(check: PodCheck) -> dict[str, Check]:
    def faults(resource: Resource) -> Iterator[str]:
        for pod in pods(resource):
            for fault in check(pod):
                yield f"{pod.path}{fault}"

    return dict.fromkeys(TYPES, faults)


def _every_container(check: ContainerCheck) -> dict[str, Check]:
    def faults(resource: Resource) -> Iterator[str]:
        for pod in pods(resource):
            for path, container in pod.containers:
                for fault in check(pod, container):
                    yield f"{path}.{fault}"

    return dict.fromkeys(TYPES, faults)


def _host_of_pod(pod: Pod) -> Iterator[str]:
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if at(pod.spec, key) is True:
            yield f"spec.{key} is true and must be absent"
    for sysctl in listed(at(pod.spec, "securityContext.sysctls")):
        if at(sysctl, "name") not in SYSCTLS:
            yield f"spec.securityContext.sysctls has {at(sysctl, 'name')} and must have safe ones only"


def _host_of_container(_: Pod, container: Container) -> Iterator[str]:
    context = at(container, "securityContext")
    if at(context, "privileged") is True:
        yield "securityContext.privileged is true and must be false"
    if not may_be(at(context, "procMount"), None, "Default"):
        yield f"securityContext.procMount is {at(context, 'procMount')} and must be Default"
    for port in listed(at(container, "ports")):
        if at(port, "hostPort"):
            yield f"ports has hostPort {at(port, 'hostPort')} and must have none"


def _volumes(pod: Pod) -> Iterator[str]:
    for volume in listed(at(pod.spec, "volumes")):
        for kind in sorted({*mapping(volume)} - VOLUMES - {"name"}):
            if at(volume, kind) is not None:
                yield f"spec.volumes[{at(volume, 'name')}] is of kind {kind} and must be of a kind without host access"


def _privileges(_: Pod, container: Container) -> Iterator[str]:
    context = at(container, "securityContext")
    if not may_be(at(context, "allowPrivilegeEscalation"), False):
        yield "securityContext.allowPrivilegeEscalation is not false"
    dropped = at(context, "capabilities.drop")
    if "ALL" not in listed(dropped) and not is_unknown(dropped):
        yield "securityContext.capabilities.drop must have ALL"
    for added in listed(at(context, "capabilities.add")):
        if added != "NET_BIND_SERVICE":
            yield f"securityContext.capabilities.add has {added} and may have NET_BIND_SERVICE only"


def _user(pod: Pod, container: Container) -> Iterator[str]:
    own, shared = at(container, "securityContext"), at(pod.spec, "securityContext")
    non_root = at(own, "runAsNonRoot")
    if not may_be(at(shared, "runAsNonRoot") if non_root is None else non_root, True):
        yield "securityContext.runAsNonRoot is not true, and neither is the pod's"
    user = at(own, "runAsUser")
    if (at(shared, "runAsUser") if user is None else user) == 0:
        yield "securityContext.runAsUser is 0, which is root"


def _seccomp(pod: Pod, container: Container) -> Iterator[str]:
    path = "securityContext.seccompProfile.type"
    own = at(container, path)
    if not may_be(at(pod.spec, path) if own is None else own, *SECCOMP):
        yield f"{path} must be RuntimeDefault or Localhost"


def _root_filesystem(_: Pod, container: Container) -> Iterator[str]:
    if not may_be(at(container, "securityContext.readOnlyRootFilesystem"), True):
        yield "securityContext.readOnlyRootFilesystem is not true"


def _image(_: Pod, container: Container) -> Iterator[str]:
    image = at(container, "image")
    if not isinstance(image, str) or is_unknown(image):
        return
    tag = image.rpartition("/")[2].partition("@")[0].partition(":")[2]
    if "@" not in image and tag in ("", "latest"):
        yield f"image {image} must have a tag other than latest, or a digest"


def _resources(_: Pod, container: Container) -> Iterator[str]:
    for path in ("requests.cpu", "requests.memory", "limits.memory"):
        if at(container, f"resources.{path}") is None:
            yield f"resources.{path} is not set"


def _account(pod: Pod) -> Iterator[str]:
    if at(pod.spec, "serviceAccountName") in (None, "", "default"):
        yield "spec.serviceAccountName must be a ServiceAccount of the workload's own"


def _namespace(resource: Resource) -> Iterator[str]:
    name = str(at(resource.props, "metadata.name") or resource.name.removesuffix("-namespace"))
    allowed = ("restricted", "baseline") if name.endswith(GATEWAY_SUFFIX) else ("restricted",)
    labels = at(resource.props, "metadata.labels")
    level = labels if is_unknown(labels) else mapping(labels).get(ENFORCE)
    if level not in allowed and not is_unknown(level):
        yield f"metadata.labels[{ENFORCE}] is {level!r} and must be {' or '.join(allowed)}"


def _role(resource: Resource) -> Iterator[str]:
    for index, rule in enumerate(listed(at(resource.props, "rules"))):
        for key in ("verbs", "resources", "apiGroups"):
            if "*" in listed(at(rule, key)):
                yield f"rules[{index}].{key} has * and must list what the account needs"
        for verb in sorted(SENSITIVE.intersection(listed(at(rule, "verbs")))):
            yield f"rules[{index}].verbs has {verb}, by which the account can extend its own rights"


def _strict(name: str, title: str, row: str | None, checks: Mapping[str, Check], source: str = STANDARD) -> Rule:
    return Rule(
        id=name,
        title=title,
        prod="mandatory",
        dev="mandatory",
        remedy=MODULE,
        source=source,
        rows=(row,) if row is not None else (),
        checks=checks,
    )


def _both(pod: PodCheck, container: ContainerCheck) -> dict[str, Check]:
    of_pods, of_containers = _every_pod(pod), _every_container(container)

    def faults(resource: Resource) -> Iterator[str]:
        yield from of_pods[resource.kind](resource)
        yield from of_containers[resource.kind](resource)

    return dict.fromkeys(TYPES, faults)


RULES: Final = (
    _strict("pod-host-access", "Pods have no access to their node.", "R1", _both(_host_of_pod, _host_of_container)),
    Rule(
        id="pod-volumes",
        title="Pods mount no folders of their node.",
        prod="mandatory",
        dev="mandatory",
        remedy="Set airflow:dags to kinds other than host_path.",
        source=STANDARD,
        rows=("R2",),
        checks=_every_pod(_volumes),
    ),
    _strict("pod-privileges", "Containers have no capabilities and gain none.", "R3", _every_container(_privileges)),
    _strict("pod-user", "Containers do not run as root.", "R4", _every_container(_user)),
    _strict("pod-seccomp", "System calls of containers are filtered.", "R5", _every_container(_seccomp)),
    _strict(
        "namespace-pod-security",
        "The namespace admits only pods of the level restricted; that of a Gateway's proxy those of baseline.",
        "R6",
        {NAMESPACE: _namespace},
        "https://kubernetes.io/docs/concepts/security/pod-security-admission/",
    ),
    _strict(
        "pod-root-filesystem",
        "Containers cannot change files of their image.",
        None,
        _every_container(_root_filesystem),
        "https://kubernetes.io/docs/concepts/security/application-security-checklist/",
    ),
    Rule(
        id="pod-image-version",
        title="Images have a version.",
        prod="mandatory",
        dev="mandatory",
        remedy="Set airflow:image.reference, or the image that the message names, to a tag or a digest.",
        source="https://kubernetes.io/docs/concepts/containers/images/",
        checks=_every_container(_image),
    ),
    Rule(
        id="pod-resources",
        title="Containers request processor time and memory, and have a limit of memory.",
        prod="mandatory",
        dev="mandatory",
        remedy=MODULE,
        source="https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/",
        checks=_every_container(_resources),
    ),
    Rule(
        id="pod-account",
        title="Each workload has a ServiceAccount of its own.",
        prod="mandatory",
        dev="mandatory",
        remedy=NO_SETTING.format("components/airflow/rbac.py"),
        source="https://kubernetes.io/docs/concepts/security/rbac-good-practices/",
        checks=_every_pod(_account),
    ),
    Rule(
        id="role-wildcards",
        title="Roles list what an account needs, and none lets it extend its own rights.",
        prod="mandatory",
        dev="mandatory",
        remedy=NO_SETTING.format("components/airflow/rbac.py"),
        source="https://kubernetes.io/docs/concepts/security/rbac-good-practices/",
        checks=dict.fromkeys(ROLES, _role),
    ),
)
