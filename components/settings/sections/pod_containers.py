"""Containers that a stack adds to pods, and mounts of volumes."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from components.settings.sections.pod_volumes import VolumeName
from components.settings.types import DNS_LABEL, CpuMilli, ImageReference, MemoryMib, Model, RelativePath, Variable

PATH: Final = r"^(/(?!\.\.?(?:/|\Z))[^/:\s]+)+\Z"
"""An absolute path without `..` and without a slash at its end."""
Texts = Annotated[tuple[str, ...], Field(strict=False, title="list of texts")]


class Mount(Model):
    """A mount of a volume in a container."""

    volume: VolumeName
    """Name of the volume in `volumes`."""
    path: Annotated[str, Field(pattern=PATH, max_length=500, title="absolute path without `..`")]
    """Folder or file in the container."""
    sub_path: RelativePath = ""
    """Folder or file of the volume; default: its root. A file that is mounted so does not follow changes of its Secret
    or ConfigMap."""
    read_only: bool = False
    """Whether the container cannot write. Secrets and ConfigMaps are always read-only."""


class PodContainer(Model):
    """Common fields of the containers that a stack adds. The program adds their security context."""

    name: Annotated[str, Field(pattern=DNS_LABEL, max_length=63, title="lower-case DNS label")]
    """Name of the container."""
    image: ImageReference
    """Image of the container."""
    command: Texts = ()
    """Command; default: the entrypoint of the image."""
    args: Texts = ()
    """Arguments of the command; default: those of the image."""
    environment: Annotated[dict[Variable, str], Field(title="variable, text")] = Field(default_factory=dict)
    """Variables of its environment, as plain text. It has none of Airflow's."""
    mounts: Annotated[tuple[Mount, ...], Field(strict=False)] = ()
    """Mounts of the pod's `volumes`. Its root file system is read-only."""
    cpu_milli: CpuMilli = 50
    """Requested processor time, in thousandths of a core."""
    memory_mib: MemoryMib = 64
    """Requested memory and its limit, in MiB."""
    uid: Annotated[int, Field(ge=1, le=2_147_483_647)] | None = None
    """User of its processes; default: that of the pod."""


class InitContainer(PodContainer):
    """A container that ends before Airflow starts."""


class Sidecar(PodContainer):
    """A container that runs as long as the pod."""

    port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    """Port that it listens on. The containers after it start when it accepts connections there."""
