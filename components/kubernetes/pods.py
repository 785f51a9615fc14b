"""Pod specs: every pod passes Pod Security `restricted` and has requests and limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, cast

import pulumi
from pulumi_kubernetes.core.v1 import (
    AffinityArgs,
    CapabilitiesArgs,
    ContainerArgs,
    EmptyDirVolumeSourceArgs,
    ExecActionArgs,
    HTTPGetActionArgs,
    LifecycleArgs,
    LifecycleHandlerArgs,
    LocalObjectReferenceArgs,
    PodSecurityContextArgs,
    PodSpecArgs,
    ProbeArgs,
    ResourceRequirementsArgs,
    SeccompProfileArgs,
    SecurityContextArgs,
    SleepActionArgs,
    TCPSocketActionArgs,
    TolerationArgs,
    VolumeArgs,
    VolumeMountArgs,
)

SKIP_AWAIT: Final = {"pulumi.com/skipAwait": "true"}
"""For objects that become ready only with the pods that use them: a claim whose class binds late, a Service whose
pods do not exist yet."""


@dataclass(frozen=True, kw_only=True)
class User:
    """User and groups of a pod's processes."""

    uid: int
    gid: int
    fs_group: int


class Resources(Protocol):
    """Requests and limits of one container, in whatever value a caller has them."""

    @property
    def cpu_milli(self) -> int:
        """Requested processor time, in thousandths of a core."""
        ...

    @property
    def memory_mib(self) -> int:
        """Requested memory and its limit, in MiB."""
        ...


def resource_requirements(resources: Resources, scratch_gib: int | None = None) -> ResourceRequirementsArgs:
    """Requests, and limits of memory and disk: without limits one leak exhausts the node. There is no CPU limit,
    because it would only slow down starts.

    Args:
        resources: processor and memory.
        scratch_gib: space on the node's disk for the container and its pod's folders; None requests nothing.
    """
    limits = {"memory": f"{resources.memory_mib}Mi"}
    if scratch_gib is not None:
        limits["ephemeral-storage"] = f"{scratch_gib}Gi"
    return ResourceRequirementsArgs(requests={"cpu": f"{resources.cpu_milli}m", **limits}, limits=limits)


def container_security(uid: int | None = None) -> SecurityContextArgs:
    """The container's fields for Pod Security `restricted`, with a read-only root file system.

    Args:
        uid: the user of the container's processes; None is the pod's.
    """
    return SecurityContextArgs(
        allow_privilege_escalation=False,
        capabilities=CapabilitiesArgs(drop=["ALL"]),
        privileged=False,
        read_only_root_filesystem=True,
        run_as_non_root=True,
        run_as_user=uid,
        seccomp_profile=SeccompProfileArgs(type="RuntimeDefault"),
    )


def pod_security(user: User) -> PodSecurityContextArgs:
    """The pod's fields for Pod Security `restricted`."""
    return PodSecurityContextArgs(
        run_as_non_root=True,
        run_as_user=user.uid,
        run_as_group=user.gid,
        fs_group=user.fs_group,
        # A recursive chown of a large log volume can take longer than a probe's timeout.
        fs_group_change_policy="OnRootMismatch",
        seccomp_profile=SeccompProfileArgs(type="RuntimeDefault"),
    )


def container(
    name: str,
    *,
    image: str,
    resources: Resources,
    scratch_gib: int | None = None,
    uid: int | None = None,
    **rest: Any,
) -> ContainerArgs:
    """A hardened container; `rest` goes to ContainerArgs."""
    return ContainerArgs(
        name=name,
        image=image,
        resources=resource_requirements(resources, scratch_gib),
        security_context=container_security(uid),
        **rest,
    )


def sleep_before_stop(seconds: int) -> LifecycleArgs:
    """A preStop sleep for servers: load balancers send requests until they are told that the pod terminates."""
    return LifecycleArgs(pre_stop=LifecycleHandlerArgs(sleep=SleepActionArgs(seconds=seconds)))


def empty_dir(size_mib: int) -> EmptyDirVolumeSourceArgs:
    """A folder on the node's disk, deleted with its pod."""
    return EmptyDirVolumeSourceArgs(size_limit=f"{size_mib}Mi")


@dataclass(frozen=True, kw_only=True)
class ScratchFolder:
    """A writable folder on the node's disk that is deleted with the pod."""

    name: str
    path: str
    size_mib: int | None = None
    """Beyond this size the node evicts this pod, and not its neighbours; None is the pod's own size."""

    def volume(self, pod_mib: int) -> VolumeArgs:
        """The pod's volume; `pod_mib` is the pod's own size."""
        return VolumeArgs(name=self.name, empty_dir=empty_dir(self.size_mib or pod_mib))

    @property
    def mount(self) -> VolumeMountArgs:
        """The container's mount."""
        return VolumeMountArgs(name=self.name, mount_path=self.path)


@dataclass(frozen=True, kw_only=True)
class PodShape:
    """The variable part of a pod spec."""

    user: User
    service_account: pulumi.Input[str]
    containers: Sequence[ContainerArgs]
    volumes: Sequence[VolumeArgs] = ()
    init_containers: Sequence[ContainerArgs] = ()
    kubernetes_api: bool = False
    """Whether the pod calls the Kubernetes API and therefore gets a token."""
    grace_seconds: int = 30
    restart_policy: str = "Always"
    pull_secret: pulumi.Input[str] | None = None
    node_selector: Mapping[str, str] = field(default_factory=dict[str, str])
    taint: str | None = None
    """Key of a taint with effect NoSchedule that the pod tolerates."""
    tolerations: Sequence[TolerationArgs] = ()
    """Further taints that the pod tolerates."""
    affinity: Mapping[str, Any] | None = None
    """Nodes and neighbours, in the fields of Kubernetes."""
    priority_class: str | None = None


def pod_spec(shape: PodShape) -> PodSpecArgs:
    """The spec of a pod."""
    return PodSpecArgs(
        service_account_name=shape.service_account,
        automount_service_account_token=shape.kubernetes_api,
        # Airflow and Flower would read service variables such as FLOWER_PORT=tcp://… as their settings.
        enable_service_links=False,
        security_context=pod_security(shape.user),
        termination_grace_period_seconds=shape.grace_seconds,
        restart_policy=shape.restart_policy,
        image_pull_secrets=[LocalObjectReferenceArgs(name=shape.pull_secret)]
        if shape.pull_secret is not None
        else None,
        node_selector=dict(shape.node_selector) or None,
        affinity=cast("AffinityArgs | None", shape.affinity),
        priority_class_name=shape.priority_class,
        tolerations=[
            *([TolerationArgs(key=shape.taint, operator="Exists", effect="NoSchedule")] if shape.taint else []),
            *shape.tolerations,
        ]
        or None,
        init_containers=list(shape.init_containers) or None,
        containers=list(shape.containers),
        volumes=list(shape.volumes) or None,
    )


def exec_probe(command: Sequence[str], *, period: int, timeout: int, failures: int, delay: int = 0) -> ProbeArgs:
    """A probe that runs a command; periods and time-outs in seconds."""
    return ProbeArgs(
        exec_=ExecActionArgs(command=list(command)),
        initial_delay_seconds=delay,
        period_seconds=period,
        timeout_seconds=timeout,
        failure_threshold=failures,
    )


def http_probe(path: str, port: str, *, period: int, timeout: int, failures: int) -> ProbeArgs:
    """A probe that asks an HTTP path; periods and time-outs in seconds."""
    return ProbeArgs(
        http_get=HTTPGetActionArgs(path=path, port=port),
        period_seconds=period,
        timeout_seconds=timeout,
        failure_threshold=failures,
    )


def tcp_probe(port: str, *, period: int, timeout: int, failures: int) -> ProbeArgs:
    """A probe that opens a connection; periods and time-outs in seconds."""
    return ProbeArgs(
        tcp_socket=TCPSocketActionArgs(port=port),
        period_seconds=period,
        timeout_seconds=timeout,
        failure_threshold=failures,
    )
