"""What every settings model is made of."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

DNS_LABEL: Final = r"^[a-z]([-a-z0-9]*[a-z0-9])?$"

Name = Annotated[str, Field(pattern=DNS_LABEL, max_length=30)]
"""A lower-case DNS label that leaves room for suffixes."""
CpuMilli = Annotated[int, Field(ge=10, le=64_000)]
"""Thousandths of a processor."""
MemoryMib = Annotated[int, Field(ge=32, le=524_288)]
SizeGib = Annotated[int, Field(ge=1, le=65_536)]
Replicas = Annotated[int, Field(ge=1, le=20)]
ImageReference = Annotated[
    str,
    Field(pattern=r"^[a-z0-9][a-z0-9._:/-]*(:(?!latest$)[A-Za-z0-9_][A-Za-z0-9._-]*|@sha256:[0-9a-f]{64})$"),
]
"""An image with a tag other than latest, or a digest: an unpinned image rolls out differently each time."""


class Model(BaseModel):
    """A frozen model that forbids unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, regex_engine="python-re")


class Sizing(Model):
    """What one pod of a component asks for. Memory is request and limit at once; the processor is never capped."""

    cpu_milli: CpuMilli
    """Requested processor time, in thousandths of a core."""
    memory_mib: MemoryMib
    """Requested memory and its limit, in MiB."""
