"""Policy of Airflow for pods of projects: names of pods, and the ServiceAccount of tasks of a project's own DAGs.

Airflow calls it for each pod of the KubernetesPodOperator in the process of the task, and for each pod of the
Kubernetes executor in the scheduler. It loads it as a plugin of the entry point group `airflow.policy`. Nothing else of
this package imports this module.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from typing import Any, Final
from uuid import UUID

import pluggy

from airflow_project.projects import FACTS, LABEL

hookimpl: Final = pluggy.HookimplMarker("airflow.policy")
EXECUTOR_LABEL: Final = "kubernetes_executor"
"""Label of the executor's pods (pod_generator.py, cncf.kubernetes 10.22)."""
NAME_MAX: Final = 63
SUFFIX: Final = 9
"""Characters at the end of a pod's name that make it unique, the dash included."""
WORKLOAD: Final = "--json-string"
"""Argument before the workload of a task (workload_to_command_args in kubernetes_executor_utils.py)."""
ALGORITHMS: Final = ("HS512", "HS384", "HS256")
"""Algorithms of a token that is signed with the secret of the API server; Airflow's default is the first one."""


@hookimpl(wrapper=True)
def pod_mutation_hook(pod: Any) -> Generator[None, Any, Any]:
    """Complete a pod in place, after all other policies."""
    result = yield
    projects: dict[str, dict[str, Any]] = json.loads(FACTS.read_text())
    labels: dict[str, str] = pod.metadata.labels or {}
    if labels.get(EXECUTOR_LABEL) == "True":
        assign_task(pod, projects, bundle_of)
    elif labels.get(LABEL) in projects:
        pod.metadata.name = pod_name(labels[LABEL], pod.metadata.name)
    return result


def pod_name(project: str, name: str) -> str:
    """The name of a project's pod: only the project's tasks may enter or delete pods with this beginning."""
    prefix = f"{project}--"
    if name.startswith(prefix):
        return name
    if len(prefix) + len(name) <= NAME_MAX:
        return prefix + name
    head, tail = name[:-SUFFIX], name[-SUFFIX:]
    return prefix + head[: NAME_MAX - len(prefix) - SUFFIX].rstrip("-.") + tail


def assign_task(pod: Any, projects: Mapping[str, Mapping[str, Any]], bundle_of: Any) -> None:
    """Give the pod of a task the ServiceAccount of the project that its DAG's source belongs to, and no other.

    Args:
        pod: the pod; changed in place.
        projects: the facts of all projects.
        bundle_of: the function that names the bundle of the pod's task.
    """
    owners = {facts["dags"]: name for name, facts in projects.items() if facts["dags"] is not None}
    labels = pod.metadata.labels
    # The author of a DAG can set any label by pod_override.
    labels.pop(LABEL, None)
    if not owners:
        return
    project = owners.get(bundle_of(pod))
    if project is None:
        return
    labels.update({**projects[project]["labels"], LABEL: project})
    pod.spec.service_account_name = project
    pod.spec.service_account = None


def bundle_of(pod: Any) -> str:
    """The bundle of the DAG whose task runs in a pod of the executor.

    The arguments of the container tell it too, but the author of a DAG can replace them by pod_override. The token in
    them is signed by the scheduler, and names the task instance.

    Raises:
        ValueError: the container has no workload, or its token is not of this Airflow.
    """
    import jwt
    from airflow.api_fastapi.auth.tokens import get_signing_key
    from airflow.models.dag import DagModel
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select

    [base] = [container for container in pod.spec.containers if container.name == "base"]
    try:
        arguments = list(base.args)
        workload = json.loads(arguments[arguments.index(WORKLOAD) + 1])
        secret = get_signing_key("api_auth", "jwt_secret", make_secret_key_if_needed=False)
        # An old token names the same task instance.
        options = {"verify_aud": False, "verify_exp": False}
        task = UUID(jwt.decode(workload["token"], secret, algorithms=[*ALGORITHMS], options=options)["sub"])
    except (ValueError, KeyError, TypeError, IndexError, jwt.InvalidTokenError) as error:
        raise ValueError(
            "The arguments of this task's pod are not those of the executor, so its project is not known: remove "
            f"`args` from pod_override ({type(error).__name__})."
        ) from None
    query = select(DagModel.bundle_name).join(TaskInstance, TaskInstance.dag_id == DagModel.dag_id)
    with create_session() as session:
        bundle = session.scalar(query.where(TaskInstance.id == task))
    if bundle is None:
        raise ValueError(f"There is no task instance {task}, so the project of its pod is not known.")
    return str(bundle)
