"""Common interface of all sources of DAG files, so that no other module distinguishes them."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final

from pydantic import Field

from components.settings.sections.git_repository import GitRepository
from components.settings.types import Model, Name, RelativePath, SizeGib

SOURCES: Final = "/opt/airflow/dag-sources"
"""The folder in containers with one folder for each source that is not part of the image."""
STORAGE: Final = "/opt/airflow/dag-bundles"
"""The folder in containers in which Airflow keeps its own copies of bundles."""
LINK: Final = "current"
"""The link in a source's folder that git-sync turns to the newest commit."""


class Share(Model):
    """A file share of the cloud with DAG files."""

    size_gib: SizeGib
    """Size of the share, in GiB; the minimum depends on the tier of the cloud's shares."""
    sub_path: RelativePath = ""
    """Folder of the DAG files on the share; default: its root."""


class DagSource(Model):
    """A source of DAG files: one bundle of Airflow."""

    name: Name = "dags"
    """Name of the source's bundle, which the UI shows at each DAG. Every source has a name of its own."""
    interval_seconds: Annotated[int, Field(ge=5, le=86_400)] | None = None
    """Seconds between two looks of the DAG processor for changes; default: 300 in the image, where files change with
    the pod only, 60 in git, and 30 in a folder."""

    INTERVAL_SECONDS: ClassVar[int] = 30
    """The default of a kind. Listing a folder costs little."""

    @property
    def folder(self) -> str:
        """The folder with the DAG files in a container."""
        return f"{SOURCES}/{self.name}"

    @property
    def refresh_seconds(self) -> int:
        """Seconds between two looks of the DAG processor for changes, set or default."""
        return self.interval_seconds if self.interval_seconds is not None else self.INTERVAL_SECONDS

    @property
    def plugins_folder(self) -> str | None:
        """The folder in a container with Airflow plugins; None without any."""
        return None

    @property
    def node_folder(self) -> str | None:
        """Folder of the node with the DAG files; None for every other source."""
        return None

    @property
    def share(self) -> Share | None:
        """The file share with the DAG files; None for every other source."""
        return None

    @property
    def git(self) -> GitRepository | None:
        """The git repository with the DAG files; None for every other source."""
        return None

    @property
    def stored_by_airflow(self) -> bool:
        """Whether Airflow itself copies the files into its folder for bundles."""
        return False

    @property
    def ties_pods(self) -> bool:
        """Whether pods mount a claim or a folder of the node for it, which ties them to the instance's namespace."""
        return self.node_folder is not None or self.share is not None
