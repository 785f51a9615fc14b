"""The example DAGs that reach a stack: those that can run there, whatever else the folder has."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.airflow.dags import examples
from tests.unit.recording import recorder, stacks, stacks_gcp
from tests.unit.recording.recorder import Config, Recording
from tests.unit.recording.workloads import pod_of

CONFIG_MAP_BYTES = 1_048_576
"""https://kubernetes.io/docs/concepts/configuration/configmap/#motivation."""
EVERYWHERE = {path.name for path in examples.EXAMPLES.iterdir() if path.is_file()}
DATASET = {"bigquery": {"datasets": [{"name": "citibike"}]}}
EXAMPLE1 = {
    "name": "example1",
    "image": "registry.example.org/pandas:1.0.0",
    "config": {"GREETING": "Hello"},
    "secrets": ["BIG_SECRET"],
    "data": {"kind": "volume", "size_gib": 1},
}
NOTEBOOKS = {"name": "notebooks", "image": "registry.example.org/papermill:1.0.0"}
SECRET = {"airflow:project_secrets": {"secure": '{"example1": {"BIG_SECRET": "hunter2"}}'}}
PODS = {"pod_example.py", "tasks/square_roots.py", "tasks/report.py"}
NOTEBOOK = {"papermill_run.py", "tasks/run_notebook.py", "tasks/squares.ipynb"}
STACKS: dict[str, tuple[Config, set[str]]] = {
    "an existing cluster": (stacks.config("celery+kubernetes", example_dags="true"), set()),
    "Google Cloud": (stacks_gcp.config("celery", example_dags="true"), set()),
    "Google Cloud with a dataset": (
        stacks_gcp.config("celery", example_dags="true", cloud_with=DATASET),
        {"citibike.py"},
    ),
    "both projects": (
        {**stacks.config("celery", example_dags="true", projects=[EXAMPLE1, NOTEBOOKS]), **SECRET},
        PODS | NOTEBOOK,
    ),
    "a project of the name without data": (
        {
            **stacks.config(
                "celery", example_dags="true", projects=[{**EXAMPLE1, "data": {"kind": "none"}}, NOTEBOOKS]
            ),
            **SECRET,
        },
        NOTEBOOK,
    ),
    "a project of the name without its secret": (
        stacks.config("celery", example_dags="true", projects=[{**EXAMPLE1, "secrets": []}]),
        set(),
    ),
    "a project of the name without its variable": (
        {**stacks.config("celery", example_dags="true", projects=[{**EXAMPLE1, "config": {}}]), **SECRET},
        set(),
    ),
    "a project of the name without an image": (
        stacks.config("celery", example_dags="true", projects=[{"name": "notebooks"}]),
        set(),
    ),
}


def delivered(recording: Recording) -> dict[str, str]:
    """The files of the examples' ConfigMap, by their path below the bundle's folder in a worker."""
    data = recording.the("ConfigMap", "airflow-example-dags").plain["data"]
    mounts = [mount for mount in pod_of(recording, "worker").main["volumeMounts"] if mount["name"] == "examples"]
    assert {mount["subPath"] for mount in mounts} == data.keys()
    return {mount["mountPath"].removeprefix(f"{examples.FOLDER}/"): data[mount["subPath"]] for mount in mounts}


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_gets_the_examples_that_can_run_on_it(stack: str) -> None:
    config, further = STACKS[stack]
    recording = recorder.run(config)
    assert recording.error is None, recording.error
    files = delivered(recording)
    assert files.keys() == EVERYWHERE | further
    folder = examples.EXAMPLES / "conditional"
    assert {path: text for path, text in files.items() if path in further} == {
        path: (folder / path).read_text() for path in further
    }


def test_every_conditional_example_and_each_of_its_files_is_listed() -> None:
    folder = examples.EXAMPLES / "conditional"
    listed = [*examples.CONDITIONS, *(name for names in examples.SCRIPTS.values() for name in names)]
    assert examples.SCRIPTS.keys() <= examples.CONDITIONS.keys()
    assert sorted(listed) == sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"
    )


def test_all_examples_together_fit_into_a_config_map_under_keys_that_it_allows() -> None:
    paths = [path for path in examples.EXAMPLES.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert sum(path.stat().st_size for path in paths) < CONFIG_MAP_BYTES // 2
    names = [*examples.CONDITIONS, *(name for names in examples.SCRIPTS.values() for name in names)]
    assert [name for name in names if not re.fullmatch(r"[-._a-zA-Z0-9]+", name.replace("/", "."))] == []


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports before any function runs."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)


def test_a_dag_imports_when_it_is_parsed_only_what_every_image_has() -> None:
    """Each import at the top is paid at each parse and by each task; `airflow.models` and the like are deprecated."""
    allowed = re.compile(
        r"airflow\.sdk|airflow\.providers\.(standard|cncf\.kubernetes)\..*|airflow_project|kubernetes\.client"
        r"|(datetime|os|pathlib|socket)"
    )
    dags = [*examples.EXAMPLES.glob("*.py"), *(examples.EXAMPLES / "conditional").glob("*.py")]
    assert len(dags) >= 10
    assert [f"{path.name}: {name}" for path in dags for name in imports(path) if not allowed.fullmatch(name)] == []


def test_the_notebook_of_an_example_is_empty_and_has_the_cell_for_parameters() -> None:
    found = json.loads((examples.EXAMPLES / "conditional/tasks/squares.ipynb").read_text())
    assert [cell["outputs"] for cell in found["cells"]] == [[], []]
    assert found["cells"][0]["metadata"]["tags"] == ["parameters"]
    # papermill starts the kernel of this name, which ipykernel installs.
    assert found["metadata"]["kernelspec"]["name"] == "python3"
