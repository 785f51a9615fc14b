"""The Celery executor: a broker, workers, and Flower to watch them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_kubernetes.apps.v1 import StatefulSet, StatefulSetSpecArgs
from pulumi_kubernetes.core.v1 import (
    ContainerPortArgs,
    EnvVarArgs,
    EnvVarSourceArgs,
    KeyToPathArgs,
    PersistentVolumeClaimVolumeSourceArgs,
    PodTemplateSpecArgs,
    SecretKeySelectorArgs,
    SecretVolumeSourceArgs,
    VolumeArgs,
    VolumeMountArgs,
)
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, ObjectMetaArgs

from components.airflow.context import InstanceContext
from components.airflow.core.services import (
    SERVER_GRACE_SECONDS,
    SERVES_SECONDS,
    deployment,
    headless_service,
    service,
)
from components.airflow.pods.options import FLOWER_PORT, WORKER_LOG_PORT
from components.airflow.pods.scripts import SCRIPTS_FOLDER
from components.airflow.pods.template import AIRFLOW, NOT_EVICTABLE, TMP, WorkloadPod
from components.airflow.secrets.generated import BROKER_PORT
from components.airflow.volumes import ClaimArgs, claim
from components.contract.cloud import Volume
from components.contract.requirements import HEALTH_PATHS
from components.kubernetes import naming, pods
from components.settings.sections.executor import Broker, Flower, Workers

REDIS_USER: Final = pods.User(uid=999, gid=999, fs_group=999)
"""The user `valkey` or `redis` of the official images."""
REDIS_FOLDER: Final = "/data"
START_SECONDS: Final = 900
"""What workers may take beyond the time for their tasks: a new node, the pull of the image, the start."""


@dataclass(frozen=True, kw_only=True)
class CeleryArgs:
    """Arguments of Celery's workloads."""

    context: InstanceContext
    workers: Workers
    broker: Broker
    flower: Flower
    broker_volume: Volume
    protect: bool
    after: Sequence[pulumi.Resource]
    """What workers and Flower wait for: a migration that fails is then reported at once."""


class Celery(pulumi.ComponentResource):
    """The broker with a password and a volume, the workers, and Flower."""

    flower_service: pulumi.Output[str] | None
    """The name of Flower's Service; None without Flower."""

    def __init__(self, name: str, args: CeleryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:airflow:Celery", name, None, opts)
        context = args.context
        child = pulumi.ResourceOptions(parent=self, provider=context.kubernetes)
        self._broker(name, args, child)
        self._workers(args)
        self.flower_service = None
        if args.flower.enabled:
            deployment(context, _flower_pod(args.flower), parent=self, after=args.after)
            self.flower_service = service(context, "flower", ports={"http": FLOWER_PORT}, opts=child).metadata.name
        self.register_outputs({})

    def _broker(self, name: str, args: CeleryArgs, child: pulumi.ResourceOptions) -> None:
        context = args.context
        # In state as "<name>-broker-data": renaming loses the tasks that wait in the queue.
        data = claim(
            f"{name}-broker-data",
            ClaimArgs(
                use="broker",
                volume=args.broker_volume,
                instance=context.name,
                namespace=context.namespace,
                namespace_name=context.settings.namespace,
                kubernetes=context.kubernetes,
                protect=args.protect,
            ),
            parent=self,
        )
        governing_service = headless_service(context, "redis", ports={"redis": BROKER_PORT}, opts=child)
        StatefulSet(
            f"{context.name}-redis",
            metadata=context.metadata("redis"),
            spec=StatefulSetSpecArgs(
                service_name=governing_service.metadata.name,
                replicas=1,
                selector=LabelSelectorArgs(match_labels=naming.selector(context.name, "redis")),
                template=_redis_template(context, args.broker, data.metadata.name),
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=context.kubernetes,
                # A disk is attached to one node at a time: in another namespace, too, the old pod goes first.
                delete_before_replace=True,
            ),
        )

    def _workers(self, args: CeleryArgs) -> None:
        deployment(
            args.context,
            _worker_pod(args.context, args.workers),
            replicas=args.workers.replicas,
            # All new workers beside the old ones, which finish their tasks meanwhile.
            surge="100%",
            # Where the nodes have no room for twice as many, the last new one comes when an old one has finished.
            deadline_seconds=args.workers.grace_seconds + START_SECONDS,
            parent=self,
            after=args.after,
        )


def _worker_pod(context: InstanceContext, workers: Workers) -> WorkloadPod:
    check = ["python", f"{SCRIPTS_FOLDER}/check_worker.py"]
    return WorkloadPod(
        workload="worker",
        # Workers need not know of each other: asking for neighbours delays each start by a second, and gossip goes
        # through the broker. Heartbeats, which Flower shows, stay.
        args=[*AIRFLOW, "celery", "worker", "--without-mingle", "--without-gossip"],
        resources=context.resources(workers),
        scratch_gib=workers.scratch_gib,
        # Neither for the database, which it has no access to, nor for the API, which its tasks ask again until it
        # answers: what takes a worker's start is loading Airflow.
        waits_for="nothing",
        ports={"logs": WORKER_LOG_PORT},
        # The first signal goes to Celery's parent process alone, which then waits for its running tasks.
        environment={"DUMB_INIT_SETSID": "0"},
        probes={
            # A roll-out tells old workers to stop as soon as new ones really take tasks.
            "startup_probe": pods.exec_probe(check, period=2, timeout=5, failures=150),
            "readiness_probe": pods.tcp_probe("logs", period=15, timeout=5, failures=4),
            "liveness_probe": pods.exec_probe(check, period=60, timeout=20, failures=5),
        },
        annotations=NOT_EVICTABLE,
        grace_seconds=workers.grace_seconds,
    )


def _flower_pod(flower: Flower) -> WorkloadPod:
    return WorkloadPod(
        workload="flower",
        args=[*AIRFLOW, "celery", "flower"],
        resources=flower,
        waits_for="nothing",
        ports={"http": FLOWER_PORT},
        probes={
            "startup_probe": pods.http_probe(HEALTH_PATHS["flower"], "http", period=2, timeout=10, failures=150),
            "readiness_probe": pods.http_probe(HEALTH_PATHS["flower"], "http", period=15, timeout=10, failures=4),
            "liveness_probe": pods.http_probe(HEALTH_PATHS["flower"], "http", period=60, timeout=20, failures=5),
        },
        grace_seconds=SERVER_GRACE_SECONDS,
        serves_until_seconds=SERVES_SECONDS,
    )


def _redis_template(context: InstanceContext, broker: Broker, claim: pulumi.Input[str]) -> PodTemplateSpecArgs:
    scratch = pods.Scratch(paths={"tmp": TMP}, size_mib=256)
    stored = context.secrets["broker"]
    # Valkey's images need not have programs under Redis's names. The client exits with 0 even when it is refused: the
    # answer itself must be looked at.
    ping = ["sh", "-c", 'test "$("$(command -v valkey-cli || command -v redis-cli)" ping)" = PONG']
    server = pods.container(
        "redis",
        image=broker.image,
        image_pull_policy="IfNotPresent",
        resources=broker,
        args=[
            # The entrypoint of either image puts the name of its own server before a configuration file
            # (docker-entrypoint.sh of valkey-io/valkey-container and docker-library/redis).
            "/etc/redis/redis.conf",
            # Rewriting its file, it forks and may need what it holds once more: refusing messages is better than a
            # kill. To forget messages would lose tasks.
            "--maxmemory",
            f"{broker.memory_mib * 5 // 8}mb",
            "--maxmemory-policy",
            "noeviction",
        ],
        ports=[ContainerPortArgs(name="redis", container_port=BROKER_PORT)],
        env=[
            EnvVarArgs(
                name=credential.variable,
                value_from=EnvVarSourceArgs(secret_key_ref=SecretKeySelectorArgs(name=stored.name, key=credential.key)),
            )
            for credential in context.credentials("redis")
        ],
        volume_mounts=[
            VolumeMountArgs(name="data", mount_path=REDIS_FOLDER),
            VolumeMountArgs(name="config", mount_path="/etc/redis", read_only=True),
            *scratch.mounts(),
        ],
        startup_probe=pods.exec_probe(ping, period=1, timeout=5, failures=120),
        readiness_probe=pods.exec_probe(ping, period=15, timeout=5, failures=4),
        liveness_probe=pods.exec_probe(ping, period=30, timeout=10, failures=5),
    )
    volumes = [
        VolumeArgs(name="data", persistent_volume_claim=PersistentVolumeClaimVolumeSourceArgs(claim_name=claim)),
        VolumeArgs(
            name="config",
            secret=SecretVolumeSourceArgs(
                secret_name=stored.name, items=[KeyToPathArgs(key="redis.conf", path="redis.conf")]
            ),
        ),
        *scratch.volumes(),
    ]
    return PodTemplateSpecArgs(
        metadata=ObjectMetaArgs(labels=context.labels("redis"), annotations={"airflow/checksum": stored.checksum}),
        spec=pods.pod_spec(
            pods.PodShape(
                user=REDIS_USER,
                service_account=context.accounts["redis"],
                containers=[server],
                volumes=volumes,
                pull_secret=context.pull_secret,
            )
        ),
    )
