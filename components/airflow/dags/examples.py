"""The example DAGs of this project, as a bundle of their own."""

from __future__ import annotations

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


def example_files() -> dict[str, str]:
    """The example DAGs by file name."""
    return {path.name: path.read_text() for path in sorted(EXAMPLES.iterdir()) if path.suffix == ".py"}


def create_delivery(context: InstanceContext) -> Delivery:
    """The ConfigMap with the files, mounted by all that run DAG code. The files change with the pod only."""
    files = example_files()
    return Delivery(
        bundle=folder_bundle(NAME, FOLDER, IMAGE_SECONDS),
        overlays=create_files(
            context,
            "example-dags",
            volume="examples",
            owner="dags",
            files=files,
            workloads=DAG_READERS,
            # One mount per file: the DAG parser sees a ConfigMap that is mounted as a folder as a loop of symbolic
            # links.
            mounts=[
                VolumeMountArgs(name="examples", mount_path=f"{FOLDER}/{file}", sub_path=file, read_only=True)
                for file in files
            ],
            checksums=[naming.sha256("\0".join(f"{name}\0{text}" for name, text in files.items()))],
        ),
    )
