"""Start and removal of a Kubernetes node, from any state."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import time
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab import debian
from lab.daemon import Daemon
from lab.errors import LabError
from lab.images.names import PAUSE
from lab.lock import locked
from lab.node import control_plane, kubelet, objects, programs, services
from lab.node.api import Api, ApiError
from lab.node.cgroups import Cgroups
from lab.node.containerd import Containerd
from lab.node.instance import Instance
from lab.node.namespaces import Namespaces, mounts_below
from lab.node.network import Network
from lab.node.processes import Processes, kill
from lab.paths import PROJECT
from lab.progress import step

PACKAGES: Final = (
    "runc",
    "containernetworking-plugins",
    "iproute2",
    "iptables",
    "ipset",
    "conntrack",
    "util-linux",
    "mount",
)
READY_SECONDS: Final = 90.0
"""Timeout until the node is Ready after all daemons run; usually it takes 6 s."""
_END_SECONDS: Final = 20.0
_PROVISIONER_MODULE: Final = "lab.node.provisioner"

_ENVIRONMENT: Final = {
    # The machine's HTTP proxy cannot reach the cluster.
    "NO_PROXY": "*",
    "no_proxy": "*",
    # The PATH of sudo and cron may lack the folders of iptables and runc.
    "PATH": f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "PYTHONPATH": str(PROJECT),
}


@dataclass(frozen=True)
class Node:
    """One instance of the node. Every method can be repeated and completes an interrupted call."""

    instance: Instance

    def up(self) -> None:
        """Start all daemons that do not run, and wait until pods can run; below two seconds if all daemons run.

        Raises:
            LabError: not root, or a daemon died or was not ready in time; the message names it and its log.
        """
        _require_root()
        with locked(self.instance.lock):
            debian.install(PACKAGES)
            binaries = {program.name: program.build() for program in programs.NODE}
            fingerprint = _fingerprint(binaries.values())
            record = self.instance.folder / "made-by"
            current = record.exists() and record.read_text() == fingerprint
            if current and self._answers() is None:
                return
            with step(f"Kubernetes {programs.KUBERNETES_VERSION} node {self.instance.name}"):
                if not current:
                    self._stop_daemons()
                self._kill_strays()
                self._prepare()
                self._start(binaries)
                self._wait_until_ready()
                self.instance.layout.admin_kubeconfig()
                record.write_text(fingerprint)

    def down(self) -> None:
        """Remove all processes, mounts, control groups and interfaces of the node, and its data. Images stay.

        Raises:
            LabError: a process did not end, or a mount or control group could not be removed.
        """
        _require_root()
        with locked(self.instance.lock):
            if not self._left():
                return
            with step(f"End node {self.instance.name}"):
                self._end_everything()
                shutil.rmtree(self.instance.folder, ignore_errors=not self.instance.folder.exists())

    def status(self) -> list[tuple[str, str]]:
        """The state of each daemon, then of the whole node."""
        states = [
            (daemon.name, "dead" if (process := daemon.process()) is None else f"running, pid {process.pid}")
            for daemon in self._daemons()
        ]
        if not self.instance.folder.exists():
            return [*states, ("node", "not there")]
        missing = self._answers()
        return [*states, ("node", "ready" if missing is None else f"not ready: {missing}")]

    def import_images(self, archives: Sequence[Path]) -> None:
        """Import the images of OCI archives that the node does not have.

        Raises:
            LabError: the node is down, or an archive cannot be imported.
        """
        self._containerd.daemon.require_alive()
        with locked(self.instance.images / "import.lock"):
            self._containerd.import_images(archives)

    @property
    def logs(self) -> list[Path]:
        """The logs of all daemons that were started."""
        return [daemon.log for daemon in self._daemons() if daemon.log.exists()]

    @property
    def kubeconfig(self) -> Path:
        """An administrator's kubeconfig for use on the machine; its context has the instance's name.

        Raises:
            LabError: the node was never started.
        """
        path = self.instance.layout.folder / "admin.kubeconfig"
        if not path.exists():
            raise LabError("The lab's node does not run.", remedy="Start it: python -m lab up.")
        return path

    @property
    def api(self) -> Api:
        """A client of the API server with administrator rights."""
        layout = self.instance.layout
        identity = layout.authority.issue("admin", "airflow-lab-admin", groups=["system:masters"])
        return Api(layout.server, layout.authority.certificate, identity)

    @property
    def namespaces(self) -> Namespaces:
        """The namespaces of its daemons."""
        return Namespaces(self.instance.folder / "namespaces")

    def daemon(self, name: str) -> Daemon:
        """One of its background programs."""
        return Daemon(name=name, folder=self.instance.daemons)

    def _prepare(self) -> None:
        """Create the folders, namespaces, network and control groups of the daemons."""
        for folder in (self.instance.folder, self.instance.daemons, self.instance.volumes):
            folder.mkdir(parents=True, exist_ok=True)
        self.instance.folder.chmod(0o711)
        if not self.namespaces.exist():
            # After a restart of the machine or an interrupted `down`, remaining processes are in lost namespaces.
            self._kill_everything()
            self._network.disconnect()
            self.namespaces.create(self.instance.folder / "mounted")
        self._network.connect()
        self.cgroups.create()

    def _start(self, binaries: dict[str, Path]) -> None:
        layout = self.instance.layout
        fresh = not (layout.folder / "etcd").exists()

        def start(name: str, command: Sequence[str | Path]) -> None:
            self.daemon(name).start(self.namespaces.command(command), env=self.environment)

        start("etcd", control_plane.etcd_command(binaries["etcd"], layout, durable=False))
        start("kube-apiserver", control_plane.apiserver_command(binaries["kube-apiserver"], layout))
        self._start_containerd(forget=fresh)
        control_plane.wait_until_ready(
            layout, still_alive=lambda: self._require_alive("etcd", "kube-apiserver", "containerd")
        )
        # With the defaults (50 and 100) the scheduler's own rate limit delays a hundred pods that are created together.
        faster = ["--kube-api-qps=300", "--kube-api-burst=500"]
        start("kube-scheduler", [*control_plane.scheduler_command(binaries["kube-scheduler"], layout), *faster])
        start(
            "kube-controller-manager",
            control_plane.controller_manager_command(binaries["kube-controller-manager"], layout),
        )
        start("kubelet", kubelet.command(binaries["kubelet"], self.instance))
        start("kube-proxy", services.proxy_command(binaries["kube-proxy"], self.instance))
        objects.apply(self.api, self.instance)
        start("coredns", services.dns_command(binaries["coredns"], self.instance))
        start("provisioner", self._provisioner_command())

    def _start_containerd(self, *, forget: bool) -> None:
        self._containerd.configure(self._network.cni_configuration())
        # Files of stopped pods remain after an unclean end of the node; the kubelet would treat these pods as its own.
        self._containerd.start(self.environment)
        if forget and self._containerd.forget_containers():
            self._containerd.daemon.stop()
            self._containerd.start(self.environment)

    def _provisioner_command(self) -> list[str | Path]:
        layout = self.instance.layout
        identity = layout.authority.issue("provisioner", objects.PROVISIONER_USER)
        return [
            *(sys.executable, "-m", _PROVISIONER_MODULE),
            *("--server", layout.server, "--authority", layout.authority.certificate),
            *("--certificate", identity.certificate, "--key", identity.key),
            *("--folder", self.instance.volumes),
        ]

    def _stop_daemons(self) -> None:
        """Kill all daemons, so that they start with the commands of this checkout; pods keep running.

        They tolerate a kill, and an orderly end of the API server would take ten seconds.
        """
        for daemon in self._daemons():
            if (process := daemon.process()) is not None:
                kill(process)

    def _kill_strays(self) -> None:
        """Kill daemons without a pid file, which an interrupted `up` did not write."""
        for daemon in self._daemons():
            recorded = daemon.process()
            for process in self.processes.named(_PROGRAM_NAMES.get(daemon.name, daemon.name)):
                if recorded is None or process.pid != recorded.pid:
                    kill(process)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while (missing := self._answers()) is not None:
            self._require_alive(*_DAEMONS)
            if time.monotonic() > deadline:
                raise LabError(
                    f"The node was not ready within {READY_SECONDS:.0f} s: {missing}.",
                    remedy=f"See the logs in {self.instance.daemons}.",
                )
            time.sleep(0.1)
        # Some daemons die shortly after their start, so check again after the other checks.
        self._require_alive(*_DAEMONS)

    def _answers(self) -> str | None:
        """None if all daemons run and answer, else a description of the first failure."""
        if not self.namespaces.exist():
            return "it has no network"
        for daemon in self._daemons():
            if daemon.process() is None:
                return f"{daemon.name} does not run"
        address = self.instance.address
        checks: list[tuple[str, Callable[[], object]]] = [
            ("the API server", lambda: self.api.get("/readyz")),
            (
                "the kubelet",
                lambda: Api(
                    f"https://{address}:{kubelet.PORT}", self.instance.layout.authority.certificate, self.api.identity
                ).get("/healthz"),
            ),
            ("kube-proxy", lambda: _get(f"http://{address}:{services.PROXY_HEALTH_PORT}/healthz")),
            ("the cluster's DNS", lambda: _get(f"http://{address}:{services.DNS_HEALTH_PORT}/ready")),
        ]
        for what, check in checks:
            try:
                check()
            except (ApiError, OSError) as error:
                return f"{what} does not answer ({error})"
        return self._unready_object()

    def _unready_object(self) -> str | None:
        try:
            node = self.api.get(f"/api/v1/nodes/{self.instance.name}")
            self.api.get(f"/apis/storage.k8s.io/v1/storageclasses/{objects.STORAGE_CLASS}")
            self.api.get("/api/v1/namespaces/default/serviceaccounts/default")
        except ApiError as error:
            return str(error)
        conditions = {each["type"]: each for each in node.get("status", {}).get("conditions", [])}
        ready = conditions.get("Ready", {})
        if ready.get("status") != "True":
            return ready.get("message", "the kubelet has not reported")
        taints = [taint["key"] for taint in node["spec"].get("taints", [])]
        return f"the node is tainted: {', '.join(taints)}" if taints else None

    def _end_everything(self) -> None:
        if (process := self.daemon("kubelet").process()) is not None:
            kill(process)
        self.cgroups.remove()
        if self._containerd.daemon.process() is not None:
            self._containerd.forget_containers()
        self._kill_everything()
        self._network.disconnect()
        self.namespaces.remove()
        if mounted := mounts_below(self.instance.folder):
            raise LabError(f"{mounted[-1]} is still mounted.", remedy="Unmount it and repeat.")

    def _kill_everything(self) -> None:
        """Kill all processes of the node: pods, daemons and their helpers."""
        self.cgroups.remove()
        deadline = time.monotonic() + _END_SECONDS
        while processes := [process for process in self.processes.all() if process.pid != os.getpid()]:
            for process in processes:
                kill(process)
            if time.monotonic() > deadline:
                raise LabError(f"Processes of the node would not end: {processes}.")

    def _left(self) -> bool:
        """Whether anything of the node exists, even if its folder was deleted."""
        return bool(self.instance.folder.exists() or self._network.connected() or self.processes.all())

    def _require_alive(self, *names: str) -> None:
        for name in names:
            self.daemon(name).require_alive()

    def _daemons(self) -> list[Daemon]:
        return [self.daemon(name) for name in _DAEMONS]

    @property
    def processes(self) -> Processes:
        """The node's processes outside pods."""
        return Processes(self.instance.folder, self.namespaces)

    @property
    def environment(self) -> dict[str, str]:
        """Environment that marks a program as a daemon of the node, so that it ends with the node."""
        return {**_ENVIRONMENT, **self.processes.environment}

    @property
    def _containerd(self) -> Containerd:
        return Containerd(self.instance, self.namespaces, PAUSE)

    @property
    def _network(self) -> Network:
        return Network(self.instance, self.namespaces)

    @property
    def cgroups(self) -> Cgroups:
        """The control groups of its pods."""
        return Cgroups(self.instance.cgroup)


_DAEMONS: Final = (
    "etcd",
    "kube-apiserver",
    "containerd",
    "kube-scheduler",
    "kube-controller-manager",
    "kubelet",
    "kube-proxy",
    "coredns",
    "provisioner",
)
_PROGRAM_NAMES: Final = {"provisioner": _PROVISIONER_MODULE}
"""Program names of daemons with a different name."""


def _fingerprint(binaries: Iterable[Path]) -> str:
    """A hash that changes when the daemons' programs or command lines change."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"\0".join([*map(bytes, binaries), *(path.read_bytes() for path in sources)])).hexdigest()


def _require_root() -> None:
    if os.geteuid() != 0:
        raise LabError("The lab's node needs root.", remedy="Repeat as root, or use an existing cluster.")


def _get(url: str) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=5):
        pass
