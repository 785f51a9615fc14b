"""The volumes and mounts that bring DAG files to the pods that run them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pulumi
from pulumi_kubernetes.core.v1 import (
    ConfigMap,
    ConfigMapVolumeSourceArgs,
    HostPathVolumeSourceArgs,
    PersistentVolumeClaimVolumeSourceArgs,
    VolumeArgs,
    VolumeMountArgs,
)
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.airflow.pods.options import EXAMPLES_FOLDER
from components.kubernetes import naming
from components.settings.stack import Settings

EXAMPLES: Final = Path(__file__).resolve().parents[3] / "dags"
CONFIG_MAP_MAX_BYTES: Final = 1024 * 1024
"""https://kubernetes.io/docs/concepts/configuration/configmap/#motivation"""


@dataclass(frozen=True, kw_only=True)
class DagSource:
    """Volumes and mounts that bring DAG files into a pod, and a checksum of what the program put there."""

    volumes: Sequence[VolumeArgs] = ()
    mounts: Sequence[VolumeMountArgs] = ()
    checksum: str = ""


def example_files() -> dict[str, str]:
    """The example DAGs by file name."""
    return {path.name: path.read_text() for path in sorted(EXAMPLES.iterdir()) if path.suffix == ".py"}


def dag_source(
    settings: Settings, namespace: pulumi.Output[str], share: pulumi.Output[str] | None, child: pulumi.ResourceOptions
) -> DagSource:
    """Where this stack's DAG files come from.

    Args:
        settings: the stack's settings.
        namespace: where the pods are.
        share: name of the claim for a share with DAG files; None without one.
        child: registers the ConfigMap of the examples.
    """
    volumes: list[VolumeArgs] = []
    mounts: list[VolumeMountArgs] = []
    checksum = ""
    if settings.dags.node_folder is not None:
        volumes.append(
            VolumeArgs(
                name="dags", host_path=HostPathVolumeSourceArgs(path=settings.dags.node_folder, type="Directory")
            )
        )
        mounts.append(VolumeMountArgs(name="dags", mount_path=settings.dags.folder, read_only=True))
    if settings.dags.share is not None:
        assert share is not None, "a cloud must have the share that settings ask for"
        volumes.append(
            VolumeArgs(
                name="dags",
                # Only the mount is read-only: a folder that an empty share lacks can then be made by the node.
                persistent_volume_claim=PersistentVolumeClaimVolumeSourceArgs(claim_name=share),
            )
        )
        mounts.append(
            VolumeMountArgs(
                name="dags",
                mount_path=settings.dags.folder,
                sub_path=settings.dags.share.sub_path or None,
                read_only=True,
            )
        )
    if settings.example_dags:
        files = example_files()
        checksum = naming.sha256("\0".join(f"{name}\0{text}" for name, text in files.items()))
        config_map = ConfigMap(
            f"{settings.name}-example-dags",
            metadata=ObjectMetaArgs(namespace=namespace, labels=naming.labels(settings.name, "dags")),
            immutable=True,
            data=files,
            opts=child,
        )
        volumes.append(VolumeArgs(name="examples", config_map=ConfigMapVolumeSourceArgs(name=config_map.metadata.name)))
        # One mount a file: mounted as a folder, a ConfigMap is a loop of symbolic links to the DAG parser.
        mounts.extend(
            VolumeMountArgs(name="examples", mount_path=f"{EXAMPLES_FOLDER}/{file}", sub_path=file, read_only=True)
            for file in files
        )
    return DagSource(volumes=volumes, mounts=mounts, checksum=checksum)
