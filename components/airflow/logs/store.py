"""Task logs: the folder where tasks write them, and the store that keeps them after the pod is deleted."""

from __future__ import annotations

from typing import Final

import pulumi
from pulumi_kubernetes.core.v1 import PersistentVolumeClaimVolumeSourceArgs, VolumeArgs, VolumeMountArgs

from components.airflow.context import InstanceContext
from components.airflow.feature import Feature, Options, PodOverlay
from components.airflow.volumes import create_shared_claim
from components.contract.cloud import LogStore
from components.contract.workloads import AIRFLOW_WORKLOADS, LOG_STORE_CLIENTS, LOG_STORE_WRITERS, TASK_LOGGERS
from components.kubernetes.pods import ScratchFolder
from components.settings.sections.options import Reserved

LOG_FOLDER: Final = "/opt/airflow/logs"
CONNECTION: Final = "wasb_default"
"""Airflow's own name of the connection to Azure's object storage."""

RESERVED: Final[Reserved] = {
    ("logging", "base_log_folder"): None,
    ("logging", "trigger_log_server_port"): None,
    ("logging", "worker_log_server_port"): None,
}


def create_feature(context: InstanceContext) -> Feature:
    """The log folder, on the shared volume if the cloud has one, and the remote log store if the cloud has one."""
    overlays = [
        PodOverlay(workloads=AIRFLOW_WORKLOADS, options={("logging", "base_log_folder"): LOG_FOLDER}),
        _folder(create_shared_claim(context, "logs")),
    ]
    if (store := context.cloud.log_store) is not None:
        overlays += [
            _remote_logging(store),
            # The store has a copy, so the file need not use disk space. A task that resumes after a pause appends to
            # its log.
            PodOverlay(workloads=LOG_STORE_WRITERS, default_options={("logging", "delete_local_logs"): "True"}),
        ]
    return Feature(overlays=overlays)


def _folder(claim: pulumi.Output[str] | None) -> PodOverlay:
    if claim is None:
        return PodOverlay(workloads=TASK_LOGGERS, scratch=[ScratchFolder(name="logs", path=LOG_FOLDER)])
    source = PersistentVolumeClaimVolumeSourceArgs(claim_name=claim)
    return PodOverlay(
        workloads=TASK_LOGGERS,
        volumes=[VolumeArgs(name="logs", persistent_volume_claim=source)],
        mounts=[VolumeMountArgs(name="logs", mount_path=LOG_FOLDER)],
    )


def _remote_logging(store: LogStore) -> PodOverlay:
    """Options and connection for a log store. They contain no key: access is by workload identity."""
    common: Options = {("logging", "remote_logging"): "True"}
    match store.kind:
        case "gcs":
            return PodOverlay(
                workloads=LOG_STORE_CLIENTS,
                default_options={**common, ("logging", "remote_base_log_folder"): store.url},
            )
        case "azure_blob":
            assert store.container is not None, "Azure Blob Storage has a container"
            connection = pulumi.Output.json_dumps({"conn_type": "wasb", "host": store.url})
            return PodOverlay(
                workloads=LOG_STORE_CLIENTS,
                default_options={
                    **common,
                    # Airflow detects the kind of store by this prefix; the connection names the account.
                    ("logging", "remote_base_log_folder"): "wasb-airflow",
                    ("logging", "remote_log_conn_id"): CONNECTION,
                    ("azure_remote_logging", "remote_wasb_log_container"): store.container,
                },
                environment={f"AIRFLOW_CONN_{CONNECTION.upper()}": connection},
            )
