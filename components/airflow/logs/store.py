"""Where task logs are written, and read from when the pod is gone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_kubernetes.core.v1 import PersistentVolumeClaimVolumeSourceArgs, VolumeArgs, VolumeMountArgs

from components.airflow.pods.options import LOG_FOLDER
from components.contract.cloud import LogStore
from components.kubernetes import pods

CONNECTION: Final = "wasb_default"
"""Airflow's own name of the connection to Azure's object storage."""


def remote_logging(store: LogStore) -> dict[str, pulumi.Input[str]]:
    """Options and connection, as variables, by which Airflow reaches a log store. They hold no key: identities do."""
    common: dict[str, pulumi.Input[str]] = {"AIRFLOW__LOGGING__REMOTE_LOGGING": "True"}
    match store.kind:
        case "gcs":
            return {**common, "AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER": store.url}
        case "azure_blob":
            assert store.container is not None, "Azure Blob Storage has a container"
            return {
                **common,
                # Airflow knows the kind of store by how this begins; the account is the connection's.
                "AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER": "wasb-airflow",
                "AIRFLOW__LOGGING__REMOTE_LOG_CONN_ID": CONNECTION,
                "AIRFLOW__AZURE_REMOTE_LOGGING__REMOTE_WASB_LOG_CONTAINER": store.container,
                f"AIRFLOW_CONN_{CONNECTION.upper()}": pulumi.Output.json_dumps(
                    {"conn_type": "wasb", "host": store.url}
                ),
            }


@dataclass(frozen=True, kw_only=True)
class LogFolder:
    """The log folder of the pods: the shared volume when there is one."""

    claim_name: pulumi.Output[str] | None
    """The claim that it is on; None is a folder of each pod's own."""

    def volume(self, size_mib: int) -> VolumeArgs:
        """The pod's volume; `size_mib` bounds a folder of its own."""
        if self.claim_name is None:
            return VolumeArgs(name="logs", empty_dir=pods.empty_dir(size_mib))
        source = PersistentVolumeClaimVolumeSourceArgs(claim_name=self.claim_name)
        return VolumeArgs(name="logs", persistent_volume_claim=source)

    @property
    def mount(self) -> VolumeMountArgs:
        """The container's mount."""
        return VolumeMountArgs(name="logs", mount_path=LOG_FOLDER)
