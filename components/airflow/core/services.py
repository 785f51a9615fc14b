"""Airflow's own services: api-server, scheduler, dag-processor and triggerer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import pulumi
from pulumi_kubernetes.apps.v1 import (
    Deployment,
    DeploymentSpecArgs,
    DeploymentStrategyArgs,
    RollingUpdateDeploymentArgs,
)
from pulumi_kubernetes.core.v1 import ProbeArgs, Service, ServicePortArgs, ServiceSpecArgs
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs

from components.airflow.context import InstanceContext
from components.airflow.executors.task_pods import PodTemplate
from components.airflow.pods.options import API_PORT, HEALTH_PORT, TRIGGERER_LOG_PORT
from components.airflow.pods.scripts import SCRIPTS_FOLDER
from components.airflow.pods.template import AIRFLOW, EVICTABLE, WorkloadPod, options_map, pod_template
from components.contract.requirements import HEALTH_PATHS
from components.contract.workloads import Workload
from components.kubernetes import naming, pods
from components.settings.sections.exposure import Exposure

SERVES_SECONDS: Final = 10
"""Until endpoints and the clouds' load balancers have heard that a pod stops."""
SERVER_GRACE_SECONDS: Final = 60
"""For the requests that a server has accepted by then."""


def check_job(job_type: str) -> list[str]:
    """The command that looks for the heartbeat of this pod's job in the database."""
    return ["python", f"{SCRIPTS_FOLDER}/check_job.py", job_type]


def job_lives(job_type: str) -> ProbeArgs:
    """Liveness by Airflow's own heartbeat in the database. A database that is away restarts nothing."""
    return pods.exec_probe([*check_job(job_type), "--unless-away"], period=60, timeout=30, failures=5)


def job_has_begun(job_type: str) -> ProbeArgs:
    """Startup by the first heartbeat."""
    return pods.exec_probe(check_job(job_type), period=5, timeout=20, failures=60)


def api_server(context: InstanceContext) -> WorkloadPod:
    """UI, REST API and the API that tasks talk to. It believes what a proxy says of clients where there is one."""
    return WorkloadPod(
        workload="api-server",
        args=[*AIRFLOW, "api-server", *(["--proxy-headers"] if context.trusted_proxies else [])],
        resources=context.resources(context.settings.components.api_server),
        scratch_gib=context.settings.components.api_server.scratch_gib,
        grace_seconds=SERVER_GRACE_SECONDS,
        serves_until_seconds=SERVES_SECONDS,
        environment={"FORWARDED_ALLOW_IPS": pulumi.Output.all(*context.trusted_proxies).apply(",".join)}
        if context.trusted_proxies
        else {},
        ports={"http": API_PORT},
        probes={
            "startup_probe": pods.http_probe(HEALTH_PATHS["api-server"], "http", period=2, timeout=10, failures=150),
            "readiness_probe": pods.http_probe(HEALTH_PATHS["api-server"], "http", period=15, timeout=10, failures=4),
            # Cheap, and without the database: a database that is away must not restart the api-server.
            "liveness_probe": pods.http_probe("/api/v2/version", "http", period=30, timeout=20, failures=5),
        },
        annotations=EVICTABLE,
    )


def scheduler(context: InstanceContext, template: PodTemplate | None) -> WorkloadPod:
    """Decides what runs when. With the Kubernetes executor it reads the template of the pods that it starts."""
    return WorkloadPod(
        workload="scheduler",
        args=[*AIRFLOW, "scheduler"],
        resources=context.resources(context.settings.components.scheduler),
        scratch_gib=context.settings.components.scheduler.scratch_gib,
        ports={"health": HEALTH_PORT},
        probes={
            "startup_probe": pods.http_probe("/health", "health", period=2, timeout=10, failures=150),
            "liveness_probe": pods.http_probe("/health", "health", period=30, timeout=20, failures=5),
        },
        annotations=EVICTABLE,
        grace_seconds=30,
        volumes=[template.volume] if template else (),
        mounts=[template.mount] if template else (),
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


def deployment(
    context: InstanceContext,
    pod: WorkloadPod,
    *,
    replicas: int = 1,
    surge: int | str | None = 1,
    deadline_seconds: int | None = None,
    parent: pulumi.Resource,
    after: Sequence[pulumi.Resource],
) -> Deployment:
    """A Deployment of a workload that comes up after what the database needs.

    Args:
        context: the installation.
        pod: its pod.
        replicas: how many of them.
        surge: how many new pods come before an old one goes, as a number or in percent; None ends the old ones first.
        deadline_seconds: how long a roll-out may take; default: the cluster's and the engine's own 10 minutes.
        parent: the component that it belongs to.
        after: what it waits for.
    """
    child = pulumi.ResourceOptions(parent=parent, provider=context.kubernetes)
    options = options_map(context, pod.workload, child)
    return Deployment(
        f"{context.name}-{pod.workload}",
        metadata=context.metadata(pod.workload),
        spec=DeploymentSpecArgs(
            replicas=replicas,
            progress_deadline_seconds=deadline_seconds,
            revision_history_limit=3,
            selector=LabelSelectorArgs(match_labels=naming.selector(context.name, pod.workload)),
            strategy=DeploymentStrategyArgs(
                type="RollingUpdate" if surge is not None else "Recreate",
                rolling_update=RollingUpdateDeploymentArgs(max_surge=surge, max_unavailable=0) if surge else None,
            ),
            template=pod_template(context, pod, options.metadata.name),
        ),
        # No data flows from the Jobs, but nothing may run before they are through.
        opts=pulumi.ResourceOptions(
            parent=parent,
            provider=context.kubernetes,
            depends_on=list(after),
            custom_timeouts=pulumi.CustomTimeouts(*[f"{deadline_seconds}s"] * 3) if deadline_seconds else None,
        ),
    )


def service(
    context: InstanceContext,
    workload: Workload,
    *,
    ports: Mapping[str, int],
    opts: pulumi.ResourceOptions,
    exposure: Exposure | None = None,
) -> Service:
    """The Service in front of a workload; without an exposure it is for the cluster alone."""
    service_type, node_port = (
        (exposure.service_type, exposure.node_port) if exposure is not None else ("ClusterIP", None)
    )
    return Service(
        f"{context.name}-{workload}-service",
        metadata=context.metadata(workload, annotations=pods.SKIP_AWAIT),
        spec=ServiceSpecArgs(
            type=service_type,
            selector=naming.selector(context.name, workload),
            ports=[
                ServicePortArgs(name=name, port=port, target_port=name, node_port=node_port)
                for name, port in ports.items()
            ],
        ),
        opts=opts,
    )


def headless_service(
    context: InstanceContext, workload: Workload, *, ports: Mapping[str, int], opts: pulumi.ResourceOptions
) -> Service:
    """The Service that gives each pod of a workload a name."""
    return Service(
        f"{context.name}-{workload}-service",
        metadata=context.metadata(workload, annotations=pods.SKIP_AWAIT),
        spec=ServiceSpecArgs(
            cluster_ip="None",
            # The only pod: taking it away while it is slow to answer would only turn slow into refused.
            publish_not_ready_addresses=True,
            selector=naming.selector(context.name, workload),
            ports=[ServicePortArgs(name=name, port=port, target_port=name) for name, port in ports.items()],
        ),
        opts=opts,
    )
