"""The Jobs that write to the metadata database. `up` waits for each, and other input is another Job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_kubernetes.batch.v1 import Job, JobSpecArgs
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.airflow.context import InstanceContext
from components.airflow.feature import Features
from components.airflow.pods.template import WorkloadPod, pod_template
from components.kubernetes import naming

RETRIES: Final = 3
AWAIT_MARGIN_SECONDS: Final = 60
"""Time that the engine waits beyond the Job's deadline, so that the Job's own failure is reported with its cause."""


@dataclass(frozen=True, kw_only=True)
class DatabaseJob:
    """An awaited Job with the credentials of the metadata database."""

    context: InstanceContext
    features: Features
    pod: WorkloadPod
    """Its pod. The name of the container is part of the Job's name."""
    options: pulumi.Input[str]
    """Name of the ConfigMap with the options of Airflow."""
    inputs: Sequence[pulumi.Input[str]]
    """What the Job depends on: its name carries a hash of them, in this order."""

    def create(self, name: str, parent: pulumi.Resource, *after: pulumi.Resource) -> Job:
        """Create the Job after other resources. It has no time to live: a deleted Job would be created again."""
        context, component = self.context, self.pod.container or self.pod.workload
        deadline_seconds = context.settings.migration.deadline_seconds
        return Job(
            name,
            metadata=ObjectMetaArgs(
                name=pulumi.Output.all(*self.inputs).apply(
                    lambda values: naming.object_name(context.name, component, naming.digest(*values))
                ),
                namespace=context.namespace,
                labels=context.labels(component),
                # A failed Job never retries: the next `up` creates a new one.
                annotations={"pulumi.com/replaceUnready": "true"},
            ),
            spec=JobSpecArgs(
                backoff_limit=RETRIES,
                active_deadline_seconds=deadline_seconds,
                template=pod_template(context, self.features, self.pod, self.options),
            ),
            opts=pulumi.ResourceOptions(
                parent=parent,
                provider=context.kubernetes,
                delete_before_replace=True,
                depends_on=[*after],
                custom_timeouts=pulumi.CustomTimeouts(create=f"{deadline_seconds + AWAIT_MARGIN_SECONDS}s"),
            ),
        )
