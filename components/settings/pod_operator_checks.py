"""Checks between the pods of operators and the executor's pods beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from components.settings.errors import SettingError
from components.settings.secret_keys import PROJECT
from components.settings.sections.dag_source import DagSource
from components.settings.sections.executor import Executor
from components.settings.sections.logs import Logs
from components.settings.sections.pod_operator import PodOperator, executor_limits
from components.settings.sections.pods import PodAdditions


def setting_errors(
    pod_operator: PodOperator | None,
    executor: Executor,
    logs: Logs | None,
    dags: Sequence[DagSource],
    task: PodAdditions,
    *,
    existing_cluster: bool,
) -> Iterator[SettingError]:
    """Quotas that leave no room for the executor's own pods: a refused task waits and finally fails.

    Args:
        pod_operator: the pods of operators; None for an invalid section.
        executor: the executor.
        logs: storage of task logs; None for the default.
        dags: the sources of DAG files.
        task: the additions to the executor's pods.
        existing_cluster: whether the stack runs on an existing cluster.
    """
    log_volume = existing_cluster if logs is None else logs.volume is not None
    tied = log_volume or any(source.ties_pods for source in dags)
    if pod_operator is None or not pod_operator.enabled or tied:
        return
    used = executor_limits(
        executor.pods,
        existing_cluster=existing_cluster,
        sidecars=task.sidecars,
        init_containers=task.init_containers,
    )
    for key, needed in used.model_dump().items():
        value = getattr(pod_operator.quota, key)
        if value is not None and value <= needed:
            yield SettingError(
                key=f"{PROJECT}:pod_operator.quota.{key}",
                value=value,
                rule=f"leaves operators no room beside the executor's own pods, which use up to {needed}",
                remedy=f"use more than {needed}, or a lower {PROJECT}:executor.task_pods.max_running_tasks",
            )
