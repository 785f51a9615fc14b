"""The Celery executor: a broker, workers, and Flower to monitor them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi

from components.airflow.context import InstanceContext
from components.airflow.core.services import SERVER_GRACE_SECONDS, SERVES_SECONDS
from components.airflow.executors.broker import BrokerArgs, create_broker
from components.airflow.feature import Feature, Features, PodOverlay
from components.airflow.pods.deployment import create_deployment, create_service
from components.airflow.pods.scripts import AIRFLOW, SCRIPTS_FOLDER
from components.airflow.pods.template import NOT_EVICTABLE, WorkloadPod
from components.airflow.ports import FLOWER_PORT, WORKER_LOG_PORT
from components.contract.cloud import Volume
from components.contract.requirements import HEALTH_PATHS
from components.kubernetes import pods
from components.settings.sections import executor
from components.settings.sections.executor import Flower, Workers
from components.settings.sections.options import Reserved

START_SECONDS: Final = 900
"""Time for the roll-out of workers beyond the time for their tasks: a new node, the image pull, the start."""
PUBLISH_SECONDS: Final = 2.0
"""Maximum time of one attempt to send a task to the broker: a scheduler makes the attempts one after another."""
PUBLISH_RETRIES: Final = 60
"""Attempts before the task fails: together they outlast a broker's restart on another node. Airflow's default is 3."""

RESERVED: Final[Reserved] = {
    ("celery", "flower_port"): None,
    ("celery", "flower_url_prefix"): None,
    ("celery", "worker_concurrency"): "airflow:executor.workers.concurrency",
}


def create_feature(context: InstanceContext) -> Feature:
    """The options of Celery; empty without it."""
    celery = context.settings.executor.celery
    if celery is None:
        return Feature()
    retry = {"max_retries": None, "interval_start": 0, "interval_step": 0.2, "interval_max": 2}
    timeout = str(celery.broker.visibility_timeout_seconds)
    return Feature(
        overlays=[
            PodOverlay(
                workloads={"scheduler"},
                # Airflow retries an attempt only when it times out. So the client must not fail before the timeout,
                # as it does by default after three tries. The connection's own limit, 4 s, is longer than
                # PUBLISH_SECONDS.
                default_options={
                    ("celery", "operation_timeout"): str(PUBLISH_SECONDS),
                    ("celery", "task_publish_max_retries"): str(PUBLISH_RETRIES),
                    ("celery", "extra_celery_config"): json.dumps({"task_publish_retry_policy": retry}, sort_keys=True),
                },
            ),
            PodOverlay(
                workloads={"scheduler", "worker", "flower"},
                default_options={("celery_broker_transport_options", "visibility_timeout"): timeout},
            ),
            PodOverlay(
                workloads={"worker"},
                options={("celery", "worker_concurrency"): str(celery.workers.concurrency)},
            ),
            PodOverlay(workloads={"flower"}, options={("celery", "flower_port"): str(FLOWER_PORT)}),
        ]
    )


@dataclass(frozen=True, kw_only=True)
class CeleryArgs:
    """Arguments of Celery's workloads."""

    context: InstanceContext
    features: Features
    celery: executor.Celery
    broker_volume: Volume
    after: Sequence[pulumi.Resource]
    """Resources that workers and Flower wait for: a failed migration is then reported at once."""


class Celery(pulumi.ComponentResource):
    """The broker with a password and a volume, the workers, and Flower."""

    flower_service: pulumi.Output[str] | None
    """The name of Flower's Service; None without Flower."""

    def __init__(self, name: str, args: CeleryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:airflow:Celery", name, None, opts)
        context, features, workers, flower = args.context, args.features, args.celery.workers, args.celery.flower
        create_broker(
            name,
            BrokerArgs(context=context, features=features, broker=args.celery.broker, volume=args.broker_volume),
            parent=self,
        )
        create_deployment(
            context,
            features,
            _worker_pod(context, workers),
            replicas=workers.replicas,
            # All new workers start at once, while the old ones finish their tasks.
            surge="100%",
            # If the nodes have no room for twice as many, the last new worker starts after an old one has ended.
            deadline_seconds=workers.grace_seconds + START_SECONDS,
            parent=self,
            after=args.after,
        )
        self.flower_service = None
        if flower.enabled:
            create_deployment(context, features, _flower_pod(flower), parent=self, after=args.after)
            child = pulumi.ResourceOptions(parent=self, provider=context.kubernetes)
            service = create_service(context, "flower", ports={"http": FLOWER_PORT}, opts=child)
            self.flower_service = service.metadata.name
        self.register_outputs({})


def _worker_pod(context: InstanceContext, workers: Workers) -> WorkloadPod:
    check = ["python", f"{SCRIPTS_FOLDER}/check_worker.py"]
    return WorkloadPod(
        workload="worker",
        # Workers need not know of each other: a search for other workers delays each start by a second, and gossip
        # goes through the broker. Heartbeats stay on, because Flower shows them.
        args=[*AIRFLOW, "celery", "worker", "--without-mingle", "--without-gossip"],
        resources=context.resources(workers),
        scratch_gib=workers.scratch_gib,
        ports={"logs": WORKER_LOG_PORT},
        # The first signal goes to Celery's parent process alone, which then waits for its running tasks.
        environment={"DUMB_INIT_SETSID": "0"},
        probes={
            # A roll-out stops old workers only when new ones can receive tasks.
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
        ports={"http": FLOWER_PORT},
        probes={
            "startup_probe": pods.http_probe(HEALTH_PATHS["flower"], "http", period=2, timeout=10, failures=150),
            "readiness_probe": pods.http_probe(HEALTH_PATHS["flower"], "http", period=15, timeout=10, failures=4),
            "liveness_probe": pods.http_probe(HEALTH_PATHS["flower"], "http", period=60, timeout=20, failures=5),
        },
        grace_seconds=SERVER_GRACE_SECONDS,
        serves_until_seconds=SERVES_SECONDS,
    )
