"""Types and base classes of the settings models."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

DNS_LABEL: Final = r"^[a-z]([-a-z0-9]*[a-z0-9])?$"
DNS_SUBDOMAIN: Final = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\Z"
HOSTNAME: Final = r"^(?:[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z](?:[-a-z0-9]{0,61}[a-z0-9])\Z"

IMAGE: Final = re.compile(r"[a-z0-9][a-z0-9._:/-]*(:(?!latest\Z)[A-Za-z0-9_][A-Za-z0-9._-]*|@sha256:[0-9a-f]{64})")


def _pinned(reference: str) -> str:
    """The reference, if every pull of it gives the same kind of image.

    Raises:
        ValueError: no tag, the tag `latest`, or no image at all; "rule; remedy".
    """
    if not IMAGE.fullmatch(reference):
        raise ValueError(
            "is no image with a tag other than latest, or with a digest; write repository:tag or repository@sha256:…"
        )
    return reference


Name = Annotated[str, Field(pattern=DNS_LABEL, max_length=30, title="lower-case DNS label, up to 30 characters")]
"""A lower-case DNS label that leaves room for suffixes."""
KubernetesName = Annotated[
    str, Field(pattern=DNS_SUBDOMAIN, max_length=253, title="name of a Kubernetes object, up to 253 characters")
]
"""The name of an object that somebody else makes."""
Hostname = Annotated[str, Field(pattern=HOSTNAME, max_length=253, title="lower-case DNS name of at least two labels")]
"""A host that browsers ask for; no wildcard, no port."""
CpuMilli = Annotated[int, Field(ge=10, le=64_000)]
"""Thousandths of a processor."""
MemoryMib = Annotated[int, Field(ge=32, le=524_288)]
ScratchGib = Annotated[int, Field(ge=1, le=1000)]
SizeGib = Annotated[int, Field(ge=1, le=65_536)]
Replicas = Annotated[int, Field(ge=1, le=20)]
ImageReference = Annotated[str, AfterValidator(_pinned), Field(title="image with tag or digest")]
"""An image with a tag other than latest, or a digest: an unpinned image rolls out differently each time."""


class Model(BaseModel):
    """A frozen model that forbids unknown keys and takes no type for another: `true` is no number."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True, regex_engine="python-re"
    )


class Database(Model):
    """Common interface of all database servers: nothing else asks which one it is."""

    SIZED_BY: ClassVar[str]
    """The key that decides the number of connections."""
    MORE_CONNECTIONS: ClassVar[str]
    """Remedy for too few connections."""

    @property
    def max_connections(self) -> int | None:
        """Maximum number of connections for Airflow, the server's own subtracted; None is unknown."""
        return None


class Resources(Model):
    """Requests and limits of one pod. Memory is request and limit at once; the processor is never capped."""

    cpu_milli: CpuMilli
    """Requested processor time, in thousandths of a core."""
    memory_mib: MemoryMib
    """Requested memory and its limit, in MiB."""


class PodResources(Model):
    """Requests and limits of one pod, with defaults that differ between clouds and existing clusters.

    On a cloud, requests are what the part takes under load: the autoscaler of nodes sees nothing else. On an
    existing cluster they only have to fit.
    """

    CLOUD_MILLI: ClassVar[int]
    EXISTING_MILLI: ClassVar[int]

    cpu_milli: CpuMilli | None = None
    """Requested processor time, in thousandths of a core."""
    memory_mib: MemoryMib
    """Requested memory and its limit, in MiB."""
    scratch_gib: ScratchGib = 1
    """What the pod may write to its node's disk, in GiB: requested, and the limit."""

    def cloud_milli(self) -> int:
        """The processor time that it requests on a cloud unless the stack says otherwise."""
        return self.CLOUD_MILLI

    def resources(self, *, existing_cluster: bool) -> Resources:
        """Processor and memory on an existing cluster, or on a cloud."""
        default = self.EXISTING_MILLI if existing_cluster else self.cloud_milli()
        return Resources(
            cpu_milli=self.cpu_milli if self.cpu_milli is not None else default, memory_mib=self.memory_mib
        )
