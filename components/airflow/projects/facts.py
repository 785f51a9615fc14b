"""The facts of all projects, which the package airflow_project reads in DAGs."""

from __future__ import annotations

from typing import Any, Final

import pulumi

from components.airflow.context import InstanceContext
from components.contract.cloud import ObjectStore
from components.contract.requirements import runs_tasks
from components.settings.sections.projects import Project, Toleration

DATA_FOLDER: Final = "/opt/data"
"""The mount of a project's volume in its pods; airflow_project/projects.py has it too."""


def facts(context: InstanceContext) -> pulumi.Output[str]:
    """The facts by project, as JSON."""
    return pulumi.Output.json_dumps(
        {project.name: _facts(context, project) for project in context.settings.projects}, sort_keys=True
    )


def data_url(context: InstanceContext, project: Project) -> pulumi.Input[str] | None:
    """The URL of a project's data in the form of fsspec; None without data."""
    store = object_store(context, project)
    if store is not None:
        return store.url
    return f"file://{DATA_FOLDER}" if project.data.claim is not None else None


def object_store(context: InstanceContext, project: Project) -> ObjectStore | None:
    """The object storage of a project; None without it."""
    access = context.cloud.projects.get(project.name)
    return access.data if access is not None else None


def tolerations(toleration: Toleration | None) -> list[dict[str, str]]:
    """The tolerations of a project's pods, as in a manifest."""
    if toleration is None:
        return []
    match = {"operator": "Exists"} if toleration.value is None else {"operator": "Equal", "value": toleration.value}
    return [{"key": toleration.key, **match, "effect": toleration.effect}]


def _facts(context: InstanceContext, project: Project) -> dict[str, Any]:
    access = context.cloud.projects.get(project.name)
    store = object_store(context, project)
    return {
        "namespace": context.task_namespace,
        "image": project.image,
        "pool": project.pool is not None,
        "dags": project.dags if runs_tasks(context.settings, project) else None,
        "secret": bool(project.secrets),
        "claim": project.data.claim is not None,
        "data": data_url(context, project),
        "storage_options": dict(store.options) if store is not None else {},
        "labels": dict(access.identity.pod_labels) if access is not None else {},
        "node_selector": dict(project.node_selector),
        "tolerations": tolerations(project.toleration),
    }
