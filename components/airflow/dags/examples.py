"""The example DAGs of this project, as a bundle of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from pulumi_kubernetes.core.v1 import VolumeMountArgs

from components.airflow.context import InstanceContext
from components.airflow.dags.delivery import Delivery, folder_bundle
from components.airflow.volumes import create_files
from components.contract.workloads import DAG_READERS
from components.kubernetes import naming
from components.settings.sections.dags import IMAGE_SECONDS
from components.settings.sections.projects import Project

NAME: Final = "examples"
EXAMPLES: Final = Path(__file__).resolve().parents[3] / "dags"
FOLDER: Final = "/opt/airflow/examples"
IGNORED: Final = ".airflowignore"


def _has_citibike(context: InstanceContext) -> bool:
    services = context.cloud.services
    return services is not None and "citibike" in services.datasets


def _has_example1(context: InstanceContext) -> bool:
    project = _project(context, "example1")
    return (
        project is not None
        and project.image is not None
        and "GREETING" in project.config
        and "BIG_SECRET" in project.secrets
        and (project.data.bucket or project.data.claim is not None)
    )


def _has_notebooks(context: InstanceContext) -> bool:
    project = _project(context, "notebooks")
    return project is not None and project.image is not None


def _project(context: InstanceContext, name: str) -> Project | None:
    return next((project for project in context.settings.projects if project.name == name), None)


CONDITIONS: Final[Mapping[str, Callable[[InstanceContext], bool]]] = {
    "citibike.py": _has_citibike,
    "papermill_run.py": _has_notebooks,
    "pod_example.py": _has_example1,
}
"""The examples in the folder `conditional`, and whether a stack has what they need: elsewhere they would fail.

.airflowignore lists the folder: an image with `dags/` in it shows none of them, and no import error either."""
SCRIPTS: Final[Mapping[str, Sequence[str]]] = {
    "papermill_run.py": ("tasks/run_notebook.py", "tasks/squares.ipynb"),
    "pod_example.py": ("tasks/square_roots.py", "tasks/report.py"),
}
"""Files of their pods."""


def example_files(context: InstanceContext) -> dict[str, str]:
    """The files of the example DAGs that can run on this stack, by path in the bundle."""
    everywhere = [path for path in EXAMPLES.iterdir() if path.suffix == ".py" or path.name == IGNORED]
    runnable = [name for name, holds in CONDITIONS.items() if holds(context)]
    names = [name for example in runnable for name in (example, *SCRIPTS.get(example, ()))]
    return {
        **{path.name: path.read_text() for path in sorted(everywhere)},
        **{name: (EXAMPLES / "conditional" / name).read_text() for name in names},
    }


def create_delivery(context: InstanceContext) -> Delivery:
    """The ConfigMap with the files, mounted by all that run DAG code. The files change with the pod only."""
    files = example_files(context)
    # Keys of a ConfigMap have no slash.
    keys = {path: path.replace("/", ".") for path in files}
    return Delivery(
        bundle=folder_bundle(NAME, FOLDER, IMAGE_SECONDS),
        overlays=create_files(
            context,
            "example-dags",
            volume="examples",
            owner="dags",
            files={keys[path]: text for path, text in files.items()},
            workloads=DAG_READERS,
            # One mount per file: the DAG parser sees a ConfigMap that is mounted as a folder as a loop of symbolic
            # links.
            mounts=[
                VolumeMountArgs(name="examples", mount_path=f"{FOLDER}/{path}", sub_path=key, read_only=True)
                for path, key in keys.items()
            ],
            checksums=[naming.sha256("\0".join(f"{name}\0{text}" for name, text in files.items()))],
        ),
    )
