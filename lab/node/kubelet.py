"""The kubelet of a node: its configuration and command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import psutil

from lab.node.containerd import SOCKET
from lab.node.instance import Instance

PORT: Final = 10250


def configure(instance: Instance) -> Path:
    """Write the kubelet's configuration, and a resolv.conf for pods that use the node's DNS."""
    layout = instance.layout
    serving = layout.authority.issue("kubelet-serving", f"system:node:{instance.name}", hosts=[instance.address])
    resolver = instance.configuration("resolv.conf", f"nameserver {instance.address}\n")
    configuration = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": instance.address,
        "port": PORT,
        "healthzBindAddress": "127.0.0.1",
        "tlsCertFile": str(serving.certificate),
        "tlsPrivateKeyFile": str(serving.key),
        "authentication": {
            "anonymous": {"enabled": False},
            "x509": {"clientCAFile": str(layout.authority.certificate)},
        },
        "authorization": {"mode": "Webhook"},
        "clusterDNS": [instance.dns_service],
        "clusterDomain": "cluster.local",
        "resolvConf": str(resolver),
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "podLogsDir": str(instance.folder / "pod-logs"),
        "volumePluginDir": str(instance.folder / "volume-plugins"),
        "cgroupRoot": instance.cgroup,
        # The machine may have version 1, which the kubelet refuses by default since Kubernetes 1.35.
        "failCgroupV1": False,
        # Laptops have swap.
        "failSwapOn": False,
        # The default, -999, needs CAP_SYS_RESOURCE.
        "oomScoreAdj": 0,
        # The lab shares its disk with other programs, and images cannot be pulled again: do not evict pods because the
        # disk is nearly full, and never collect images.
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "nodefs.inodesFree": "1%",
            "imagefs.available": "1%",
            "imagefs.inodesFree": "1%",
        },
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "maxPods": 110,
        # The defaults (50, 100 and 50) delay a hundred pods that start together.
        "kubeAPIQPS": 300,
        "kubeAPIBurst": 500,
        "eventRecordQPS": 0,
        **_reserved(instance),
    }
    return instance.configuration("kubelet.json", json.dumps(configuration, indent=2))


def _reserved(instance: Instance) -> dict[str, Any]:
    """Settings that limit the memory of all pods to the instance's limit.

    The kubelet reads the size of the machine from the kernel and subtracts its reservation. The rest is the capacity
    for the scheduler, and also the limit of the pods' control group.
    https://kubernetes.io/docs/tasks/administer-cluster/reserve-compute-resources/
    """
    if instance.pods_mib is None:
        return {}
    reserved = max(psutil.virtual_memory().total - instance.pods_mib * 2**20, 0)
    return {"systemReserved": {"memory": str(reserved)}, "enforceNodeAllocatable": ["pods"]}


def command(binary: Path, instance: Instance) -> list[str]:
    """The kubelet's command line, to run in the node's namespaces."""
    kubeconfig = instance.layout.kubeconfig("kubelet", f"system:node:{instance.name}", ["system:nodes"])
    return [
        str(binary),
        f"--config={configure(instance)}",
        f"--kubeconfig={kubeconfig}",
        f"--hostname-override={instance.name}",
        f"--node-ip={instance.address}",
        f"--root-dir={instance.folder / 'kubelet'}",
        f"--cert-dir={instance.folder / 'kubelet/pki'}",
    ]
