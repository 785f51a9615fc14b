"""One interface for files on a volume and in object storage."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_project import ProjectError, open_files, project
from airflow_project.files import DATA_VARIABLE
from tests.unit.airflow_project.test_projects import BARE, facts


def test_a_pod_reads_and_writes_below_the_folder_of_its_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATA_VARIABLE, tmp_path.as_uri())
    files = open_files()
    files.makedirs("output", exist_ok=True)
    with files.open("output/result.csv", "w") as result:
        result.write("1\n")
    assert (tmp_path / "output/result.csv").read_text() == "1\n"


def test_no_path_leaves_the_folder(tmp_path: Path) -> None:
    inner = tmp_path / "data"
    inner.mkdir()
    (tmp_path / "outside").write_text("secret")
    with pytest.raises((ValueError, FileNotFoundError)):
        open_files(inner.as_uri()).cat("../outside")


def test_a_bucket_has_the_same_interface(tmp_path: Path) -> None:
    """The memory stands for a bucket: fsspec chooses the storage by the URL's scheme."""
    file = facts(tmp_path, example1={**BARE, "data": "memory://bucket"})
    files = project("example1", file).files
    files.pipe("input/a.csv", b"1")
    assert open_files("memory://bucket").cat("input/a.csv") == b"1"


def test_options_reach_the_storage() -> None:
    files = open_files("memory://bucket", {"use_listings_cache": False})
    assert files.fs.storage_options == {"use_listings_cache": False}


def test_a_process_outside_of_a_project_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    with pytest.raises(ProjectError, match="has no variable AIRFLOW_PROJECT_DATA"):
        open_files()


def test_a_worker_is_told_that_it_does_not_mount_the_volume(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="is not mounted here: the volume of a project is mounted only in pods"):
        open_files((tmp_path / "absent").as_uri())


def test_a_project_without_data_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"'example1' has no data; set airflow:projects\[…\].data"):
        _ = project("example1", facts(tmp_path, example1=BARE)).files
