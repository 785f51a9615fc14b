"""kube-proxy and CoreDNS as processes of the node: command lines and configurations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from lab.node.instance import Instance
from lab.node.names import Names

PROXY_HEALTH_PORT: Final = 10256
DNS_HEALTH_PORT: Final = 8181


def proxy_command(binary: Path, instance: Instance) -> list[str]:
    """kube-proxy's command line, to run in the node's namespaces; writes its configuration."""
    kubeconfig = instance.layout.kubeconfig("kube-proxy", "system:kube-proxy")
    configuration = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "bindAddress": instance.address,
        "healthzBindAddress": f"{instance.address}:{PROXY_HEALTH_PORT}",
        "metricsBindAddress": "127.0.0.1:10249",
        "clientConnection": {"kubeconfig": str(kubeconfig)},
        "hostnameOverride": instance.name,
        "clusterCIDR": instance.layout.pod_cidr,
        "mode": "iptables",
        # With the default a new Service or endpoint takes effect only after a second.
        "iptables": {"minSyncPeriod": "100ms", "syncPeriod": "30s"},
        # Settings of the whole machine, which cannot be written outside its initial network namespace: 0 leaves them
        # unchanged.
        "conntrack": {
            "maxPerCore": 0,
            "min": 0,
            "tcpEstablishedTimeout": "0s",
            "tcpCloseWaitTimeout": "0s",
            "udpTimeout": "0s",
            "udpStreamTimeout": "0s",
        },
        # The default, -999, needs CAP_SYS_RESOURCE.
        "oomScoreAdj": 0,
    }
    path = instance.configuration("kube-proxy.json", json.dumps(configuration, indent=2))
    return [str(binary), f"--config={path}"]


def dns_command(binary: Path, instance: Instance) -> list[str]:
    """CoreDNS's command line, to run in the node's namespaces; writes its configuration."""
    kubeconfig = instance.layout.kubeconfig("coredns", "coredns")
    path = instance.configuration(
        "Corefile",
        f"""\
cluster.local:53 in-addr.arpa:53 ip6.arpa:53 {{
  bind {instance.address}
  errors
  ready {instance.address}:{DNS_HEALTH_PORT}
  kubernetes {{
    kubeconfig {kubeconfig}
    pods insecure
  }}
}}
# There is no other name server. "No such name" ends a look-up immediately; clients would repeat it after a failure.
.:53 {{
  bind {instance.address}
  file {Names(instance).publish()} . {{
    reload 200ms
  }}
}}
""",
    )
    return [str(binary), "-conf", str(path)]
