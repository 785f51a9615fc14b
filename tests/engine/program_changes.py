"""Effects of each changed setting on a stack with both executors and the example DAGs, by logical name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from tests.engine.program_stacks import Config, changed

PARTS: Final = frozenset({"api-server", "dag-processor", "flower", "scheduler", "triggerer", "worker"})
"""Airflow's own pods that run for long."""
JOBS: Final = frozenset({"airflow-migrate-job"})
TASK_TEMPLATE: Final = frozenset({"airflow-task-template"})
FLOWER: Final = frozenset(
    {
        "airflow-access-flower-account",
        "airflow-flower",
        "airflow-flower-options",
        "airflow-flower-service",
        "airflow-secrets-flower",
        "airflow-secrets-flower-password",
    }
)


def named(*parts: str) -> frozenset[str]:
    """The workloads of the parts."""
    return frozenset(f"airflow-{part}" for part in parts)


def options(*parts: str) -> frozenset[str]:
    """The ConfigMaps with the options of the parts."""
    return frozenset(f"airflow-{part}-options" for part in parts)


@dataclass(frozen=True, kw_only=True)
class Change:
    """One change of the stack file, and all its effects."""

    path: str
    value: Any
    update: frozenset[str] = frozenset()
    replace: frozenset[str] = frozenset()
    create: frozenset[str] = frozenset()
    delete: frozenset[str] = frozenset()

    def applied(self, config: Config) -> dict[str, Any]:
        """The config with the change."""
        return changed(config, self.path, self.value)

    @property
    def expected(self) -> dict[str, set[str]]:
        """In the form of program_stacks.done."""
        table = {"update": self.update, "replace": self.replace, "create": self.create, "delete": self.delete}
        return {op: set(found) for op, found in table.items() if found}


EVERYONES_OPTIONS: Final = options(*PARTS, "task") | TASK_TEMPLATE
"""A new name of the task options changes the template, and through it the scheduler."""

CHANGES: Final = {
    "an option of the scheduler": Change(
        path="options.scheduler",
        value={"max_tis_per_query": "8"},
        update=named("scheduler"),
        replace=options("scheduler"),
    ),
    "an option of the API": Change(
        path="options.api", value={"workers": "2"}, update=named("api-server"), replace=options("api-server")
    ),
    "an option of Celery": Change(
        path="options.celery",
        value={"worker_prefetch_multiplier": "2"},
        update=named("flower", "scheduler", "worker"),
        replace=options("flower", "scheduler", "worker"),
    ),
    "an option of those who run tasks": Change(
        path="options.workers",
        value={"execution_api_retries": "7"},
        update=named("worker", "scheduler"),
        replace=options("task", "worker") | TASK_TEMPLATE,
    ),
    # The section has no listed readers, so all workloads read it.
    "the log level": Change(
        path="options.logging",
        value={"logging_level": "WARNING"},
        update=named(*PARTS),
        replace=EVERYONES_OPTIONS,
    ),
    "the concurrency of workers": Change(
        path="executor.workers.concurrency",
        value=4,
        update=named("worker", "scheduler"),
        replace=options("worker", "scheduler"),
    ),
    # The scheduler queues only as many tasks as there are slots.
    "the number of workers": Change(
        path="executor.workers.replicas",
        value=2,
        update=named("worker", "scheduler"),
        replace=options("scheduler"),
    ),
    "the memory of the triggerer": Change(
        path="components.triggerer.memory_mib", value=1024, update=named("triggerer")
    ),
    "no Flower": Change(path="executor.flower.enabled", value=False, delete=FLOWER),
}
"""Asked of the engine as a preview, each from the same stack."""

PROTECTED_CHANGES: Final = {
    "the pull policy": Change(
        path="image.pull_policy", value="Always", update=named(*PARTS), replace=JOBS | TASK_TEMPLATE
    ),
    "no example DAGs": Change(
        path="example_dags",
        value=False,
        update=named(*PARTS),
        replace=EVERYONES_OPTIONS,
        delete=frozenset({"airflow-example-dags"}),
    ),
    "DAGs from a folder of the node": Change(
        path="dags",
        value=[{"kind": "host_path", "path": "/dags"}],
        # Everyone has the list of bundles, with the folder of each; the policy of task pods allows the node's folder.
        update=named(*PARTS, "namespace", "tied-task-pods"),
        replace=EVERYONES_OPTIONS,
    ),
    "no pod operator": Change(
        path="pod_operator.enabled",
        value=False,
        # Workers and the triggerer lose their tokens, and so do task pods, whose template the scheduler mounts.
        update=named("worker", "triggerer", "scheduler"),
        replace=TASK_TEMPLATE | named("pod-defaults"),
        delete=named(
            "task-namespace",
            "task-limits",
            "task-quota",
            "access-pod-account",
            *(
                f"{policy}{binding}"
                for policy in ("access-pod-launcher", "access-pod-watcher", "task-access", "task-pods")
                for binding in ("", "-binding")
            ),
        ),
    ),
    "the first user's name": Change(path="admin.username", value="root", replace=JOBS),
}
"""The same for a protected stack, which accepts every change that deletes no data."""

EXECUTOR_CHANGE: Final = Change(
    path="executor.kind",
    value="celery+kubernetes",
    update=named(*PARTS, "access-pod-launcher-binding"),
    replace=options(*PARTS),
    create=options("task")
    | TASK_TEMPLATE
    | named(
        "access-task-account",
        "access-log-reader",
        "access-log-reader-binding",
        "access-task-launcher",
        "access-task-launcher-binding",
        "tied-task-pods",
        "tied-task-pods-binding",
    ),
)
"""From Celery alone to both."""
IMAGE_CHANGE: Final = Change(
    path="image.reference",
    value="registry.example.org/airflow:3.3.2-1",
    update=named(*PARTS),
    replace=JOBS | TASK_TEMPLATE,
)
JWT_KEY_CHANGE: Final = Change(
    path="", value=None, update=named("api-server", "scheduler"), replace=named("secrets-jwt-key", "secrets-jwt")
)

REPLACED_SECRETS: Final = {
    "airflow-secrets-fernet-key": Change(
        path="",
        value=None,
        update=named("api-server", "scheduler", "dag-processor", "triggerer"),
        # The migration compares the key with what is in the database.
        replace=named("secrets-fernet-key", "secrets-fernet") | JOBS,
    ),
    "airflow-secrets-broker-password": Change(
        path="",
        value=None,
        update=named("redis", "scheduler", "worker", "flower"),
        replace=named("secrets-broker-password", "secrets-broker"),
    ),
}
"""Generated values by logical name, and the effects of their replacement: only their readers roll."""

NEVER_REPLACED: Final = frozenset(
    {
        "airflow-celery-broker-data",
        "airflow-logs",
        "airflow-namespace",
        "airflow-cloud-postgres-data",
        "airflow-cloud-postgres-namespace",
        "airflow-cloud-postgres-server",
        "airflow-redis",
        "cluster",
    }
)
"""In addition to all resources of pulumi-random."""
