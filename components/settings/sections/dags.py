"""Where DAG files come from."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from components.settings.types import Model, SizeGib

RELATIVE_PATH: Final = r"^(?:(?!\.\.?(?:/|\Z))[^/:\s]+(?:/|\Z))*\Z"
"""A path inside a volume: no way up, nothing absolute; empty is the root."""


FOLDER: Final = "/opt/airflow/dags"
"""Where DAG files lie in a container unless the image has them elsewhere."""


class _Dags(Model):
    """Common interface of all sources of DAG files: nothing else asks which one it is."""

    @property
    def folder(self) -> str:
        """Where DAG files lie in a container."""
        return FOLDER

    @property
    def node_folder(self) -> str | None:
        """A folder of the node that holds them; None for every other source."""
        return None

    @property
    def share(self) -> ShareDags | None:
        """The file share that holds them; None for every other source."""
        return None


class ImageDags(_Dags):
    """DAG files are part of the Airflow image."""

    kind: Literal["image"]
    path: Annotated[str, Field(pattern=r"^/[^:\n]+\Z")] = "/opt/airflow/dags"
    """Their folder in the image."""

    @property
    def folder(self) -> str:
        """Their folder in the image."""
        return self.path


class HostPathDags(_Dags):
    """DAG files come from a folder of the node. Existing clusters only: the namespace then cannot
    enforce Pod Security."""

    kind: Literal["host_path"]
    path: Annotated[str, Field(pattern=r"^/[^:\n]+\Z")]
    """The folder on the node."""

    @property
    def node_folder(self) -> str:
        """The folder on the node."""
        return self.path


class ShareDags(_Dags):
    """DAG files lie on a file share that every component mounts. Not on existing clusters, which have no share."""

    kind: Literal["share"]
    size_gib: SizeGib
    """Size of the share, in GiB; what the cloud sells at least depends on its tier."""
    sub_path: Annotated[str, Field(pattern=RELATIVE_PATH)] = ""
    """The folder of the share that holds the DAG files; default: its root."""

    @property
    def share(self) -> ShareDags:
        """The file share."""
        return self


Dags = Annotated[ImageDags | HostPathDags | ShareDags, Field(discriminator="kind")]
