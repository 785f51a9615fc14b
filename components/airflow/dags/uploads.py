"""Outputs for uploads of DAG files to a claim: the pod that receives them, and the command."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pulumi
from pulumi_kubernetes.core.v1 import PersistentVolumeClaimVolumeSourceArgs, VolumeArgs, VolumeMountArgs
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.airflow.context import InstanceContext
from components.airflow.dags.delivery import Delivery, WritableClaim
from components.contract.requirements import AIRFLOW_GID, AIRFLOW_UID
from components.kubernetes import manifest, pods
from components.settings import loader
from components.settings.types import Resources

UPLOAD: Final = "upload"
ROOT: Final = "/volume"
"""The root of the volume in the pod."""
SECONDS: Final = 900
"""The pod ends by itself after this time, should the command that created it be killed."""
RESOURCES: Final = Resources(cpu_milli=50, memory_mib=256)


def outputs(context: InstanceContext, deliveries: Sequence[Delivery]) -> dict[str, pulumi.Input[str]]:
    """`dag_uploads`, a JSON list with one description for each claim, and `upload_command` for the first of them.

    Empty without a claim.
    """
    targets = [(delivery.bundle.name, delivery.upload) for delivery in deliveries if delivery.upload is not None]
    if not targets:
        return {}
    described = [_described(context, name, claim) for name, claim in targets]
    source = f" --source {targets[0][0]}" if len(targets) > 1 else ""
    return {
        "dag_uploads": pulumi.Output.concat("[", *_separated(described), "]"),
        "upload_command": f"python -m operations dags upload --stack {loader.stack_name()}{source}",
    }


def _described(context: InstanceContext, name: str, claim: WritableClaim) -> pulumi.Output[str]:
    """The JSON text that `operations/dags/upload.py` reads."""
    spec = pods.pod_spec(
        pods.PodShape(
            user=pods.User(uid=AIRFLOW_UID, gid=AIRFLOW_GID, fs_group=AIRFLOW_GID),
            service_account="default",
            containers=[
                pods.container(
                    UPLOAD,
                    image=context.settings.image.reference,
                    image_pull_policy=context.settings.image.pull_policy,
                    resources=RESOURCES,
                    command=["sleep", str(SECONDS)],
                    volume_mounts=[VolumeMountArgs(name="dags", mount_path=ROOT)],
                )
            ],
            volumes=[
                VolumeArgs(
                    name="dags",
                    persistent_volume_claim=PersistentVolumeClaimVolumeSourceArgs(claim_name=claim.name),
                )
            ],
            grace_seconds=1,
            restart_policy="Never",
            pull_secret=context.pull_secret,
        )
    )
    metadata = ObjectMetaArgs(
        name=context.object_name(UPLOAD), namespace=context.namespace, labels=context.labels(UPLOAD)
    )
    pod: dict[str, Any] = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    return manifest.json_text({"name": name, "root": ROOT, "folder": claim.folder, "pod": pod})


def _separated(texts: Sequence[pulumi.Output[str]]) -> Sequence[pulumi.Input[str]]:
    """The texts with commas between them."""
    return [part for text in texts for part in (", ", text)][1:]
