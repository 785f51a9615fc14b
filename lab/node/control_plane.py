"""A control plane: command lines of etcd, kube-apiserver and kube-controller-manager, and a cluster without nodes."""

from __future__ import annotations

import ipaddress
import json
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.certificates import CertificateAuthority, Pair
from lab.daemon import Daemon
from lab.errors import LabError
from lab.node import programs
from lab.node.api import Api

READY_SECONDS: Final = 60.0
"""Timeout until the API server is ready; usually it takes 4 s."""

_LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Addresses and folders of a control plane, and the networks of its cluster."""

    folder: Path
    """Contains certificates (`pki/`), kubeconfigs, the database, logs and pids."""
    address: str = _LOOPBACK
    api_port: int = 6443
    etcd_port: int = 2379
    etcd_peer_port: int = 2380
    manager_port: int = 10257
    scheduler_port: int = 10259
    service_cidr: str = "10.96.0.0/16"
    pod_cidr: str = "10.244.0.0/16"
    cluster_name: str = "airflow-lab"
    extra_hosts: Sequence[str] = ()
    """Additional names and addresses of the API server."""

    @property
    def server(self) -> str:
        """The API server's URL."""
        return f"https://{self.address}:{self.api_port}"

    @property
    def authority(self) -> CertificateAuthority:
        """The CA that issues all certificates of this cluster."""
        return CertificateAuthority(self.folder / "pki")

    @property
    def service_account_key(self) -> Pair:
        """The key that signs and verifies service account tokens."""
        return self.authority.signing_key("service-account")

    def serving(self) -> Pair:
        """The API server's certificate. The first service address belongs to the Service `kubernetes`."""
        first = str(next(ipaddress.ip_network(self.service_cidr).hosts()))
        in_cluster = [f"kubernetes{suffix}" for suffix in ("", ".default", ".default.svc")]
        names = ["localhost", *in_cluster, "kubernetes.default.svc.cluster.local"]
        hosts = [self.address, first, *names, *self.extra_hosts]
        return self.authority.issue("apiserver", "kube-apiserver", hosts=list(dict.fromkeys(hosts)))

    def kubeconfig(self, name: str, common_name: str, groups: Sequence[str] = ()) -> Path:
        """Write a kubeconfig for one identity into the folder."""
        identity = self.authority.issue(name, common_name, groups=groups)
        return self.authority.write_kubeconfig(
            self.folder / f"{name}.kubeconfig", server=self.server, identity=identity, context=self.cluster_name
        )

    def admin_kubeconfig(self) -> Path:
        """The kubeconfig of a cluster administrator."""
        return self.kubeconfig("admin", "airflow-lab-admin", ["system:masters"])


def etcd_command(binary: Path, layout: Layout, *, durable: bool = True) -> list[str]:
    """Etcd on loopback; `durable=False` skips fsync, for clusters with temporary data."""
    client = f"http://{_LOOPBACK}:{layout.etcd_port}"
    peer = f"http://{_LOOPBACK}:{layout.etcd_peer_port}"
    return [
        str(binary),
        "--name=node",
        f"--data-dir={layout.folder / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=node={peer}",
        "--log-level=warn",
        *([] if durable else ["--unsafe-no-fsync"]),
    ]


def apiserver_command(binary: Path, layout: Layout) -> list[str]:
    """The API server, with Node and RBAC authorization and privileged pods allowed."""
    serving, tokens = layout.serving(), layout.service_account_key
    to_kubelet = layout.authority.issue("apiserver-kubelet", "kube-apiserver-kubelet", groups=["system:masters"])
    # The Service `kubernetes` cannot have a loopback endpoint; in such a cluster no pod would use it.
    loopback = ipaddress.ip_address(layout.address).is_loopback
    return [
        str(binary),
        f"--bind-address={layout.address}",
        f"--advertise-address={layout.address}",
        f"--endpoint-reconciler-type={'none' if loopback else 'lease'}",
        f"--secure-port={layout.api_port}",
        f"--etcd-servers=http://{_LOOPBACK}:{layout.etcd_port}",
        f"--service-cluster-ip-range={layout.service_cidr}",
        f"--tls-cert-file={serving.certificate}",
        f"--tls-private-key-file={serving.key}",
        f"--client-ca-file={layout.authority.certificate}",
        f"--kubelet-client-certificate={to_kubelet.certificate}",
        f"--kubelet-client-key={to_kubelet.key}",
        "--kubelet-preferred-address-types=InternalIP",
        f"--service-account-key-file={tokens.certificate}",
        f"--service-account-signing-key-file={tokens.key}",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        "--profiling=false",
    ]


def controller_manager_command(binary: Path, layout: Layout, *, without: Sequence[str] = ()) -> list[str]:
    """The controller-manager with all default controllers except those in `without`.

    Start it only after the API server is ready: before that it exits.
    """
    kubeconfig = layout.kubeconfig("controller-manager", "system:kube-controller-manager")
    return [
        str(binary),
        *_client_flags(kubeconfig, layout.manager_port),
        f"--controllers={','.join(['*', *(f'-{name}' for name in without)])}",
        f"--root-ca-file={layout.authority.certificate}",
        f"--service-account-private-key-file={layout.service_account_key.key}",
        f"--cluster-signing-cert-file={layout.authority.certificate}",
        f"--cluster-signing-key-file={layout.authority.key}",
        f"--cluster-cidr={layout.pod_cidr}",
        "--allocate-node-cidrs=true",
        "--use-service-account-credentials=true",
        # With the defaults (20 and 30) the client's own rate limit delays a start with hundreds of objects.
        "--kube-api-qps=200",
        "--kube-api-burst=300",
    ]


def scheduler_command(binary: Path, layout: Layout) -> list[str]:
    """The scheduler; like the controller-manager, start it only after the API server is ready."""
    return [
        str(binary),
        *_client_flags(layout.kubeconfig("scheduler", "system:kube-scheduler"), layout.scheduler_port),
    ]


def _client_flags(kubeconfig: Path, port: int) -> list[str]:
    return [
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        f"--bind-address={_LOOPBACK}",
        f"--secure-port={port}",
        "--leader-elect=false",
        "--profiling=false",
    ]


def wait_until_ready(
    layout: Layout, *, still_alive: Callable[[], None] = lambda: None, within_seconds: float = READY_SECONDS
) -> None:
    """Wait until the API server answers `/readyz` to an administrator.

    `still_alive` is called between attempts and raises an error if a daemon has died.

    Raises:
        LabError: it is not ready in time.
    """
    identity = layout.authority.issue("admin", "airflow-lab-admin", groups=["system:masters"])
    context = ssl.create_default_context(cafile=str(layout.authority.certificate))
    context.load_cert_chain(identity.certificate, identity.key)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    deadline = time.monotonic() + within_seconds
    last = "no answer"
    while time.monotonic() < deadline:
        still_alive()
        try:
            with opener.open(f"{layout.server}/readyz", timeout=5):
                return
        except urllib.error.HTTPError as error:
            last = f"HTTP {error.code}"
            error.close()
        except OSError as error:
            last = str(error)
        time.sleep(0.1)
    raise LabError(
        f"The API server at {layout.server} was not ready within {within_seconds:.0f} s: {last}.",
        remedy=f"See the logs in {layout.folder}.",
    )


@dataclass(frozen=True)
class ControlPlane:
    """A cluster without nodes on loopback, for tests: no root, no network namespace, data not durable.

    No pod runs in it; lab.node.simulated_pods simulates them. The first start selects free ports and stores them in
    the folder.
    """

    folder: Path

    @property
    def layout(self) -> Layout:
        """Its addresses and ports."""
        record = self.folder / "ports.json"
        if not record.exists():
            names = ("api_port", "etcd_port", "etcd_peer_port", "manager_port")
            self.folder.mkdir(parents=True, exist_ok=True)
            record.write_text(json.dumps(dict(zip(names, _free_ports(len(names)), strict=True))))
        return Layout(folder=self.folder, **json.loads(record.read_text()))

    @property
    def kubeconfig(self) -> Path:
        """An administrator's kubeconfig, context `airflow-lab`."""
        return self.folder / "admin.kubeconfig"

    @property
    def server(self) -> str:
        """The API server's URL."""
        return self.layout.server

    @property
    def api(self) -> Api:
        """A client of the API server with administrator rights."""
        layout = self.layout
        identity = layout.authority.issue("admin", "airflow-lab-admin", groups=["system:masters"])
        return Api(layout.server, layout.authority.certificate, identity)

    def start(self) -> None:
        """Start all daemons that do not run, and wait until the API server is ready, usually 4 s."""
        layout = self.layout
        layout.admin_kubeconfig()
        self._etcd.start(etcd_command(programs.ETCD.build(), layout, durable=False))
        self._apiserver.start(apiserver_command(programs.APISERVER.build(), layout), env=_NO_PROXY)

        def still_alive() -> None:
            self._etcd.require_alive()
            self._apiserver.require_alive()

        wait_until_ready(layout, still_alive=still_alive)
        self._manager.start(
            controller_manager_command(programs.CONTROLLER_MANAGER.build(), layout, without=_NOT_FOR_SIMULATED_NODES),
            env=_NO_PROXY,
        )

    def stop(self) -> None:
        """Stop all daemons in the order of their dependencies."""
        for daemon in (self._manager, self._apiserver, self._etcd):
            # The data is temporary, so an orderly shutdown is not worth its seconds.
            daemon.stop(grace_seconds=0)

    def pause_apiserver(self) -> None:
        """Make the cluster unreachable; `start` restores it with its data."""
        self._apiserver.stop(grace_seconds=1)

    def require_alive(self) -> None:
        """Check that all daemons run.

        Raises:
            LabError: one is not running; the message names its log.
        """
        for daemon in (self._etcd, self._apiserver, self._manager):
            daemon.require_alive()

    @property
    def _etcd(self) -> Daemon:
        return Daemon(name="etcd", folder=self.folder)

    @property
    def _apiserver(self) -> Daemon:
        return Daemon(name="kube-apiserver", folder=self.folder)

    @property
    def _manager(self) -> Daemon:
        return Daemon(name="kube-controller-manager", folder=self.folder)


# A simulated node sends no heartbeats: these controllers would treat it as dead and evict its pods.
_NOT_FOR_SIMULATED_NODES: Final = ("node-lifecycle-controller", "taint-eviction-controller")
_NO_PROXY: Final = {"NO_PROXY": "*", "no_proxy": "*"}


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind((_LOOPBACK, 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
