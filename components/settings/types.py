"""Types and base classes of the settings models."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

DNS_LABEL: Final = r"^[a-z]([-a-z0-9]*[a-z0-9])?\Z"
DNS_SUBDOMAIN: Final = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\Z"
HOSTNAME: Final = r"^(?:[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z](?:[-a-z0-9]{0,61}[a-z0-9])\Z"

IMAGE: Final = re.compile(r"[a-z0-9][a-z0-9._:/-]*(:(?!latest\Z)[A-Za-z0-9_][A-Za-z0-9._-]*|@sha256:[0-9a-f]{64})")


def _pinned(reference: str) -> str:
    """The reference, if it pins the image by tag or digest.

    Raises:
        ValueError: no tag, the tag `latest`, or not an image reference; "rule; remedy".
    """
    if not IMAGE.fullmatch(reference):
        raise ValueError(
            "is not an image with a digest or a tag other than latest; write repository:tag or repository@sha256:…"
        )
    return reference


RELATIVE_PATH: Final = r"^(?:(?!\.\.?(?:/|\Z))[^/:\s]+(?:/|\Z))*\Z"
"""A relative path below a source's root, without `..`; empty is the root."""
RelativePath = Annotated[str, Field(pattern=RELATIVE_PATH, title="relative path without `..`")]
Name = Annotated[str, Field(pattern=DNS_LABEL, max_length=30, title="lower-case DNS label, up to 30 characters")]
"""A lower-case DNS label that leaves room for suffixes."""
KubernetesName = Annotated[
    str, Field(pattern=DNS_SUBDOMAIN, max_length=253, title="name of a Kubernetes object, up to 253 characters")
]
"""Name of an object that is created outside this stack."""
Hostname = Annotated[str, Field(pattern=HOSTNAME, max_length=253, title="lower-case DNS name of at least two labels")]
"""A host without wildcard and port."""
VARIABLE: Final = r"^[A-Za-z_][A-Za-z0-9_]*\Z"
"""Names that are a variable of the environment everywhere."""
LABEL_KEY: Final = r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?\Z"
LABEL_VALUE: Final = r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?\Z"
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set."""
Variable = Annotated[str, Field(pattern=VARIABLE, max_length=128, title="name of a variable of the environment")]
LabelKey = Annotated[str, Field(pattern=LABEL_KEY, max_length=317, title="key of a label")]
LabelValue = Annotated[str, Field(pattern=LABEL_VALUE, max_length=63, title="value of a label")]
CpuMilli = Annotated[int, Field(ge=10, le=64_000)]
"""Thousandths of a processor."""
MemoryMib = Annotated[int, Field(ge=32, le=524_288)]
ScratchGib = Annotated[int, Field(ge=1, le=1000)]
SizeGib = Annotated[int, Field(ge=1, le=65_536)]
Replicas = Annotated[int, Field(ge=1, le=20)]
ImageReference = Annotated[str, AfterValidator(_pinned), Field(title="image with tag or digest")]
"""An image with a tag other than latest, or a digest: an unpinned image rolls out differently each time."""


class Model(BaseModel):
    """A frozen model that forbids unknown keys and converts no types: `true` is not a number."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True, regex_engine="python-re"
    )


class Database(Model):
    """Common interface of all database servers, so that no other module distinguishes them."""

    SIZED_BY: ClassVar[str]
    """The key that decides the number of connections."""
    MORE_CONNECTIONS: ClassVar[str]
    """Remedy for too few connections."""

    @property
    def max_connections(self) -> int | None:
        """Maximum number of connections for Airflow, the server's own subtracted; None is unknown."""
        return None


class Resources(Model):
    """Requests and limits of one pod. Memory has the same request and limit; the processor has no limit."""

    cpu_milli: CpuMilli
    """Requested processor time, in thousandths of a core."""
    memory_mib: MemoryMib
    """Requested memory and its limit, in MiB."""


class PodResources(Model):
    """Requests and limits of one pod, with defaults that differ between clouds and existing clusters.

    On a cloud, requests are the use under load, because the autoscaler of nodes depends on them. On an existing
    cluster they only have to fit.
    """

    CLOUD_MILLI: ClassVar[int]
    EXISTING_MILLI: ClassVar[int]

    cpu_milli: CpuMilli | None = None
    """Requested processor time, in thousandths of a core."""
    memory_mib: MemoryMib
    """Requested memory and its limit, in MiB."""
    scratch_gib: ScratchGib = 1
    """Request and limit of ephemeral storage on the node's disk, in GiB."""

    def cloud_milli(self) -> int:
        """Default request of processor time on a cloud, in thousandths of a core."""
        return self.CLOUD_MILLI

    def resources(self, *, existing_cluster: bool) -> Resources:
        """Processor and memory on an existing cluster, or on a cloud."""
        default = self.EXISTING_MILLI if existing_cluster else self.cloud_milli()
        return Resources(
            cpu_milli=self.cpu_milli if self.cpu_milli is not None else default, memory_mib=self.memory_mib
        )
