"""Pebble, an ACME certificate authority outside the cluster, which replaces Let's Encrypt."""

from __future__ import annotations

import base64
import json
import ssl
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lab.certificates import CertificateAuthority
from lab.daemon import Daemon
from lab.errors import LabError
from lab.gateway.programs import PEBBLE
from lab.node.instance import Instance

_ACME_PORT: Final = 14000
_MANAGEMENT_PORT: Final = 15000
_START_SECONDS: Final = 20.0
_ENVIRONMENT: Final = {
    # Without these it waits up to 15 s before it validates a challenge, and rejects every twentieth request on purpose,
    # https://github.com/letsencrypt/pebble#testing-at-full-speed.
    "PEBBLE_VA_NOSLEEP": "1",
    "PEBBLE_WFE_NONCEREJECT": "0",
}


@dataclass(frozen=True)
class Pebble:
    """One server with its files in `folder`; it loses its state when it ends."""

    instance: Instance
    folder: Path

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises:
            LabError: the build failed, or the server does not answer; the message names its log.
        """
        host = self.instance.machine_address
        pair = self._authority.issue("pebble", "pebble", hosts=[host])
        configuration = {
            "listenAddress": f"{host}:{_ACME_PORT}",
            "managementListenAddress": f"{host}:{_MANAGEMENT_PORT}",
            "certificate": str(pair.certificate),
            "privateKey": str(pair.key),
            # The port on which public CAs validate challenges, too.
            "httpPort": 80,
            "tlsPort": 443,
        }
        path = self.folder / "pebble.json"
        path.write_text(json.dumps({"pebble": configuration}))
        # It uses the cluster's DNS, the only one that resolves the hosts in the lab.
        command = [PEBBLE.build(), "-config", path, "-dnsserver", f"{self.instance.address}:53"]
        self._daemon.start(command, env=_ENVIRONMENT)
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                self.root()
                return
            except OSError as error:
                self._daemon.require_alive()
                if time.monotonic() > deadline:
                    raise LabError(f"Pebble does not answer: {error}.", remedy=f"See {self._daemon.log}.") from error
                time.sleep(0.1)

    def stop(self) -> None:
        """Stop the server; does nothing if it does not run."""
        self._daemon.stop()

    def root(self) -> str:
        """The CA certificate that verifies all issued certificates, in PEM; a new one at each start."""
        context = ssl.create_default_context(cafile=str(self._authority.certificate))
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        url = f"https://{self.instance.machine_address}:{_MANAGEMENT_PORT}/roots/0"
        with opener.open(url, timeout=5) as answer:
            return answer.read().decode()

    def issuer(self, name: str, gateway: Mapping[str, str]) -> dict[str, Any]:
        """A ClusterIssuer that uses it, with HTTP-01 challenges through a Gateway (`name` and `namespace`)."""
        solver = {"http01": {"gatewayHTTPRoute": {"parentRefs": [{**gateway, "kind": "Gateway"}]}}}
        authority = base64.b64encode(self._authority.certificate.read_bytes()).decode()
        return {
            "apiVersion": "cert-manager.io/v1",
            "kind": "ClusterIssuer",
            "metadata": {"name": name},
            "spec": {
                "acme": {
                    "server": f"https://{self.instance.machine_address}:{_ACME_PORT}/dir",
                    "caBundle": authority,
                    "privateKeySecretRef": {"name": f"{name}-account"},
                    "solvers": [solver],
                }
            },
        }

    @property
    def _authority(self) -> CertificateAuthority:
        return CertificateAuthority(self.folder / "authority")

    @property
    def _daemon(self) -> Daemon:
        return Daemon(name="pebble", folder=self.folder)
