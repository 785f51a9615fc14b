"""The command `upload`: the script of the pod runs here, on a folder of the test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.operations.dags.programs import Programs, deployed, programs

__all__ = ["programs"]
MANIFEST = {"kind": "Pod", "metadata": {"name": "flow-upload"}, "spec": {}}


def described(share: Path, name: str = "dags", folder: str = "") -> dict[str, Any]:
    return {"name": name, "pod": MANIFEST, "root": str(share), "folder": folder}


def ready(programs: Programs, *uploads: dict[str, Any]) -> None:
    deployed(programs, dag_uploads=json.dumps(uploads))
    programs.answer("get pods", {"items": []})
    programs.answer("create --filename -")
    programs.answer("wait --for=condition=Ready pod/flow-upload")
    programs.answer("delete pod flow-upload")
    programs.answer("exec --stdin flow-upload -- python -c", here=True)


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_py", ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def content(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def share(tmp_path: Path) -> Path:
    (tmp_path / "share").mkdir()
    return tmp_path / "share"


@pytest.fixture
def local(tmp_path: Path) -> Path:
    return written(tmp_path / "local", a_py="a", team__b_py="b")


@pytest.mark.parametrize("folder", ["", "deep/dags"])
def test_the_share_becomes_what_the_folder_is(
    programs: Programs, share: Path, local: Path, folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ready(programs, described(share, folder=folder))
    written(local, sql__q="select 1", __airflowignore="")
    (local / ".airflowignore").write_text("sql/\n")
    (local / "__pycache__").mkdir()
    (local / "__pycache__" / "a.pyc").write_text("compiled")
    target = written(share / folder, a_py="old", team__b_py="b", gone__c_py="c", d_py="d")
    assert programs.run("upload", str(local)) == 0
    expected = {path: text for path, text in content(local).items() if "__pycache__" not in path}
    assert content(target) == expected
    assert sorted(path.name for path in target.iterdir() if path.is_dir()) == ["sql", "team"]
    assert "1 changed, 2 removed, 1 unchanged" in capsys.readouterr().out


def test_a_file_takes_the_place_of_a_folder_and_the_other_way_round(
    programs: Programs, share: Path, tmp_path: Path
) -> None:
    ready(programs, described(share))
    written(share, one__x_py="x", two="2")
    local = written(tmp_path / "local", one="1", two__y_py="y")
    assert programs.run("upload", str(local)) == 0
    assert content(share) == {"one": "1", "two/y.py": "y"}


def test_unchanged_files_are_not_touched(programs: Programs, share: Path, local: Path) -> None:
    ready(programs, described(share))
    assert programs.run("upload", str(local)) == 0
    before = (share / "a.py").stat().st_ino
    (local / "team/b.py").write_text("new")
    assert programs.run("upload", str(local)) == 0
    assert (share / "a.py").stat().st_ino == before
    assert (share / "team/b.py").read_text() == "new"


def test_what_an_interrupted_upload_has_left_is_removed(programs: Programs, share: Path, local: Path) -> None:
    ready(programs, described(share))
    written(share / ".airflow-upload/files", half_py="half")
    assert programs.run("upload", str(local)) == 0
    assert content(share) == content(local)


def test_the_rest_of_the_volume_stays(programs: Programs, share: Path, local: Path) -> None:
    ready(programs, described(share, folder="dags"))
    written(share, other__data="kept")
    assert programs.run("upload", str(local)) == 0
    assert content(share) == {"other/data": "kept", **{f"dags/{name}": text for name, text in content(local).items()}}


def test_the_pod_is_created_from_the_output_and_removed(programs: Programs, share: Path, local: Path) -> None:
    ready(programs, described(share))
    assert programs.run("upload", str(local)) == 0
    verbs = [given[4] for given, _ in programs.calls()]
    assert verbs == ["get", "create", "wait", "exec", "delete"]
    [created] = [text for given, text in programs.calls() if "create" in given]
    assert json.loads(created) == MANIFEST
    assert all(given[:4] == ["--context", "here", "--namespace", "space"] for given, _ in programs.calls())


def test_the_pod_is_removed_when_the_upload_fails(
    programs: Programs, share: Path, local: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    programs.answer("exec --stdin", err="OSError: no space left\n", code=1)
    ready(programs, described(share))
    assert programs.run("upload", str(local)) == 2
    assert [given[4] for given, _ in programs.calls()][-1] == "delete"
    said = capsys.readouterr().err
    assert said == "error: The upload failed: OSError: no space left; run the command again, which completes it.\n"


def test_a_pod_that_does_not_start_is_one_message_and_is_removed(
    programs: Programs, share: Path, local: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    programs.answer("wait --for", err="error: timed out waiting", code=1)
    programs.answer("get events", {"items": [{"message": "0/1 nodes are available"}]})
    ready(programs, described(share))
    assert programs.run("upload", str(local)) == 2
    assert "Pod flow-upload did not start within 300 s: 0/1 nodes are available" in capsys.readouterr().err
    assert [given[4] for given, _ in programs.calls()][-1] == "delete"


@pytest.mark.parametrize("phase", ["Running", "Failed"])
def test_two_uploads_at_once_are_refused(
    programs: Programs, share: Path, local: Path, phase: str, capsys: pytest.CaptureFixture[str]
) -> None:
    programs.answer("get pods", {"items": [{"metadata": {}, "status": {"phase": phase}}]})
    ready(programs, described(share))
    assert programs.run("upload", str(local)) == (2 if phase == "Running" else 0)
    if phase == "Running":
        assert "another upload runs, or was interrupted" in capsys.readouterr().err
        assert content(share) == {}


def test_one_of_several_sources_is_named(
    programs: Programs, share: Path, local: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ready(programs, described(share), described(share, name="team", folder="team"))
    assert programs.run("upload", str(local)) == 2
    assert "has several sources; choose one: --source dags or team." in capsys.readouterr().err
    assert programs.run("upload", str(local), "--source", "none") == 2
    assert "has no source 'none'; choose one: --source dags or team." in capsys.readouterr().err
    assert programs.run("upload", str(local), "--source", "team") == 0
    assert {name.partition("/")[0] for name in content(share)} == {"team"}


def test_a_stack_without_a_share_is_refused(
    programs: Programs, local: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deployed(programs)
    assert programs.run("upload", str(local)) == 2
    assert "has no file share or claim with DAG files; add a source" in capsys.readouterr().err


def test_a_folder_that_is_none_of_dag_files_is_refused(
    programs: Programs, share: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ready(programs, described(share))
    written(share, a_py="a")
    empty = written(tmp_path / "empty", notes="x")
    linked = written(tmp_path / "linked", a_py="a")
    (linked / "b.py").symlink_to(linked / "a.py")
    large = written(tmp_path / "large", a_py="a")
    with (large / "data").open("wb") as file:
        file.truncate(300 * 2**20)
    for folder, message in (
        (tmp_path / "none", "is not a folder"),
        (empty, "has no .py or .zip file"),
        (linked, "b.py is a symbolic link"),
        (large, "2 files of 300 MiB; DAG files are at most"),
    ):
        assert programs.run("upload", str(folder)) == 2
        assert message in capsys.readouterr().err
    assert content(share) == {"a.py": "a"}
