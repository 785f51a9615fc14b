"""Images for tasks: what the Containerfiles in images/pandas and images/papermill build, as any user, with nothing but
/tmp to write to."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from lab.images import names, oci, task
from lab.images.root import Root

pytestmark = [pytest.mark.timeout(1800), pytest.mark.lab_node("builds on the lab's images")]

PROJECT = Path(__file__).parents[2]
ENVIRONMENT = {
    "PATH": "/opt/venv/bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "PYTHONPATH": "/opt/packages",
    "PYTHONUNBUFFERED": "1",
    "HOME": "/tmp",
}
EXAMPLES = PROJECT / "dags/conditional/tasks"
MOUNTS = {"data": "/opt/data", "xcom": "/airflow/xcom"}
USERS = (50000, 61234)
"""The user of the image, and one that a cluster may choose."""
UNCHECKED_HASH = 0b01
"""The second word of a .pyc file, by PEP 552: a hash of the source, which is not checked at import."""
FRAME = """
import fsspec, importlib.util, json, numpy, pandas, psycopg, sqlalchemy, tempfile
import airflow_project
for scheme in ("file", "gs", "abfs"):
    fsspec.get_filesystem_class(scheme)
with tempfile.NamedTemporaryFile("w+") as file:
    pandas.DataFrame({"x": [1, 4, 9]}).to_csv(file.name, index=False)
    roots = numpy.sqrt(pandas.read_csv(file.name)["x"]).astype(int).tolist()
cached = importlib.util.cache_from_source(pandas.__file__)
print(json.dumps({"roots": roots, "flags": open(cached, "rb").read()[4]}))
"""
NOTEBOOK = {
    "cells": [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": "parameters",
            "metadata": {"tags": ["parameters"]},
            "outputs": [],
            "source": "number = 1",
        },
        {
            "cell_type": "code",
            "execution_count": None,
            "id": "square",
            "metadata": {},
            "outputs": [],
            "source": "import pandas\npandas.Series([number]).pow(2).item()",
        },
    ],
    "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}


@pytest.fixture(scope="module", params=sorted(task.IMAGES))
def folder(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Root]:
    if os.geteuid() != 0:
        pytest.skip("an image is built as root")
    unpacked: dict[str, Root] = {}
    for image in task.IMAGES:
        oci.unpack(task.archive(image), tmp_path_factory.mktemp(image) / "root")
        unpacked[image] = Root(tmp_path_factory.getbasetemp() / f"{image}0/root")
    return unpacked


def run(root: Root, user: int, *command: str) -> str:
    """The output of a command of a user in group 0 whose only folder to write to is /tmp."""
    as_user = ["setpriv", f"--reuid={user}", "--regid=0", "--clear-groups", "--no-new-privs", *command]
    done = subprocess.run(root.command(as_user), env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("user", USERS)
def test_pandas_reads_and_writes_tables_and_is_compiled(roots: dict[str, Root], user: int) -> None:
    found = json.loads(run(roots["pandas"], user, "python", "-c", FRAME))
    assert found == {"roots": [1, 2, 3], "flags": UNCHECKED_HASH}


@pytest.mark.parametrize("user", USERS)
def test_papermill_runs_a_notebook_with_a_parameter(roots: dict[str, Root], user: int) -> None:
    root = roots["papermill"]
    (root.folder / f"tmp/in-{user}.ipynb").write_text(json.dumps(NOTEBOOK))
    where = [f"/tmp/in-{user}.ipynb", f"/tmp/out-{user}.ipynb"]
    run(root, user, "papermill", "--no-progress-bar", "-p", "number", "7", *where)
    result = json.loads((root.folder / f"tmp/out-{user}.ipynb").read_text())
    assert result["cells"][-1]["outputs"][0]["data"] == {"text/plain": ["49"]}


@pytest.fixture
def pod(roots: dict[str, Root], tmp_path: Path) -> Path:
    """The folders that a pod of a project mounts, `data` and `xcom`, in both images."""
    tmp_path.chmod(0o755)
    for name in ("data", "xcom"):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(0o777)
    for root in roots.values():
        for path in MOUNTS.values():
            (root.folder / path.lstrip("/")).mkdir(parents=True, exist_ok=True)
    return tmp_path


def run_script(root: Root, pod: Path, script: str, *arguments: str, **variables: str) -> str:
    """The output of an example's script, started as its DAG does it, with the variables and folders of a project."""
    mounts = {pod / name: inside for name, inside in MOUNTS.items()}
    text = (EXAMPLES / script).read_text()
    environment = {**ENVIRONMENT, "AIRFLOW_PROJECT_DATA": "file:///opt/data", **variables}
    as_user = ["setpriv", f"--reuid={USERS[0]}", "--regid=0", "--clear-groups", "python", "-c", text, *arguments]
    command = root.command(as_user, mounts=mounts)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_scripts_of_the_pod_example_work_on_a_projects_files(roots: dict[str, Root], pod: Path) -> None:
    run_script(roots["pandas"], pod, "square_roots.py", "[1, 4, 9]")
    assert json.loads((pod / "xcom/return.json").read_text()) == {"sum": 6.0}
    assert (pod / "data/output/output.csv").read_text().splitlines() == ["number,root", "1,1.0", "4,2.0", "9,3.0"]
    told = run_script(roots["pandas"], pod, "report.py", SUM="6.0", GREETING="Hello:", BIG_SECRET="hunter22")
    assert told.splitlines() == ["Hello: the sum of 3 roots is 6.0", "the secret has 8 characters"]


def test_the_script_of_the_notebook_example_keeps_the_notebook_and_returns_its_last_output(
    roots: dict[str, Root], pod: Path
) -> None:
    notebook = (EXAMPLES / "squares.ipynb").read_text()
    run_script(roots["papermill"], pod, "run_notebook.py", notebook, "10", "manual__1")
    assert json.loads((pod / "xcom/return.json").read_text()) == "385"
    kept = json.loads((pod / "data/notebooks/manual__1.ipynb").read_text())
    assert kept["metadata"]["papermill"]["parameters"] == {"count": 10}


def test_nobody_but_root_may_write_to_a_folder_of_the_image(roots: dict[str, Root], folder: str) -> None:
    looking = "find / -xdev -path /tmp -prune -o -type d -writable -print 2>/dev/null || true"
    writable = run(roots[folder], USERS[0], "sh", "-c", looking).splitlines()
    # Debian's folders for everybody; in a container the root file system is read-only besides.
    assert {*writable} <= {"/var/tmp", "/run/lock"}


def test_nothing_of_the_machine_that_built_it_remains(roots: dict[str, Root], folder: str) -> None:
    tree = roots[folder].folder
    left = [path for path in ("etc/pip.conf", "etc/apt/apt.conf.d/99machine") if (tree / path).exists()]
    assert [path for path in left if (tree / path).stat().st_size] == []
    assert list((tree / "var/lib/apt/lists").iterdir()) == []
    assert not (tree / "opt/venv/bin/pip").exists()


@pytest.mark.parametrize("folder", sorted(task.IMAGES), scope="function")
def test_every_package_is_one_version_with_hashes(folder: str) -> None:
    text = (PROJECT / f"images/{folder}/requirements.txt").read_text()
    entries = [entry for entry in re.split(r"\n(?=\S)", text) if not entry.startswith("#")]
    assert [entry for entry in entries if "==" not in entry or "--hash=sha256:" not in entry] == []
    wanted = [
        re.split(r"[\[\s]", line)[0] for line in (PROJECT / f"images/{folder}/requirements.in").read_text().splitlines()
    ]
    pinned = {re.split(r"[\[=]", entry)[0] for entry in entries}
    assert {name for name in wanted if name and name != "#"} <= pinned


def test_the_names_on_a_node_have_a_version() -> None:
    """A tag that moves would give pods of one run different packages."""
    assert all(re.search(r":\d+\.\d+\.\d+$", name) for name in (names.PANDAS, names.PAPERMILL))
