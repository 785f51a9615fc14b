"""A custom image: the project's Containerfile builds an image with packages, bytecode and DAGs."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from lab.images import airflow, oci, own
from lab.images.collection import built
from lab.images.root import Root

pytestmark = [pytest.mark.timeout(1800), pytest.mark.lab_node("builds on the lab's images")]

PROJECT = Path(__file__).parents[2]
ENVIRONMENT = {**airflow.IMAGE.settings.env, "HOME": airflow.HOME}
LOOK = """
import importlib.util, json, pathlib, sys
import airflow.providers.http
found = importlib.util.find_spec("airflow.sdk").origin
cached = pathlib.Path(importlib.util.cache_from_source(found))
print(json.dumps({"cached": cached.is_file(), "flags": cached.read_bytes()[4] if cached.is_file() else None}))
"""
UNCHECKED_HASH = 0b01
"""The second word of a .pyc file, by PEP 552: a hash of the source, which is not checked at import."""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if os.geteuid() != 0:
        pytest.skip("an image is built as root")
    folder = tmp_path_factory.mktemp("own")
    own.build(PROJECT, "localhost/airflow:test", folder / "image.tar", log=folder / "log")
    return folder / "image.tar"


@pytest.fixture(scope="module")
def root(archive: Path) -> Root:
    oci.unpack(archive, archive.with_name("root"))
    return Root(archive.with_name("root"))


def run(root: Root, *command: str) -> str:
    as_airflow = ["setpriv", "--reuid=50000", "--regid=0", "--clear-groups", *command]
    done = subprocess.run(root.command(as_airflow), env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def contents(archive: Path) -> list[str]:
    """The digests of the layers' uncompressed content."""
    with tarfile.open(archive) as tar:

        def read(name: str) -> Any:
            member = tar.extractfile(name)
            assert member is not None
            return json.load(member)

        manifest = read(f"blobs/{read('index.json')['manifests'][0]['digest'].replace(':', '/')}")
        return read(f"blobs/{manifest['config']['digest'].replace(':', '/')}")["rootfs"]["diff_ids"]


def test_it_stands_on_the_layers_of_the_image_it_names(archive: Path) -> None:
    [base] = built([airflow.IMAGE])
    below = contents(base)
    assert contents(archive)[: len(below)] == below
    assert len(contents(archive)) == len(below) + 1


def test_its_packages_are_there_and_airflow_is_compiled_for_good(root: Root) -> None:
    assert json.loads(run(root, "python", "-c", LOOK)) == {"cached": True, "flags": UNCHECKED_HASH}


def test_the_image_it_stands_on_has_no_bytecode_of_airflow(archive: Path, tmp_path: Path) -> None:
    """Otherwise no test would show the cost of the official image."""
    [base] = built([airflow.IMAGE])
    oci.unpack(base, tmp_path / "base")
    assert list((tmp_path / "base" / airflow.SITE).rglob("*.pyc")) == []


def test_its_dags_are_readable_and_belong_to_group_0(root: Root) -> None:
    inside = root.folder / "opt/airflow/dags"
    assert {path.name for path in inside.glob("*.py")} == {path.name for path in (PROJECT / "dags").glob("*.py")}
    assert {(path.stat().st_uid, path.stat().st_gid) for path in inside.glob("*.py")} == {(50000, 0)}
