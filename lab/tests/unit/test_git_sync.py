"""The stand-in for git-sync, with a repository in a folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.images.git_sync import PROGRAM


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    path = tmp_path / "repository"
    git(path.parent, "init", "--quiet", "--initial-branch=main", str(path))
    commit(path, "first")
    return path


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=lab", "-c", "user.email=lab@example.org"]
    done = subprocess.run(["git", *identity, *arguments], check=True, capture_output=True, text=True, cwd=folder)
    return done.stdout.strip()


def commit(repository: Path, text: str) -> str:
    (repository / "file").write_text(text)
    git(repository, "add", "file")
    git(repository, "commit", "--quiet", "--message", text)
    return git(repository, "rev-parse", "HEAD")


def run(repository: Path, root: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    root.mkdir(exist_ok=True)
    given = {"REPO": f"file://{repository}", "ROOT": str(root), "LINK": "current", "ONE_TIME": "true", **settings}
    return subprocess.run(
        [sys.executable, PROGRAM],
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, **{f"GITSYNC_{name}": value for name, value in given.items()}},
    )


def test_the_link_leads_to_the_commit_of_the_reference(repository: Path, tmp_path: Path) -> None:
    git(repository, "tag", "v1")
    root = tmp_path / "root"
    assert run(repository, root, REF="main").returncode == 0
    assert (root / "current/file").read_text() == "first"
    second = commit(repository, "second")
    assert run(repository, root, REF="main").returncode == 0
    assert (root / "current/file").read_text() == "second"
    assert (root / "current").readlink().name == second
    assert run(repository, root, REF="v1").returncode == 0
    assert (root / "current/file").read_text() == "first"


def test_an_unreachable_repository_ends_it_after_the_given_failures(tmp_path: Path) -> None:
    done = run(tmp_path / "nothing", tmp_path / "root", MAX_FAILURES="1", PERIOD="10ms")
    assert done.returncode == 1
    assert done.stderr.count("error syncing repo") == 2
    assert not (tmp_path / "root/current").exists()


def test_a_setting_that_it_does_not_know_ends_it(repository: Path, tmp_path: Path) -> None:
    done = run(repository, tmp_path / "root", EXECHOOK_COMMAND="x")
    assert done.returncode != 0
    assert "EXECHOOK_COMMAND" in done.stderr
