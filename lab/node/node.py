"""A Kubernetes node from nothing to Ready, and from anything back to nothing."""

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
"""How long the node may take to be Ready once everything runs; 6 s is usual."""
_END_SECONDS: Final = 20.0
_PROVISIONER_MODULE: Final = "lab.node.provisioner"

_ENVIRONMENT: Final = {
    # A proxy of the machine knows no way to the cluster.
    "NO_PROXY": "*",
    "no_proxy": "*",
    # sudo's and cron's PATH may lack the folders of iptables and runc.
    "PATH": f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "PYTHONPATH": str(PROJECT),
}


@dataclass(frozen=True)
class Node:
    """One instance of the node; every method can be repeated and finishes what a broken one began."""

    instance: Instance

    def up(self) -> None:
        """Start what does not run and wait until pods can run; under two seconds when everything does.

        Raises:
            LabError: not root, something died or was not ready in time; the message names it and its log.
        """
        _require_root()
        with locked(self.instance.lock):
            debian.install(PACKAGES)
            binaries = {program.name: program.build() for program in programs.NODE}
            made_by = _fingerprint(binaries.values())
            record = self.instance.folder / "made-by"
            current = record.exists() and record.read_text() == made_by
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
                record.write_text(made_by)

    def down(self) -> None:
        """End every process, mount, control group and interface of the node, and delete its data; images stay.

        Raises:
            LabError: something would not end.
        """
        _require_root()
        with locked(self.instance.lock):
            if not self._left():
                return
            with step(f"End node {self.instance.name}"):
                self._end_everything()
                shutil.rmtree(self.instance.folder, ignore_errors=not self.instance.folder.exists())

    def status(self) -> list[tuple[str, str]]:
        """What there is and how it is: each daemon, then the node as a whole."""
        states = [
            (daemon.name, "dead" if (process := daemon.process()) is None else f"running, pid {process.pid}")
            for daemon in self._daemons()
        ]
        if not self.instance.folder.exists():
            return [*states, ("node", "not there")]
        missing = self._answers()
        return [*states, ("node", "ready" if missing is None else f"not ready: {missing}")]

    def import_images(self, archives: Sequence[Path]) -> None:
        """Give the node the images of OCI archives that it does not have.

        Raises:
            LabError: the node is down, or an archive cannot be imported.
        """
        self._containerd.daemon.require_alive()
        with locked(self.instance.images / "import.lock"):
            self._containerd.import_images(archives)

    @property
    def logs(self) -> list[Path]:
        """The log of each part that was ever started."""
        return [daemon.log for daemon in self._daemons() if daemon.log.exists()]

    @property
    def kubeconfig(self) -> Path:
        """An administrator's kubeconfig, for use from the machine; its context has the instance's name.

        Raises:
            LabError: the node was never up.
        """
        path = self.instance.layout.folder / "admin.kubeconfig"
        if not path.exists():
            raise LabError("The lab's node is not there.", remedy="Start it: python -m lab up.")
        return path

    @property
    def api(self) -> Api:
        """The API server, as an administrator."""
        layout = self.instance.layout
        identity = layout.authority.issue("admin", "airflow-lab-admin", groups=["system:masters"])
        return Api(layout.server, layout.authority.certificate, identity)

    @property
    def namespaces(self) -> Namespaces:
        """Where its daemons run."""
        return Namespaces(self.instance.folder / "namespaces")

    def daemon(self, name: str) -> Daemon:
        """One of its background programs."""
        return Daemon(name=name, folder=self.instance.daemons)

    def _prepare(self) -> None:
        """Everything that the daemons run in."""
        for folder in (self.instance.folder, self.instance.daemons, self.instance.volumes):
            folder.mkdir(parents=True, exist_ok=True)
        self.instance.folder.chmod(0o711)
        if not self.namespaces.exist():
            # After a restart of the machine, or half a down: what still runs, runs in namespaces that are lost.
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
        # The defaults (50 and 100) make a hundred pods that appear together wait for the scheduler's own client.
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
        # Its files of stopped pods outlive a node that was not ended properly; the kubelet would take them for its own.
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
        """Stop all daemons, so that they start with the commands of this checkout; pods run on.

        Not gently: they bear it, and the API server would take ten seconds.
        """
        for daemon in self._daemons():
            if (process := daemon.process()) is not None:
                kill(process)

    def _kill_strays(self) -> None:
        """Kill daemons without a record: an `up` that was killed had no time to write it."""
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
        # Some die a moment after they started; the rest of the node has answered since.
        self._require_alive(*_DAEMONS)

    def _answers(self) -> str | None:
        """None when everything runs and answers, else what does not."""
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
        """Kill pods, daemons and whatever else is in the node, until nothing is."""
        self.cgroups.remove()
        deadline = time.monotonic() + _END_SECONDS
        while processes := [process for process in self.processes.all() if process.pid != os.getpid()]:
            for process in processes:
                kill(process)
            if time.monotonic() > deadline:
                raise LabError(f"Processes of the node would not end: {processes}.")

    def _left(self) -> bool:
        """Whether anything of the node is there, be it that somebody deleted its folder."""
        return bool(self.instance.folder.exists() or self._network.connected() or self.processes.all())

    def _require_alive(self, *names: str) -> None:
        for name in names:
            self.daemon(name).require_alive()

    def _daemons(self) -> list[Daemon]:
        return [self.daemon(name) for name in _DAEMONS]

    @property
    def processes(self) -> Processes:
        """Its processes outside pods."""
        return Processes(self.instance.folder, self.namespaces)

    @property
    def environment(self) -> dict[str, str]:
        """What a program needs to be one of its daemons: it ends with the node."""
        return {**_ENVIRONMENT, **self.processes.environment}

    @property
    def _containerd(self) -> Containerd:
        return Containerd(self.instance, self.namespaces, PAUSE)

    @property
    def _network(self) -> Network:
        return Network(self.instance, self.namespaces)

    @property
    def cgroups(self) -> Cgroups:
        """Where its pods' processes are counted."""
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
"""Where a daemon's program is called otherwise."""


def _fingerprint(binaries: Iterable[Path]) -> str:
    """Changes when the daemons would be started differently."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"\0".join([*map(bytes, binaries), *(path.read_bytes() for path in sources)])).hexdigest()


def _require_root() -> None:
    if os.geteuid() != 0:
        raise LabError("The lab's node needs root.", remedy="Repeat as root, or use a cluster of your own.")


def _get(url: str) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=5):
        pass
