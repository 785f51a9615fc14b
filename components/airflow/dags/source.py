"""DAG files: the volumes that mount them into pods, and the bundles in which Airflow finds them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from pulumi_kubernetes.core.v1 import (
    HostPathVolumeSourceArgs,
    PersistentVolumeClaimVolumeSourceArgs,
    VolumeArgs,
    VolumeMountArgs,
)

from components.airflow.context import InstanceContext
from components.airflow.feature import Feature, PodOverlay
from components.airflow.volumes import create_files, create_shared_claim
from components.contract.workloads import DAG_READERS, OPTION_READERS
from components.kubernetes import naming
from components.settings.sections.dags import ShareDags
from components.settings.sections.options import Reserved
from components.settings.stack import Settings

EXAMPLES: Final = Path(__file__).resolve().parents[3] / "dags"
EXAMPLES_FOLDER: Final = "/opt/airflow/examples"

RESERVED: Final[Reserved] = {("dag_processor", "dag_bundle_config_list"): "airflow:dags"}


def create_feature(context: InstanceContext) -> Feature:
    """The DAG files of the stack's source, and the example DAGs where the stack asks for them."""
    settings = context.settings
    overlays = [
        PodOverlay(
            # All these workloads need the names of the bundles; only some of them read the files.
            workloads=OPTION_READERS,
            options={("dag_processor", "dag_bundle_config_list"): json.dumps(dag_bundles(settings), sort_keys=True)},
        ),
        PodOverlay(workloads=DAG_READERS, default_options={("core", "dags_folder"): settings.dags.folder}),
        # New files show within seconds on a volume or in an image; reading a folder's list is cheap.
        PodOverlay(workloads={"dag-processor"}, default_options={("dag_processor", "refresh_interval"): "30"}),
    ]
    if settings.dags.node_folder is not None:
        overlays.append(_node_folder(settings.dags.node_folder, settings.dags.folder))
    if settings.dags.share is not None:
        overlays.append(_create_share(context, settings.dags.share, settings.dags.folder))
    if settings.example_dags:
        overlays.append(_create_examples(context))
    return Feature(overlays=overlays)


def dag_bundles(settings: Settings) -> list[dict[str, object]]:
    """Airflow's list of folders with DAG files."""
    folders = {"dags": settings.dags.folder}
    if settings.example_dags:
        folders["examples"] = EXAMPLES_FOLDER
    return [
        {
            "name": name,
            "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
            "kwargs": {"path": path},
        }
        for name, path in folders.items()
    ]


def example_files() -> dict[str, str]:
    """The example DAGs by file name."""
    return {path.name: path.read_text() for path in sorted(EXAMPLES.iterdir()) if path.suffix == ".py"}


def _node_folder(path: str, folder: str) -> PodOverlay:
    source = HostPathVolumeSourceArgs(path=path, type="Directory")
    return PodOverlay(
        workloads=DAG_READERS,
        volumes=[VolumeArgs(name="dags", host_path=source)],
        mounts=[VolumeMountArgs(name="dags", mount_path=folder, read_only=True)],
    )


def _create_share(context: InstanceContext, share: ShareDags, folder: str) -> PodOverlay:
    claim = create_shared_claim(context, "dags")
    assert claim is not None, "a cloud must have the share that settings ask for"
    # Only the mount is read-only: the node can then create a folder that an empty share lacks.
    source = PersistentVolumeClaimVolumeSourceArgs(claim_name=claim)
    return PodOverlay(
        workloads=DAG_READERS,
        volumes=[VolumeArgs(name="dags", persistent_volume_claim=source)],
        mounts=[
            VolumeMountArgs(name="dags", mount_path=folder, sub_path=share.sub_path or None, read_only=True),
        ],
    )


def _create_examples(context: InstanceContext) -> PodOverlay:
    files = example_files()
    return PodOverlay(
        workloads=DAG_READERS,
        volumes=[create_files(context, "example-dags", volume="examples", owner="dags", files=files)],
        # One mount per file: the DAG parser sees a ConfigMap that is mounted as a folder as a loop of symbolic links.
        mounts=[
            VolumeMountArgs(name="examples", mount_path=f"{EXAMPLES_FOLDER}/{file}", sub_path=file, read_only=True)
            for file in files
        ],
        checksums=[naming.sha256("\0".join(f"{name}\0{text}" for name, text in files.items()))],
    )
