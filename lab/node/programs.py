"""The programs of a Kubernetes node, built once from Go modules."""

from __future__ import annotations

from typing import Final

from lab.tools.go import GoProgram

KUBERNETES_VERSION: Final = "1.36.3"
"""The version in the module files, and in the answer of `kubectl version`.

Its minor version is the newest of AKS (its default since the release notes of 25 October 2026) and of GKE's Regular
channel (release notes of 17 September 2026, where 1.37 is only in the Rapid channel).
"""
CONTAINERD_VERSION: Final = "2.4.2"
"""The version in the module files, and in the node's status."""

_STAMP: Final = "k8s.io/component-base/version"
_MAJOR, _MINOR, _ = KUBERNETES_VERSION.split(".")
# Without it the binaries report v0.0.0, and clients that compare versions refuse them.
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
"""The programs of a cluster without nodes."""
# Without storage drivers that the lab's node does not have, and without tracing, which nobody collects.
CONTAINERD: Final = _containerd("containerd", "no_btrfs", "no_devmapper", "no_zfs", "no_tracing")
SHIM: Final = _containerd("containerd-shim-runc-v2", "no_grpc")
CTR: Final = _containerd("ctr")
CONTAINER_RUNTIME: Final = (CONTAINERD, SHIM, CTR)
COREDNS: Final = GoProgram(name="coredns", module="coredns", package=".")
NODE: Final = (*CONTROL_PLANE, SCHEDULER, KUBELET, PROXY, *CONTAINER_RUNTIME, COREDNS, KUBECTL)
