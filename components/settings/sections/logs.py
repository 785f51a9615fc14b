"""Storage of task logs: object storage, a volume, or the workers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from components.settings.types import Model, SizeGib


class _Logs(Model):
    """Common interface of all log stores, so that no other module distinguishes them."""

    @property
    def store(self) -> StoreLogs | None:
        """Object storage; None without it."""
        return None

    @property
    def volume(self) -> VolumeLogs | None:
        """The shared volume; None without one."""
        return None


class StoreLogs(_Logs):
    """Task logs are in the cloud's object storage, accessed by workload identity; the default on a cloud."""

    kind: Literal["store"]
    retention_days: Annotated[int, Field(ge=1, le=3650)] = 90
    """Retention of logs, in days."""

    @property
    def store(self) -> StoreLogs:
        """Object storage."""
        return self


class VolumeLogs(_Logs):
    """Task logs are on one volume that every component mounts; the default on existing clusters."""

    kind: Literal["volume"]
    size_gib: SizeGib = 10
    """Size of the volume, in GiB."""
    access_mode: Literal["ReadWriteMany", "ReadWriteOnce"] = "ReadWriteMany"
    """Access mode of the volume. ReadWriteOnce is for pods on one node: use it only on a cluster with one node."""

    @property
    def volume(self) -> VolumeLogs:
        """The shared volume."""
        return self


class WorkerLogs(_Logs):
    """Task logs are on the disk of each worker, which serves them; they are lost with the worker. Celery only."""

    kind: Literal["worker"]


Logs = Annotated[StoreLogs | VolumeLogs | WorkerLogs, Field(discriminator="kind")]
