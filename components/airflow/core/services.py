"""Airflow's own services: api-server, scheduler, dag-processor and triggerer."""

from __future__ import annotations

from typing import Final

import pulumi
from pulumi_kubernetes.core.v1 import ProbeArgs

from components.airflow.context import InstanceContext
from components.airflow.feature import Features
from components.airflow.pods.deployment import create_deployment
from components.airflow.pods.scripts import AIRFLOW, SCRIPTS_FOLDER
from components.airflow.pods.template import EVICTABLE, WorkloadPod
from components.airflow.ports import API_PORT, SCHEDULER_HEALTH_PORT, TRIGGERER_LOG_PORT
from components.contract.requirements import HEALTH_PATHS
from components.kubernetes import pods

SERVES_SECONDS: Final = 10
"""Time until endpoints and the clouds' load balancers stop sending requests to a pod that stops."""
SERVER_GRACE_SECONDS: Final = 60
"""Time to complete the requests that a server has accepted by then."""


def check_job(job_type: str) -> list[str]:
    """The command that looks for the heartbeat of this pod's job in the database."""
    return ["python", f"{SCRIPTS_FOLDER}/check_job.py", job_type]


def job_lives(job_type: str) -> ProbeArgs:
    """Liveness by Airflow's own heartbeat in the database. A database outage restarts nothing."""
    return pods.exec_probe([*check_job(job_type), "--unless-away"], period=60, timeout=30, failures=5)


def job_has_begun(job_type: str) -> ProbeArgs:
    """Startup by the first heartbeat."""
    return pods.exec_probe(check_job(job_type), period=5, timeout=20, failures=60)


def api_server(context: InstanceContext) -> WorkloadPod:
    """UI, REST API and the API that tasks talk to."""
    return WorkloadPod(
        workload="api-server",
        args=[*AIRFLOW, "api-server"],
        resources=context.resources(context.settings.components.api_server),
        scratch_gib=context.settings.components.api_server.scratch_gib,
        grace_seconds=SERVER_GRACE_SECONDS,
        serves_until_seconds=SERVES_SECONDS,
        ports={"http": API_PORT},
        probes={
            "startup_probe": pods.http_probe(HEALTH_PATHS["api-server"], "http", period=2, timeout=10, failures=150),
            "readiness_probe": pods.http_probe(HEALTH_PATHS["api-server"], "http", period=15, timeout=10, failures=4),
            # Cheap, and without the database: a database outage must not restart the api-server.
            "liveness_probe": pods.http_probe("/api/v2/version", "http", period=30, timeout=20, failures=5),
        },
        annotations=EVICTABLE,
    )


def scheduler(context: InstanceContext) -> WorkloadPod:
    """Starts DAG runs and hands their tasks to the executor."""
    return WorkloadPod(
        workload="scheduler",
        args=[*AIRFLOW, "scheduler"],
        resources=context.resources(context.settings.components.scheduler),
        scratch_gib=context.settings.components.scheduler.scratch_gib,
        ports={"health": SCHEDULER_HEALTH_PORT},
        probes={
            "startup_probe": pods.http_probe("/health", "health", period=2, timeout=10, failures=150),
            # A burst of task pods on a busy node delays its heartbeat by minutes; a restart would prolong that.
            "liveness_probe": pods.http_probe("/health", "health", period=60, timeout=20, failures=5),
        },
        annotations=EVICTABLE,
        grace_seconds=30,
    )


def dag_processor(context: InstanceContext) -> WorkloadPod:
    """Parses DAG files."""
    return WorkloadPod(
        workload="dag-processor",
        args=[*AIRFLOW, "dag-processor"],
        resources=context.resources(context.settings.components.dag_processor),
        scratch_gib=context.settings.components.dag_processor.scratch_gib,
        probes={
            "startup_probe": job_has_begun("DagProcessorJob"),
            "liveness_probe": job_lives("DagProcessorJob"),
        },
        annotations=EVICTABLE,
        grace_seconds=60,
    )


def triggerer(context: InstanceContext) -> WorkloadPod:
    """Runs deferred tasks."""
    return WorkloadPod(
        workload="triggerer",
        args=[*AIRFLOW, "triggerer"],
        resources=context.resources(context.settings.components.triggerer),
        scratch_gib=context.settings.components.triggerer.scratch_gib,
        ports={"logs": TRIGGERER_LOG_PORT},
        probes={
            "startup_probe": pods.tcp_probe("logs", period=2, timeout=5, failures=150),
            "readiness_probe": pods.tcp_probe("logs", period=15, timeout=5, failures=4),
            "liveness_probe": job_lives("TriggererJob"),
        },
        annotations=EVICTABLE,
        grace_seconds=60,
    )


def create_services(
    context: InstanceContext, features: Features, parent: pulumi.Resource, migration: pulumi.Resource
) -> None:
    """The Deployments of all four, after the migration."""
    components = context.settings.components
    for pod, component, surge in (
        (api_server(context), components.api_server, 1),
        (scheduler(context), components.scheduler, 1),
        # Two dag-processors on the same files write the same rows; scheduler and tasks can run without one for a while.
        (dag_processor(context), components.dag_processor, None),
        (triggerer(context), components.triggerer, 1),
    ):
        create_deployment(
            context, features, pod, replicas=component.replicas, surge=surge, parent=parent, after=[migration]
        )
