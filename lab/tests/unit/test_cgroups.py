"""The node's control groups on machines with version 2, independent of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import LabError
from lab.node.cgroups import Cgroups


def unified(folder: Path, controllers: str) -> Path:
    (folder / "cgroup.controllers").write_text(f"{controllers}\n")
    (folder / "cgroup.subtree_control").write_text("")
    return folder


def test_version_2_gets_one_subtree_with_every_controller(tmp_path: Path) -> None:
    mounted = unified(tmp_path, "cpuset cpu memory pids")
    Cgroups("/node", mounted).create()
    assert (mounted / "cgroup.subtree_control").read_text().split() == ["+cpuset", "+cpu", "+memory", "+pids"]
    assert [path.name for path in mounted.iterdir() if path.is_dir()] == ["node"]


def test_the_processes_of_every_pod_are_found_in_version_2(tmp_path: Path) -> None:
    groups = Cgroups("/node", unified(tmp_path, "memory"))
    groups.create()
    for pod, pids in (("one", "11\n12\n"), ("two/container", "13\n")):
        folder = tmp_path / "node/kubepods" / pod
        folder.mkdir(parents=True)
        (folder / "cgroup.procs").write_text(pids)
    assert groups.pids() == {11, 12, 13}


def test_limits_and_kills_for_memory_are_read_in_version_2(tmp_path: Path) -> None:
    groups = Cgroups("/node", unified(tmp_path, "memory"))
    groups.create()
    for pod, killed in (("kubepods", 0), ("kubepods/one", 2)):
        folder = tmp_path / "node" / pod
        folder.mkdir()
        (folder / "memory.max").write_text("1048576\n")
        (folder / "memory.events.local").write_text(f"low 0\nhigh 0\nmax 7\noom 3\noom_kill {killed}\n")
    assert groups.memory_limit("kubepods") == 2**20
    assert groups.out_of_memory() == {str(tmp_path / "node/kubepods/one"): 2}


def test_a_machine_whose_groups_do_not_limit_memory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="No memory control groups"):
        Cgroups("/node", unified(tmp_path, "hugetlb")).create()
    assert not (tmp_path / "node").exists()
