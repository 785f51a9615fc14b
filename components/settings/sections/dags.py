"""Where DAG files come from."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from components.settings.types import Model, SizeGib

RELATIVE_PATH: Final = r"^(?:(?!\.\.?(?:/|\Z))[^/:\s]+(?:/|\Z))*\Z"
"""A path inside a volume: no way up, nothing absolute; empty is the root."""


class ImageDags(Model):
    """DAG files are part of the Airflow image."""

    kind: Literal["image"]
    path: Annotated[str, Field(pattern=r"^/[^:\n]+\Z")] = "/opt/airflow/dags"
    """Their folder in the image."""


class HostPathDags(Model):
    """DAG files come from a folder of the node. Local stacks only: the namespace can then not enforce Pod Security."""

    kind: Literal["host_path"]
    path: Annotated[str, Field(pattern=r"^/[^:\n]+\Z")]
    """The folder on the node."""


class ShareDags(Model):
    """DAG files lie on a file share that every component mounts. Not on local stacks, which have no share."""

    kind: Literal["share"]
    size_gib: SizeGib
    """Size of the share, in GiB; what the cloud sells at least depends on its tier."""
    sub_path: Annotated[str, Field(pattern=RELATIVE_PATH)] = ""
    """The folder of the share that holds the DAG files; default: its root."""


Dags = Annotated[ImageDags | HostPathDags | ShareDags, Field(discriminator="kind")]
