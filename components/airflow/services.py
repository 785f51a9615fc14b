"""Airflow's own services: api-server, scheduler, dag-processor and triggerer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
from pulumi_kubernetes.apps.v1 import (
    Deployment,
    DeploymentSpecArgs,
    DeploymentStrategyArgs,
    RollingUpdateDeploymentArgs,
)
from pulumi_kubernetes.core.v1 import ProbeArgs, Service, ServicePortArgs, ServiceSpecArgs
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs

from components import naming, pods
from components.airflow.options import API_PORT, HEALTH_PORT, TRIGGERER_LOG_PORT
from components.airflow.roles import Part
from components.airflow.site import EVICTABLE, PartPod, Site, options_map, pod_template
from components.airflow.task_pods import PodTemplate
from components.settings.airflow import Component, Exposure


def jobs_check(job_type: str) -> ProbeArgs:
    """Liveness by Airflow's own heartbeat in the database.

    The command takes about 3 s when the node is idle and 15 s under load, hence the long period and time-out.
    """
    return pods.exec_probe(
        ["airflow", "jobs", "check", "--job-type", job_type, "--local"], period=60, timeout=40, failures=5
    )


def api_server(site: Site) -> PartPod:
    """UI, REST API and the API that tasks talk to. It believes what a proxy says of clients where there is one."""
    return PartPod(
        part="api-server",
        args=["api-server", *(["--proxy-headers"] if site.proxies else [])],
        sizing=site.settings.components.api_server,
        environment={"FORWARDED_ALLOW_IPS": pulumi.Output.all(*site.proxies).apply(",".join)} if site.proxies else {},
        ports={"http": API_PORT},
        probes={
            "startup_probe": pods.http_probe("/api/v2/monitor/health", "http", period=2, timeout=10, failures=90),
            "readiness_probe": pods.http_probe("/api/v2/monitor/health", "http", period=15, timeout=10, failures=4),
            # Cheap, and without the database: a database that is away must not restart the api-server.
            "liveness_probe": pods.http_probe("/api/v2/version", "http", period=30, timeout=20, failures=5),
        },
        annotations=EVICTABLE,
    )


def scheduler(site: Site, template: PodTemplate | None) -> PartPod:
    """Decides what runs when. With the Kubernetes executor it reads the template of the pods that it starts."""
    return PartPod(
        part="scheduler",
        args=["scheduler"],
        sizing=site.settings.components.scheduler,
        ports={"health": HEALTH_PORT},
        probes={
            "startup_probe": pods.http_probe("/health", "health", period=2, timeout=10, failures=90),
            "liveness_probe": pods.http_probe("/health", "health", period=30, timeout=20, failures=5),
        },
        annotations=EVICTABLE,
        grace_seconds=30,
        volumes=[template.volume] if template else (),
        mounts=[template.mount] if template else (),
    )


def dag_processor(site: Site) -> PartPod:
    """Parses DAG files."""
    return PartPod(
        part="dag-processor",
        args=["dag-processor"],
        sizing=site.settings.components.dag_processor,
        probes={"liveness_probe": jobs_check("DagProcessorJob")},
        annotations=EVICTABLE,
        grace_seconds=60,
    )


def triggerer(site: Site) -> PartPod:
    """Runs deferred tasks."""
    return PartPod(
        part="triggerer",
        args=["triggerer"],
        sizing=site.settings.components.triggerer,
        ports={"logs": TRIGGERER_LOG_PORT},
        probes={
            "startup_probe": pods.tcp_probe("logs", period=2, timeout=5, failures=90),
            "readiness_probe": pods.tcp_probe("logs", period=15, timeout=5, failures=4),
            "liveness_probe": jobs_check("TriggererJob"),
        },
        annotations=EVICTABLE,
        grace_seconds=60,
    )


def deployment(
    site: Site, pod: PartPod, settings: Component | None, *, parent: pulumi.Resource, after: Sequence[pulumi.Resource]
) -> Deployment:
    """A Deployment of a part that comes up after what the database needs."""
    child = pulumi.ResourceOptions(parent=parent, provider=site.kubernetes)
    options = options_map(site, pod.part, child)
    return Deployment(
        f"{site.name}-{pod.part}",
        metadata=site.metadata(pod.part),
        spec=DeploymentSpecArgs(
            replicas=settings.replicas if settings else 1,
            revision_history_limit=3,
            selector=LabelSelectorArgs(match_labels=naming.selector(site.name, pod.part)),
            # The new pod first: no part is ever away during a roll-out.
            strategy=DeploymentStrategyArgs(
                type="RollingUpdate",
                rolling_update=RollingUpdateDeploymentArgs(max_surge=1, max_unavailable=0),
            ),
            template=pod_template(site, pod, options.metadata.name),
        ),
        # No data flows from the Jobs, but nothing may run before they are through.
        opts=pulumi.ResourceOptions(parent=parent, provider=site.kubernetes, depends_on=list(after)),
    )


def service(
    site: Site, part: Part, *, ports: Mapping[str, int], opts: pulumi.ResourceOptions, exposure: Exposure | None = None
) -> Service:
    """The Service in front of a part; without an exposure it is for the cluster alone."""
    node_port = exposure.port if exposure is not None and exposure.kind == "node_port" else None
    return Service(
        f"{site.name}-{part}-service",
        metadata=site.metadata(part, annotations=pods.SKIP_AWAIT),
        spec=ServiceSpecArgs(
            type="NodePort" if exposure is not None and exposure.kind == "node_port" else "ClusterIP",
            selector=naming.selector(site.name, part),
            ports=[
                ServicePortArgs(name=name, port=port, target_port=name, node_port=node_port)
                for name, port in ports.items()
            ],
        ),
        opts=opts,
    )


def headless_service(site: Site, part: Part, *, ports: Mapping[str, int], opts: pulumi.ResourceOptions) -> Service:
    """The Service that gives each pod of a part a name; the api-server reads logs through it."""
    return Service(
        f"{site.name}-{part}-service",
        metadata=site.metadata(part, annotations=pods.SKIP_AWAIT),
        spec=ServiceSpecArgs(
            cluster_ip="None",
            # A worker that shuts down still serves the logs of its running tasks.
            publish_not_ready_addresses=True,
            selector=naming.selector(site.name, part),
            ports=[ServicePortArgs(name=name, port=port, target_port=name) for name, port in ports.items()],
        ),
        opts=opts,
    )
