"""The example DAGs of this project, as a bundle of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pulumi_kubernetes.core.v1 import VolumeMountArgs

from components.airflow.context import InstanceContext
from components.airflow.dags.delivery import Delivery, folder_bundle
from components.airflow.volumes import create_files
from components.contract.workloads import DAG_READERS
from components.kubernetes import naming
from components.settings.sections.dags import IMAGE_SECONDS

NAME: Final = "examples"
EXAMPLES: Final = Path(__file__).resolve().parents[3] / "dags"
FOLDER: Final = "/opt/airflow/examples"
IGNORED: Final = ".airflowignore"


@dataclass(frozen=True, kw_only=True)
class Conditional:
    """An example that would fail on a stack without what it needs, and is delivered only to stacks that have it."""

    runs_on: Callable[[InstanceContext], bool]
    scripts: Sequence[str] = ()
    """Files of its pods, by path."""


def _has_dataset(name: str) -> Callable[[InstanceContext], bool]:
    """Whether the stack's cloud has a dataset of this name."""
    return lambda context: context.cloud.services is not None and name in context.cloud.services.datasets


def _has_project(
    name: str, *, config: frozenset[str] = frozenset(), secrets: frozenset[str] = frozenset(), data: bool = False
) -> Callable[[InstanceContext], bool]:
    """Whether the stack has a project with an image, and with these variables, secrets and, if asked for, data."""

    def found(context: InstanceContext) -> bool:
        return any(
            project.name == name
            and project.image is not None
            and config <= project.config.keys()
            and secrets <= {*project.secrets}
            and (not data or project.data.bucket or project.data.claim is not None)
            for project in context.settings.projects
        )

    return found


CONDITIONAL: Final[Mapping[str, Conditional]] = {
    "citibike.py": Conditional(runs_on=_has_dataset("citibike")),
    "papermill_run.py": Conditional(
        runs_on=_has_project("notebooks"), scripts=("tasks/run_notebook.py", "tasks/squares.ipynb")
    ),
    "pod_example.py": Conditional(
        runs_on=_has_project("example1", config=frozenset({"GREETING"}), secrets=frozenset({"BIG_SECRET"}), data=True),
        scripts=("tasks/square_roots.py", "tasks/report.py"),
    ),
}
"""The examples in the folder `conditional`, which .airflowignore lists: an image with `dags/` in it shows none of them,
and no import error either."""


def example_files(context: InstanceContext) -> dict[str, str]:
    """The files of the example DAGs that can run on this stack, by path in the bundle."""
    everywhere = [path for path in EXAMPLES.iterdir() if path.suffix == ".py" or path.name == IGNORED]
    found = [example for example in CONDITIONAL.items() if example[1].runs_on(context)]
    names = [name for file, example in found for name in (file, *example.scripts)]
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
