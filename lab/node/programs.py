"""The programs of a Kubernetes node, each built once from Go modules."""

from __future__ import annotations

from typing import Final

from lab.tools.go import GoProgram

KUBERNETES_VERSION: Final = "1.34.2"
"""What the module files pin, and what `kubectl version` is told."""

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


def _kubernetes(name: str) -> GoProgram:
    return GoProgram(name=name, module="kubernetes", package=f"k8s.io/kubernetes/cmd/{name}", ldflags=_KUBERNETES_FLAGS)


ETCD: Final = GoProgram(name="etcd", module="etcd", package="go.etcd.io/etcd/server/v3")
APISERVER: Final = _kubernetes("kube-apiserver")
CONTROLLER_MANAGER: Final = _kubernetes("kube-controller-manager")
SCHEDULER: Final = _kubernetes("kube-scheduler")
PROXY: Final = _kubernetes("kube-proxy")
KUBELET: Final = _kubernetes("kubelet")
KUBECTL: Final = _kubernetes("kubectl")
CONTROL_PLANE: Final = (ETCD, APISERVER, CONTROLLER_MANAGER)
"""What runs without a node."""
COREDNS: Final = GoProgram(name="coredns", module="coredns", package="github.com/coredns/coredns")
NODE: Final = (*CONTROL_PLANE, SCHEDULER, KUBELET, PROXY, COREDNS, KUBECTL)
