"""Source of DAG files: image, folder of the node, or file share."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from components.settings.types import Model, SizeGib

RELATIVE_PATH: Final = r"^(?:(?!\.\.?(?:/|\Z))[^/:\s]+(?:/|\Z))*\Z"
"""A relative path inside a volume, without `..`; empty is the root."""


FOLDER: Final = "/opt/airflow/dags"
"""Default folder of DAG files in a container."""


class _Dags(Model):
    """Common interface of all sources of DAG files, so that no other module distinguishes them."""

    @property
    def folder(self) -> str:
        """Folder of DAG files in a container."""
        return FOLDER

    @property
    def node_folder(self) -> str | None:
        """Folder of the node with the DAG files; None for every other source."""
        return None

    @property
    def share(self) -> ShareDags | None:
        """The file share with the DAG files; None for every other source."""
        return None


class ImageDags(_Dags):
    """DAG files are part of the Airflow image."""

    kind: Literal["image"]
    path: Annotated[str, Field(pattern=r"^/[^:\n]+\Z")] = "/opt/airflow/dags"
    """Folder of the DAG files in the image."""

    @property
    def folder(self) -> str:
        """Folder of the DAG files in the image."""
        return self.path


class HostPathDags(_Dags):
    """DAG files are in a folder of the node. Existing clusters only; the namespace cannot enforce Pod Security then."""

    kind: Literal["host_path"]
    path: Annotated[str, Field(pattern=r"^/[^:\n]+\Z")]
    """The folder on the node."""

    @property
    def node_folder(self) -> str:
        """The folder on the node."""
        return self.path


class ShareDags(_Dags):
    """DAG files are on a file share that every component mounts. Not available on existing clusters."""

    kind: Literal["share"]
    size_gib: SizeGib
    """Size of the share, in GiB; the minimum depends on the tier of the cloud's shares."""
    sub_path: Annotated[str, Field(pattern=RELATIVE_PATH)] = ""
    """Folder of the DAG files on the share; default: its root."""

    @property
    def share(self) -> ShareDags:
        """The file share."""
        return self


Dags = Annotated[ImageDags | HostPathDags | ShareDags, Field(discriminator="kind")]
