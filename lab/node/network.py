"""The veth pair between the machine and the node, and the rules on the node's end.

There is no bridge and no route to the internet. Pods are routed individually (CNI plugin ptp), so that all their
traffic passes the node's own filter, with or without br_netfilter. Addresses outside the cluster and this machine are
unreachable immediately instead of timing out.
"""

from __future__ import annotations

import ipaddress
import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.errors import LabError
from lab.node.instance import Instance
from lab.node.namespaces import Namespaces

NODE_INTERFACE: Final = "node0"
CNI_PLUGINS: Final = Path("/usr/lib/cni")
"""Folder of Debian's containernetworking-plugins."""


@dataclass(frozen=True)
class Network:
    """The node's network."""

    instance: Instance
    namespaces: Namespaces

    def connect(self) -> None:
        """Create the veth pair unless it exists, and configure the node's end; can be repeated.

        Raises:
            LabError: the machine already uses the addresses for something else.
        """
        name = self.instance.interface
        if not self.connected():
            self._refuse_used_addresses()
            peer = ["peer", "name", NODE_INTERFACE, "netns", str(self.namespaces.network)]
            _run(["ip", "link", "add", name, "type", "veth", *peer])
        prefix = self.instance.network.split("/")[1]
        _run(["ip", "address", "replace", f"{self.instance.machine_address}/{prefix}", "dev", name])
        _run(["ip", "link", "set", name, "up"])
        _run(self.namespaces.command(["sh", "-ec", self._node_script(prefix)]))

    def connected(self) -> bool:
        """Whether the veth pair exists."""
        return Path("/sys/class/net", self.instance.interface).exists()

    def disconnect(self) -> None:
        """Delete the veth pair, including the node's end."""
        if self.connected():
            _run(["ip", "link", "delete", self.instance.interface])

    def cni_configuration(self) -> str:
        """The CNI configuration of pods."""
        pods = {
            "type": "host-local",
            "ranges": [[{"subnet": self.instance.pod_cidr}]],
            "routes": [{"dst": "0.0.0.0/0"}],
            # In the node's /run, like the network namespaces: assigned addresses are invalid without them.
            "dataDir": "/run/cni-addresses",
        }
        return json.dumps(
            {
                "cniVersion": "0.4.0",
                "name": "pods",
                "plugins": [{"type": "ptp", "ipMasq": False, "ipam": pods}],
            },
            indent=2,
        )

    def _node_script(self, prefix: str) -> str:
        pods_out = f"POSTROUTING -s {self.instance.layout.pod_cidr} -o {NODE_INTERFACE} -j MASQUERADE"
        return "\n".join(
            [
                "ip link set lo up",
                f"ip address replace {self.instance.address}/{prefix} dev {NODE_INTERFACE}",
                f"ip link set {NODE_INTERFACE} up",
                # The node's own programs need a route to a service address before kube-proxy's rules see the packet.
                f"ip route replace {self.instance.layout.service_cidr} dev {NODE_INTERFACE}",
                "ip route replace unreachable default metric 4278198272",
                "echo 1 > /proc/sys/net/ipv4/ip_forward",
                # The machine has a route only to the node, not to pods.
                f"iptables -w 10 -t nat -C {pods_out} 2>/dev/null || iptables -w 10 -t nat -A {pods_out}",
            ]
        )

    def _refuse_used_addresses(self) -> None:
        network = ipaddress.ip_network(self.instance.network)
        shown = subprocess.run(["ip", "-j", "-4", "route"], check=True, capture_output=True, text=True).stdout
        for route in json.loads(shown or "[]"):
            if route["dst"] != "default" and ipaddress.ip_network(route["dst"]).overlaps(network):
                raise LabError(
                    f"The node's addresses {network} are in use: route {route['dst']} over {route.get('dev')}.",
                    remedy="Remove that route, or use an existing cluster: pulumi up -s local.",
                )


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise LabError(f"The node's network could not be set up: {done.stderr.strip()}.")
