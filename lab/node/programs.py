"""The programs of a Kubernetes node, each built once from Go modules."""

from __future__ import annotations

from typing import Final

from lab.tools.go import GoProgram

KUBERNETES_VERSION: Final = "1.36.3"
"""What the module files pin, and what `kubectl version` is told.

Its minor is the newest that AKS offers (its default since the release notes of 25 October 2026) and that GKE offers in
its Regular channel (release notes of 17 September 2026, where 1.37 is in the Rapid channel alone).
"""
CONTAINERD_VERSION: Final = "2.4.2"
"""What the module files pin, and what the node reports."""

_STAMP: Final = "k8s.io/component-base/version"
_MAJOR, _MINOR, _ = KUBERNETES_VERSION.split(".")
# Without the stamp the binaries call themselves v0.0.0, and clients that compare versions refuse them.
_KUBERNETES_FLAGS: Final = (
    "-s",
    "-w",
    f"-X {_STAMP}.gitVersion=v{KUBERNETES_VERSION}",
    f"-X {_STAMP}.gitMajor={_MAJOR}",
    f"-X {_STAMP}.gitMinor={_MINOR}",
)


_CONTAINERD: Final = "github.com/containerd/containerd/v2"


def _kubernetes(name: str) -> GoProgram:
    return GoProgram(name=name, module="kubernetes", package=f"k8s.io/kubernetes/cmd/{name}", ldflags=_KUBERNETES_FLAGS)


def _containerd(name: str, *tags: str) -> GoProgram:
    version = f"-X {_CONTAINERD}/version.Version=v{CONTAINERD_VERSION}"
    return GoProgram(
        name=name,
        module="containerd",
        package=f"{_CONTAINERD}/cmd/{name}",
        ldflags=("-s", "-w", version),
        tags=("urfave_cli_no_docs", "osusergo", "netgo", "static_build", *tags),
    )


ETCD: Final = GoProgram(name="etcd", module="etcd", package="go.etcd.io/etcd/server/v3")
APISERVER: Final = _kubernetes("kube-apiserver")
CONTROLLER_MANAGER: Final = _kubernetes("kube-controller-manager")
SCHEDULER: Final = _kubernetes("kube-scheduler")
PROXY: Final = _kubernetes("kube-proxy")
KUBELET: Final = _kubernetes("kubelet")
KUBECTL: Final = _kubernetes("kubectl")
CONTROL_PLANE: Final = (ETCD, APISERVER, CONTROLLER_MANAGER)
"""What runs without a node."""
# Storage that a node of the lab has not, and traces that nobody collects.
CONTAINERD: Final = _containerd("containerd", "no_btrfs", "no_devmapper", "no_zfs", "no_tracing")
SHIM: Final = _containerd("containerd-shim-runc-v2", "no_grpc")
CTR: Final = _containerd("ctr")
CONTAINER_RUNTIME: Final = (CONTAINERD, SHIM, CTR)
COREDNS: Final = GoProgram(name="coredns", module="coredns", package=".")
NODE: Final = (*CONTROL_PLANE, SCHEDULER, KUBELET, PROXY, *CONTAINER_RUNTIME, COREDNS, KUBECTL)
