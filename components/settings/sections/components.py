"""Airflow's services: api-server, scheduler, DAG processor, triggerer."""

from __future__ import annotations

from pydantic import field_validator

from components.settings.types import CpuMilli, MemoryMib, Model, PodResources, Replicas


class Component(PodResources):
    """One of Airflow's own services."""

    replicas: Replicas = 1
    """Number of pods."""


class ApiServer(Component):
    """UI, REST API and the execution API of tasks."""

    CLOUD_MILLI = 1000
    EXISTING_MILLI = 200

    cpu_milli: CpuMilli | None = None
    """Requested processor time, in thousandths of a core; default: 1000, and 200 on existing clusters."""
    memory_mib: MemoryMib = 1536
    """Memory, in MiB."""


class Scheduler(Component):
    """Schedules DAG runs and queues tasks."""

    CLOUD_MILLI = 1000
    EXISTING_MILLI = 200

    cpu_milli: CpuMilli | None = None
    """Requested processor time, in thousandths of a core; default: 1000, and 200 on existing clusters."""
    memory_mib: MemoryMib = 1024
    """Memory, in MiB."""


class DagProcessor(Component):
    """Parses DAG files."""

    CLOUD_MILLI = 500
    EXISTING_MILLI = 100

    cpu_milli: CpuMilli | None = None
    """Requested processor time, in thousandths of a core; default: 500, and 100 on existing clusters."""
    memory_mib: MemoryMib = 1024
    """Memory, in MiB."""
    replicas: Replicas = 1
    """Number of pods. Airflow supports only one for the same DAG files."""

    @field_validator("replicas")
    @classmethod
    def _alone(cls, replicas: int) -> int:
        # https://github.com/apache/airflow/pull/66788 (May 2026): "not a supported topology"; both write the same rows.
        if replicas > 1:
            raise ValueError("is above 1, and Airflow does not support two DAG processors for one bundle; use 1")
        return replicas


class Triggerer(Component):
    """Runs deferred tasks."""

    CLOUD_MILLI = 250
    EXISTING_MILLI = 100

    cpu_milli: CpuMilli | None = None
    """Requested processor time, in thousandths of a core; default: 250, and 100 on existing clusters."""
    memory_mib: MemoryMib = 768
    """Memory, in MiB."""


class Components(Model):
    """Airflow's own services."""

    api_server: ApiServer = ApiServer()
    """UI, REST API and the execution API of tasks."""
    scheduler: Scheduler = Scheduler()
    """Schedules DAG runs and queues tasks."""
    dag_processor: DagProcessor = DagProcessor()
    """Parses DAG files."""
    triggerer: Triggerer = Triggerer()
    """Runs deferred tasks."""
