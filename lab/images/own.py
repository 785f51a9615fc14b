"""Custom images: images/airflow/Containerfile on the lab's Airflow image."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from lab.images import airflow, containerfile, names
from lab.images.collection import built

CONTAINERFILE: Final = "images/airflow/Containerfile"


def build(context: Path, name: str, target: Path, *, log: Path) -> None:
    """Build the project's Containerfile from the files of `context`, as an archive at `target`.

    Raises:
        LabError: a step failed; the message names the log.
    """
    containerfile.build(_recipe(), context, name, target, log=log)


def compiled() -> Path:
    """The archive of `names.COMPILED`: the Containerfile on the lab's Airflow image, without packages or DAGs.

    Raises:
        LabError: as of `build`.
    """
    inputs = [*_recipe().inputs, Path(__file__).read_text()]
    return containerfile.cached("compiled", names.COMPILED, inputs, _build_compiled)


def _recipe() -> containerfile.Recipe:
    [base] = built([airflow.IMAGE])
    return containerfile.Recipe(containerfile=CONTAINERFILE, base=base, base_name=names.AIRFLOW)


def _build_compiled(target: Path, log: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="airflow-lab-") as folder:
        context = Path(folder)
        (context / "dags").mkdir()
        (context / "images/airflow").mkdir(parents=True)
        (context / "images/airflow/requirements.txt").touch()
        build(context, names.COMPILED, target, log=log)
