"""The lab's node provides what pods of Airflow need, recovers after crashes, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

import lab.node
from lab.node.instance import Instance
from lab.node.namespaces import mounts_below
from lab.node.node import Node
from lab.paths import PROJECT
from lab.testing import probe
from lab.testing.space import Space, eventually

pytestmark = pytest.mark.lab_node("tests the lab's node itself")

PRIVATE = "airflow-lab-test"
"""An instance that tests may break."""


@pytest.fixture(scope="module")
def space(node: Node, probe_archives: list[Path]) -> Iterator[Space]:
    node.import_images(probe_archives)
    space = Space(node.api, "node-test")
    space.create()
    yield space
    space.remove()


def test_kubectl_sees_a_ready_node_from_the_machine(node: Node) -> None:
    shown = subprocess.run(
        [
            lab.node.kubectl(),
            "--kubeconfig",
            node.kubeconfig,
            "--context",
            node.instance.name,
            "get",
            "nodes",
            "-o",
            "json",
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    (found,) = json.loads(shown.stdout)["items"]
    ready = next(each for each in found["status"]["conditions"] if each["type"] == "Ready")
    assert (ready["status"], found["status"]["nodeInfo"]["kubeletVersion"]) == ("True", "v1.36.3")
    assert node.kubeconfig.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", ["ReadWriteOnce", "ReadWriteMany"])
def test_two_pods_share_the_files_of_a_claim_as_user_50000(space: Space, mode: str) -> None:
    claim = mode.lower()
    space.claim(claim, mode)
    # A file exists before it has content.
    read = f"until [ -s /{claim}/note ]; do sleep 0.1; done; cat /{claim}/note"
    space.run(f"{claim}-reader", ["bash", "-c", read], claims=(claim,))
    space.run(f"{claim}-writer", ["bash", "-c", f"echo written by $(id -u) > /{claim}/note"], claims=(claim,))
    assert space.output(f"{claim}-reader") == "written by 50000\n"


def test_a_deleted_claim_takes_its_folder_along_unless_retained(space: Space) -> None:
    folders = {}
    for claim, policy in (("goes", "Delete"), ("stays", "Retain")):
        space.claim(claim, "ReadWriteOnce")
        volume = space.volume_of(claim)
        path = f"/api/v1/persistentvolumes/{volume['metadata']['name']}"
        space.api.merge(path, {"spec": {"persistentVolumeReclaimPolicy": policy}})
        folders[claim] = Path(volume["spec"]["hostPath"]["path"])
        (folders[claim] / "data").write_text("precious")
        space.api.delete(f"{space.path}/persistentvolumeclaims/{claim}")
    eventually("the deleted claim's folder is gone", lambda: not folders["goes"].exists())
    kept = f"/api/v1/persistentvolumes/{volume['metadata']['name']}"
    eventually("the other volume is released", lambda: space.api.get(kept)["status"]["phase"] == "Released")
    assert (folders["stays"] / "data").read_text() == "precious"
    space.api.delete(kept)
    shutil.rmtree(folders["stays"])


def test_a_claim_grows(space: Space) -> None:
    space.claim("grows", "ReadWriteOnce")
    space.volume_of("grows")
    path = f"{space.path}/persistentvolumeclaims/grows"
    space.api.merge(path, {"spec": {"resources": {"requests": {"storage": "2Gi"}}}})
    eventually("the claim has grown", lambda: space.api.get(path)["status"]["capacity"]["storage"] == "2Gi")


def test_services_are_reached_by_name_by_address_from_themselves_and_from_the_machine(space: Space, node: Node) -> None:
    service = space.service("web", kind="NodePort")
    address, node_port = service["spec"]["clusterIP"], service["spec"]["ports"][0]["nodePort"]
    # It also connects to itself: a pod must reach the Service that selects it.
    space.run(
        "web", ["bash", "-c", f'perl -e "$1" & sleep 0.5; perl -e "$2" {address} 80; wait', "-", probe.SERVE, probe.ASK]
    )
    names = ["web", f"web.{space.name}.svc.cluster.local", address]
    for number, name in enumerate(names):
        space.run(f"asks-{number}", ["perl", "-e", probe.ASK, name, "80"])
    assert {name: space.output(f"asks-{number}") for number, name in enumerate(names)} == dict.fromkeys(
        names, "served by web\n"
    )
    assert space.api.get(f"{space.path}/pods/web/log") == {"text": "served by web\n"}
    with socket.create_connection((node.instance.address, node_port), timeout=5) as connection:
        assert connection.recv(100) == b"served by web\n"


def test_the_api_server_is_reached_from_pods(space: Space) -> None:
    script = "exec 3<>/dev/tcp/kubernetes.default/443 && echo connected"
    space.run("asks-the-api", ["bash", "-c", script])
    assert space.output("asks-the-api") == "connected\n"


def test_names_and_addresses_outside_the_cluster_fail_at_once(space: Space) -> None:
    script = """
        for target in example.com 192.0.2.77; do
            SECONDS=0
            (exec 3<>/dev/tcp/$target/80) 2>/dev/null && echo "$target answers"
            echo "$target $((SECONDS > 2))"
        done
    """
    space.run("asks-outside", ["bash", "-c", script])
    assert space.output("asks-outside") == "example.com 0\n192.0.2.77 0\n"


def test_images_that_are_there_are_not_imported_again(
    space: Space, node: Node, probe_archives: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    node.import_images(probe_archives)
    assert capsys.readouterr().err == ""


@pytest.fixture(scope="module")
def traces_before() -> dict[str, set[str]]:
    return _traces()


@pytest.fixture(scope="module")
def fragile(traces_before: dict[str, set[str]], probe_archives: list[Path]) -> Iterator[Node]:
    """A separate node for these tests, with one running pod."""
    if os.geteuid() != 0:
        pytest.skip("a real node needs root")
    fragile = Node(Instance(PRIVATE))
    fragile.down()
    fragile.up()
    fragile.import_images(probe_archives)
    space = Space(fragile.api, "fragile")
    space.create()
    space.claim("data", "ReadWriteOnce")
    space.run("survivor", ["bash", "-c", "echo started >> /data/starts; sleep 1000 & wait"], claims=("data",))
    space.wait_running("survivor")
    yield fragile
    fragile.down()
    shutil.rmtree(fragile.instance.images)
    fragile.instance.lock.unlink()


def test_a_second_up_takes_less_than_two_seconds_and_starts_nothing(fragile: Node) -> None:
    before = _pids(fragile)
    started = time.monotonic()
    fragile.up()
    assert time.monotonic() - started < 2
    assert _pids(fragile) == before


@pytest.mark.parametrize(
    "victims",
    [["containerd"], ["kubelet"], ["kube-apiserver", "etcd"], ["kube-controller-manager", "coredns", "provisioner"]],
)
def test_up_restarts_what_was_killed_and_pods_run_on(fragile: Node, victims: list[str]) -> None:
    before = _pids(fragile)
    for name in victims:
        _killed(fragile, name)
    assert fragile.status()[-1][1].startswith("not ready")
    fragile.up()
    after = _pids(fragile)
    assert {name for name in after if after[name] != before[name]} >= set(victims)
    _runs_a_new_pod(fragile, f"after-{victims[0]}")
    survivor = Space(fragile.api, "fragile").pod("survivor")
    assert survivor["status"]["containerStatuses"][0]["restartCount"] == 0


def test_two_ups_at_once_start_each_daemon_once(fragile: Node) -> None:
    _killed(fragile, "kube-scheduler")
    program = (
        f"from lab.node.node import Node; from lab.node.instance import Instance; Node(Instance({PRIVATE!r})).up()"
    )
    ups = [subprocess.Popen([sys.executable, "-c", program], cwd=PROJECT, stderr=subprocess.PIPE) for _ in range(2)]
    assert [(up.communicate(timeout=60)[1].decode(), up.returncode)[1] for up in ups] == [0, 0]
    assert len(fragile.processes.named("kube-scheduler")) == 1


def test_up_replaces_a_daemon_that_an_interrupted_up_did_not_record(fragile: Node) -> None:
    unrecorded = fragile.daemon("kube-scheduler").process()
    (fragile.instance.daemons / "kube-scheduler.pid").unlink()
    fragile.up()
    assert unrecorded is not None
    assert [each.pid for each in fragile.processes.named("kube-scheduler")] != [unrecorded.pid]
    _runs_a_new_pod(fragile, "after-a-stray")


def test_a_machine_that_restarted_gets_its_node_back_with_its_data(fragile: Node) -> None:
    """After a restart no process, mount or interface is left, but every file is."""
    starts = Path(Space(fragile.api, "fragile").volume_of("data")["spec"]["hostPath"]["path"]) / "starts"
    assert starts.read_text() == "started\n"
    for process in fragile.processes.all():
        process.kill()
    for pid in fragile.cgroups.pids():
        # Resources that a process kept alive may be deleted with it.
        with suppress(ProcessLookupError):
            os.kill(pid, 9)
    subprocess.run(["ip", "link", "delete", fragile.instance.interface], check=True)
    for mounted in reversed(mounts_below(fragile.instance.folder)):
        subprocess.run(["umount", mounted], check=True)
    fragile.up()
    eventually("the pod was started again", lambda: starts.read_text() == "started\nstarted\n")
    Space(fragile.api, "fragile").wait_running("survivor")


def test_down_leaves_no_process_mount_namespace_interface_or_control_group(
    fragile: Node, traces_before: dict[str, set[str]]
) -> None:
    processes = [*fragile.processes.all(), *map(psutil.Process, fragile.cgroups.pids())]
    ours = {str(Path(f"/proc/{each.pid}/ns/{kind}").stat().st_ino) for each in processes for kind in ("net", "mnt")}
    assert any(process.name().startswith("containerd-shim") for process in processes)
    assert ours <= _namespaces()
    fragile.down()
    # A dead daemon that this test started stays a zombie until the test ends.
    alive = [each for each in processes if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
    assert alive == []
    assert ours & _namespaces() == set()
    assert {kind: found - traces_before[kind] for kind, found in _traces().items()} == {
        kind: set() for kind in traces_before
    }
    assert not fragile.instance.folder.exists()
    assert fragile.status()[-1] == ("node", "not there")


def test_up_after_down_begins_an_empty_cluster_with_the_images_of_before(fragile: Node) -> None:
    fragile.up()
    assert not Space(fragile.api, "fragile").exists("/api/v1/namespaces/fragile")
    _runs_a_new_pod(fragile, "anew", namespace="default")


def _runs_a_new_pod(node: Node, name: str, namespace: str = "fragile") -> None:
    space = Space(node.api, namespace)
    space.run(name, ["bash", "-c", "echo ran"])
    assert space.output(name) == "ran\n"


def _pids(node: Node) -> dict[str, str]:
    return dict(node.status()[:-1])


def _killed(node: Node, name: str) -> None:
    process = node.daemon(name).process()
    assert process is not None
    process.kill()
    eventually(f"{name} is dead", lambda: node.daemon(name).process() is None)


def _traces() -> dict[str, set[str]]:
    """Traces of a node on this machine, without its files; independent of the default node."""
    usual = Instance()
    mounts = [line.split(maxsplit=4)[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return {
        "mounts": {mount for mount in mounts if str(usual.folder) not in mount},
        "interfaces": {path.name for path in Path("/sys/class/net").iterdir()} - {usual.interface},
        "cgroups": {
            # Version 2 has one at the top, version 1 one for each controller.
            str(path)
            for pattern in (f"{PRIVATE}*", f"*/{PRIVATE}*")
            for path in Path("/sys/fs/cgroup").glob(pattern)
        },
        "commands": {" ".join(process.cmdline()) for process in _processes() if PRIVATE in " ".join(process.cmdline())},
    }


def _processes() -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if process.cmdline():
                yield process


def _namespaces() -> set[str]:
    """All network and mount namespaces that a process or a mount keeps alive."""
    shown = subprocess.run(["lsns", "-rno", "NS,TYPE"], check=True, capture_output=True, text=True).stdout
    return {line.split()[0] for line in shown.splitlines() if line.endswith((" net", " mnt"))}
