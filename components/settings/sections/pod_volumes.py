"""Volumes that a stack adds to pods: existing objects of the pods' namespace, and empty folders."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from components.settings.types import DNS_LABEL, KubernetesName, Model

PREFIX: Final = "additional-"
"""Beginning of the names in pods, which keeps them apart from the program's own volumes."""
VolumeName = Annotated[str, Field(pattern=DNS_LABEL, max_length=50, title="lower-case DNS label")]


class PodVolume(Model):
    """Common interface of all volumes, so that no other module distinguishes them."""

    name: VolumeName
    """Name that mounts refer to."""

    @property
    def pod_name(self) -> str:
        """Name of the volume in the pod."""
        return f"{PREFIX}{self.name}"

    @property
    def secret(self) -> str | None:
        """Name of the Secret whose keys are files; None for every other volume."""
        return None

    @property
    def config_map(self) -> str | None:
        """Name of the ConfigMap whose keys are files; None for every other volume."""
        return None

    @property
    def claim(self) -> str | None:
        """Name of the claim; None for every other volume."""
        return None

    @property
    def empty(self) -> EmptyVolume | None:
        """The empty folder; None for every other volume."""
        return None

    @property
    def read_only(self) -> bool:
        """Whether no mount of the volume can be written to."""
        return self.secret is not None or self.config_map is not None


class SecretVolume(PodVolume):
    """The keys of an existing Secret are files."""

    kind: Literal["secret"]
    secret_name: KubernetesName
    """An existing Secret in the namespace of the pods."""

    @property
    def secret(self) -> str:
        """Name of the Secret."""
        return self.secret_name


class ConfigMapVolume(PodVolume):
    """The keys of an existing ConfigMap are files."""

    kind: Literal["config_map"]
    config_map_name: KubernetesName
    """An existing ConfigMap in the namespace of the pods."""

    @property
    def config_map(self) -> str:
        """Name of the ConfigMap."""
        return self.config_map_name


class ClaimVolume(PodVolume):
    """An existing PersistentVolumeClaim."""

    kind: Literal["claim"]
    claim_name: KubernetesName
    """An existing claim in the namespace of the pods."""

    @property
    def claim(self) -> str:
        """Name of the claim."""
        return self.claim_name


class EmptyVolume(PodVolume):
    """An empty folder that is deleted with the pod."""

    kind: Literal["empty_dir"]
    size_mib: Annotated[int, Field(ge=1, le=1_048_576)]
    """Maximum size, in MiB, within the pod's `scratch_gib`. Beyond it the node evicts the pod."""
    memory: bool = False
    """Whether the folder is in memory; its content then counts as memory of the container that writes it."""

    @property
    def empty(self) -> EmptyVolume:
        """The empty folder."""
        return self


AnyPodVolume = Annotated[SecretVolume | ConfigMapVolume | ClaimVolume | EmptyVolume, Field(discriminator="kind")]
