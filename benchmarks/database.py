"""A PostgreSQL server that runs before Airflow starts, like a managed one."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from typing import Final

from lab.errors import LabError
from lab.images import names
from lab.kubectl import kubectl

NAMESPACE: Final = "bench-database"
START_SECONDS: Final = 120


@dataclass(frozen=True, kw_only=True)
class BenchDatabase:
    """The connection URLs of a running server."""

    metadata_url: str
    result_url: str


def start() -> BenchDatabase:
    """A new, empty server with the two databases and their users."""
    stop()
    password = secrets.token_hex(16)
    labels = {"app": "postgres"}
    container = {
        "name": "postgres",
        "image": names.POSTGRES,
        "imagePullPolicy": "IfNotPresent",
        "env": [{"name": "POSTGRES_PASSWORD", "value": password}],
        "readinessProbe": {
            "exec": {"command": ["pg_isready", "-h", "127.0.0.1"]},
            "periodSeconds": 1,
            "timeoutSeconds": 20,
            "failureThreshold": 10,
        },
    }
    objects = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "postgres", "namespace": NAMESPACE, "labels": labels},
            "spec": {"containers": [container], "automountServiceAccountToken": False},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "postgres", "namespace": NAMESPACE},
            "spec": {"selector": labels, "ports": [{"port": 5432}]},
        },
    ]
    for entry in objects:
        kubectl("apply", "-f", "-", text=json.dumps(entry))
    deadline = time.monotonic() + START_SECONDS
    ready = ["get", "pod", "postgres", "-n", NAMESPACE, "-o", "jsonpath={.status.containerStatuses[0].ready}"]
    while kubectl(*ready, check=False) != "true":
        if time.monotonic() > deadline:
            raise LabError(f"The benchmark's PostgreSQL was not ready within {START_SECONDS} s.")
        time.sleep(0.5)
    for database in ("airflow", "celery"):
        for statement in (
            f"CREATE ROLE {database} LOGIN PASSWORD '{password}'",
            f"CREATE DATABASE {database} OWNER {database}",
        ):
            kubectl("exec", "-n", NAMESPACE, "postgres", "--", "psql", "-U", "postgres", "-c", statement)
    host = f"postgres.{NAMESPACE}.svc:5432"
    return BenchDatabase(
        metadata_url=f"postgresql://airflow:{password}@{host}/airflow",
        result_url=f"postgresql://celery:{password}@{host}/celery",
    )


def stop() -> None:
    """Delete the server, if there is one."""
    kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", "--wait=true", "--timeout=120s")
