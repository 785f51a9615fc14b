"""The message broker of Celery: one Valkey or Redis with a password and a volume."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_kubernetes.apps.v1 import StatefulSet, StatefulSetSpecArgs
from pulumi_kubernetes.core.v1 import (
    ContainerArgs,
    ContainerPortArgs,
    KeyToPathArgs,
    PersistentVolumeClaimVolumeSourceArgs,
    PodTemplateSpecArgs,
    SecretVolumeSourceArgs,
    VolumeArgs,
    VolumeMountArgs,
)
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, ObjectMetaArgs

from components.airflow.context import InstanceContext
from components.airflow.core.environment import TMP
from components.airflow.feature import Features
from components.airflow.pods.deployment import create_headless_service
from components.airflow.pods.template import credential_variable, merged, patched, placement
from components.airflow.ports import BROKER_PORT
from components.airflow.volumes import ClaimArgs, create_claim
from components.contract.cloud import Volume
from components.kubernetes import naming, pods
from components.settings.sections.executor import Broker

REDIS_USER: Final = pods.User(uid=999, gid=999, fs_group=999)
"""The user `valkey` or `redis` of the official images."""
REDIS_FOLDER: Final = "/data"
SCRATCH_MIB: Final = 256


@dataclass(frozen=True, kw_only=True)
class BrokerArgs:
    """Arguments of the broker."""

    context: InstanceContext
    features: Features
    broker: Broker
    volume: Volume


def create_broker(name: str, args: BrokerArgs, parent: pulumi.Resource) -> None:
    """The broker's claim, Service and StatefulSet; `name` is the prefix of its logical names."""
    context = args.context
    # In state as "<name>-broker-data": renaming loses the tasks that wait in the queue.
    data = create_claim(
        f"{name}-broker-data",
        ClaimArgs(
            use="broker",
            volume=args.volume,
            instance=context.name,
            namespace=context.namespace,
            namespace_name=context.settings.namespace,
            kubernetes=context.kubernetes,
            protect=context.settings.protect,
        ),
        parent=parent,
    )
    child = pulumi.ResourceOptions(parent=parent, provider=context.kubernetes)
    governing_service = create_headless_service(context, "redis", ports={"redis": BROKER_PORT}, opts=child)
    StatefulSet(
        f"{context.name}-redis",
        metadata=context.metadata("redis"),
        spec=StatefulSetSpecArgs(
            service_name=governing_service.metadata.name,
            replicas=1,
            selector=LabelSelectorArgs(match_labels=naming.selector(context.name, "redis")),
            template=_template(args, data.metadata.name),
        ),
        opts=pulumi.ResourceOptions(
            parent=parent,
            provider=context.kubernetes,
            # A disk is attached to one node at a time: the old pod is deleted first, even if the namespace changes.
            delete_before_replace=True,
        ),
    )


def _template(args: BrokerArgs, claim: pulumi.Input[str]) -> PodTemplateSpecArgs:
    context, stored = args.context, args.context.secrets["broker"]
    overlays = args.features.overlays("redis")
    scratch = pods.ScratchFolder(name="tmp", path=TMP)
    volumes = [
        VolumeArgs(name="data", persistent_volume_claim=PersistentVolumeClaimVolumeSourceArgs(claim_name=claim)),
        VolumeArgs(
            name="config",
            secret=SecretVolumeSourceArgs(
                secret_name=stored.name, items=[KeyToPathArgs(key="redis.conf", path="redis.conf")]
            ),
        ),
        scratch.volume(SCRATCH_MIB),
    ]
    return PodTemplateSpecArgs(
        metadata=ObjectMetaArgs(
            labels={**context.labels("redis"), **merged(overlay.labels for overlay in overlays)},
            annotations={
                **merged(overlay.annotations for overlay in overlays),
                "airflow/checksum": stored.checksum,
            },
        ),
        spec=patched(
            overlays,
            pods.PodShape(
                user=REDIS_USER,
                service_account=context.accounts["redis"],
                containers=[_server(args, scratch)],
                volumes=volumes,
                pull_secret=context.pull_secret,
                **placement(overlays),
            ),
        ),
    )


def _server(args: BrokerArgs, scratch: pods.ScratchFolder) -> ContainerArgs:
    # Valkey's images need not have programs under Redis's names. The client exits with 0 even when it is refused: the
    # check must read the response.
    ping = ["sh", "-c", 'test "$("$(command -v valkey-cli || command -v redis-cli)" ping)" = PONG']
    return pods.container(
        "redis",
        image=args.broker.image,
        image_pull_policy="IfNotPresent",
        resources=args.broker,
        args=[
            # The entrypoint of each image puts the name of its server before a configuration file
            # (docker-entrypoint.sh of valkey-io/valkey-container and docker-library/redis).
            "/etc/redis/redis.conf",
            # To rewrite its file, the server forks, which may double its memory. Without a limit it would be killed for
            # memory: refusing messages is better. Evicting messages would lose tasks.
            "--maxmemory",
            f"{args.broker.memory_mib * 5 // 8}mb",
            "--maxmemory-policy",
            "noeviction",
        ],
        ports=[ContainerPortArgs(name="redis", container_port=BROKER_PORT)],
        env=[credential_variable(credential) for credential in args.features.credentials("redis")],
        volume_mounts=[
            VolumeMountArgs(name="data", mount_path=REDIS_FOLDER),
            VolumeMountArgs(name="config", mount_path="/etc/redis", read_only=True),
            scratch.mount,
        ],
        startup_probe=pods.exec_probe(ping, period=1, timeout=5, failures=120),
        readiness_probe=pods.exec_probe(ping, period=15, timeout=5, failures=4),
        liveness_probe=pods.exec_probe(ping, period=30, timeout=10, failures=5),
    )
