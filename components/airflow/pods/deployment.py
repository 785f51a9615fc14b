"""Deployments and Services of workloads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
from pulumi_kubernetes.apps.v1 import (
    Deployment,
    DeploymentSpecArgs,
    DeploymentStrategyArgs,
    RollingUpdateDeploymentArgs,
)
from pulumi_kubernetes.core.v1 import Service, ServicePortArgs, ServiceSpecArgs
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs

from components.airflow.context import InstanceContext
from components.airflow.feature import Features, last
from components.airflow.pods.template import WorkloadPod, create_options, pod_template
from components.contract.workloads import Workload
from components.kubernetes import naming, pods
from components.settings.sections.exposure import Exposure
from components.settings.sections.strategy import Strategy


def create_deployment(
    context: InstanceContext,
    features: Features,
    pod: WorkloadPod,
    *,
    replicas: int = 1,
    surge: int | str | None = 1,
    deadline_seconds: int | None = None,
    parent: pulumi.Resource,
    after: Sequence[pulumi.Resource],
) -> Deployment:
    """A Deployment of a workload, and the ConfigMap with its options.

    Args:
        context: the instance.
        features: all features of the instance.
        pod: the pod of the workload.
        replicas: number of pods.
        surge: number of new pods, or percentage, that start before an old one ends; None: old pods end first.
        deadline_seconds: maximum time of a roll-out; default: the cluster's and the engine's own 10 minutes.
        parent: the component that it belongs to.
        after: resources that must exist first, such as the migration.
    """
    child = pulumi.ResourceOptions(parent=parent, provider=context.kubernetes)
    options = create_options(context, features, pod.workload, child)
    overlays = features.overlays(pod.workload)
    strategy = last(overlay.strategy for overlay in overlays)
    return Deployment(
        f"{context.name}-{pod.workload}",
        metadata=context.metadata(pod.workload),
        spec=DeploymentSpecArgs(
            replicas=replicas,
            progress_deadline_seconds=deadline_seconds,
            revision_history_limit=3,
            selector=LabelSelectorArgs(match_labels=naming.selector(context.name, pod.workload)),
            min_ready_seconds=last(overlay.min_ready_seconds for overlay in overlays),
            strategy=_program_strategy(surge) if strategy is None else _own_strategy(strategy),
            template=pod_template(context, features, pod, options.metadata.name),
        ),
        # No data flows from the Jobs, but nothing may run before they have succeeded.
        opts=pulumi.ResourceOptions(
            parent=parent,
            provider=context.kubernetes,
            depends_on=list(after),
            custom_timeouts=pulumi.CustomTimeouts(*[f"{deadline_seconds}s"] * 3) if deadline_seconds else None,
        ),
    )


def _program_strategy(surge: int | str | None) -> DeploymentStrategyArgs:
    """The strategy of the program: no pod ends before a new one is ready, or all end first."""
    return DeploymentStrategyArgs(
        type="RollingUpdate" if surge is not None else "Recreate",
        rolling_update=RollingUpdateDeploymentArgs(max_surge=surge, max_unavailable=0) if surge else None,
    )


def _own_strategy(strategy: Strategy) -> DeploymentStrategyArgs:
    """The strategy of the stack."""
    rolling = strategy.rolling
    if rolling is None:
        return DeploymentStrategyArgs(type="Recreate")
    return DeploymentStrategyArgs(
        type="RollingUpdate",
        rolling_update=RollingUpdateDeploymentArgs(
            max_surge=f"{rolling.max_surge_percent}%", max_unavailable=f"{rolling.max_unavailable_percent}%"
        ),
    )


def create_service(
    context: InstanceContext,
    workload: Workload,
    *,
    ports: Mapping[str, int],
    opts: pulumi.ResourceOptions,
    exposure: Exposure | None = None,
) -> Service:
    """The Service of a workload; without an exposure it is reachable only inside the cluster."""
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


def create_headless_service(
    context: InstanceContext, workload: Workload, *, ports: Mapping[str, int], opts: pulumi.ResourceOptions
) -> Service:
    """The headless Service, which gives each pod of a workload a DNS name."""
    return Service(
        f"{context.name}-{workload}-service",
        metadata=context.metadata(workload, annotations=pods.SKIP_AWAIT),
        spec=ServiceSpecArgs(
            cluster_ip="None",
            # There is only one pod: removing it while it is slow would turn slow responses into refused connections.
            publish_not_ready_addresses=True,
            selector=naming.selector(context.name, workload),
            ports=[ServicePortArgs(name=name, port=port, target_port=name) for name, port in ports.items()],
        ),
        opts=opts,
    )
