"""Where task logs are kept."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from components.settings.types import Model, SizeGib


class _Logs(Model):
    """Common interface of all log stores: nothing else asks which one it is."""

    @property
    def store(self) -> StoreLogs | None:
        """Object storage; None without it."""
        return None

    @property
    def volume(self) -> VolumeLogs | None:
        """The shared volume; None without one."""
        return None


class StoreLogs(_Logs):
    """Task logs in the cloud's object storage, written and read by identity; the default where there is a cloud."""

    kind: Literal["store"]
    retention_days: Annotated[int, Field(ge=1, le=3650)] = 90
    """How long a log is kept, in days."""

    @property
    def store(self) -> StoreLogs:
        """Object storage."""
        return self


class VolumeLogs(_Logs):
    """Task logs on one volume that every component shares; the default on existing clusters."""

    kind: Literal["volume"]
    size_gib: SizeGib = 10
    """Size of the volume, in GiB."""
    access_mode: Literal["ReadWriteMany", "ReadWriteOnce"] = "ReadWriteMany"
    """ReadWriteOnce only serves pods of one node: enough for a cluster of one node, and for no other."""

    @property
    def volume(self) -> VolumeLogs:
        """The shared volume."""
        return self


class WorkerLogs(_Logs):
    """Task logs on each worker's own disk, served by it and gone with it. Celery only."""

    kind: Literal["worker"]


Logs = Annotated[StoreLogs | VolumeLogs | WorkerLogs, Field(discriminator="kind")]
