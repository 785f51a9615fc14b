"""Sources of DAG files: image, folder of the node, or file share."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from components.settings.sections.dag_source import LINK, SOURCES, STORAGE, DagSource, Share
from components.settings.sections.git_repository import GitRepository

ABSOLUTE_PATH: Final = r"^/[^:\n]+\Z"
IMAGE_FOLDER: Final = "/opt/airflow/dags"
"""The folder of DAG files in the official image."""
IMAGE_SECONDS: Final = 300
"""Files of the image change with the pod only. Each parsing still runs them, so a DAG that is built from a Variable
changes within this time."""


class ImageDags(DagSource):
    """DAG files are part of the Airflow image."""

    kind: Literal["image"]
    path: Annotated[str, Field(pattern=ABSOLUTE_PATH)] = IMAGE_FOLDER
    """Folder of the DAG files in the image."""

    INTERVAL_SECONDS: ClassVar[int] = IMAGE_SECONDS

    @property
    def folder(self) -> str:
        """Folder of the DAG files in the image."""
        return self.path


class HostPathDags(DagSource):
    """DAG files are in a folder of the node. Existing clusters only; the namespace cannot enforce Pod Security then."""

    kind: Literal["host_path"]
    path: Annotated[str, Field(pattern=ABSOLUTE_PATH)]
    """The folder on the node."""

    @property
    def node_folder(self) -> str:
        """The folder on the node."""
        return self.path


class ShareDags(Share, DagSource):
    """DAG files are on a file share that every component mounts. Not available on existing clusters."""

    kind: Literal["share"]

    @property
    def share(self) -> Share:
        """The file share."""
        return self


class GitDags(GitRepository, DagSource):
    """DAG files are in a git repository."""

    kind: Literal["git"]

    INTERVAL_SECONDS: ClassVar[int] = 60

    @property
    def git(self) -> GitRepository:
        """The repository."""
        return self

    @property
    def folder(self) -> str:
        """The folder with the DAG files in a container."""
        root = f"{SOURCES}/{self.name}/{LINK}" if self.sync.sidecar else f"{STORAGE}/{self.name}/tracking_repo"
        return f"{root}/{self.sub_path}".rstrip("/")

    @property
    def plugins_folder(self) -> str | None:
        """The folder with Airflow plugins in a container; None without any."""
        if self.sync.sidecar is None or self.sync.sidecar.plugins is None:
            return None
        return f"{SOURCES}/{self.name}/{LINK}/{self.sync.sidecar.plugins}".rstrip("/")

    @property
    def stored_by_airflow(self) -> bool:
        """Whether Airflow itself clones the repository."""
        return self.sync.sidecar is None


AnyDagSource = Annotated[ImageDags | HostPathDags | ShareDags | GitDags, Field(discriminator="kind")]
DagSources = Annotated[tuple[AnyDagSource, ...], Field(strict=False)]
"""Not strict: YAML and JSON have lists, which are no tuples."""
