"""Sources of DAG files, each a kind of its own."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from components.settings.sections.dag_source import (
    LINK,
    PLUGINS,
    SOURCES,
    STORAGE,
    AbsolutePath,
    Bucket,
    Claim,
    DagImage,
    DagSource,
    Share,
    VolumePlugins,
)
from components.settings.sections.git_repository import GitRepository
from components.settings.types import RelativePath

IMAGE_FOLDER: Final = "/opt/airflow/dags"
"""The folder of DAG files in the official image."""
IMAGE_SECONDS: Final = 300
"""Files of the image change with the pod only. Each parsing still runs them, so a DAG that is built from a Variable
changes within this time."""


class ImageDags(DagSource):
    """DAG files are part of the Airflow image."""

    kind: Literal["image"]
    path: AbsolutePath = IMAGE_FOLDER
    """Folder of the DAG files in the image."""
    plugins: AbsolutePath | None = None
    """Folder of Airflow plugins in the image; default: Airflow's own, /opt/airflow/plugins."""

    INTERVAL_SECONDS: ClassVar[int] = IMAGE_SECONDS

    @property
    def plugins_folder(self) -> str | None:
        """Folder of the plugins in the image."""
        return self.plugins

    @property
    def folder(self) -> str:
        """Folder of the DAG files in the image."""
        return self.path


class HostPathDags(VolumePlugins, DagSource):
    """DAG files are in a folder of the node. Existing clusters only; the namespace cannot enforce Pod Security then."""

    kind: Literal["host_path"]
    path: AbsolutePath
    """The folder on the node."""
    plugins: RelativePath | None = None
    """Folder of Airflow plugins below `path`, which the api-server and the scheduler load too. List it in the file
    .airflowignore, so that it is not searched for DAGs."""

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


class ClaimDags(Claim, DagSource):
    """DAG files are on a volume of an existing claim, which every component mounts."""

    kind: Literal["claim"]

    @property
    def claim(self) -> Claim:
        """The claim, which is this source."""
        return self


class OciDags(DagImage, DagSource):
    """DAG files are in an image of their own: another one restarts only what reads DAG files."""

    kind: Literal["oci"]

    INTERVAL_SECONDS: ClassVar[int] = IMAGE_SECONDS

    @property
    def image(self) -> DagImage:
        """The image, which is this source."""
        return self

    @property
    def plugins_folder(self) -> str | None:
        """The folder with the plugins in a container."""
        return PLUGINS if self.plugins is not None else None


class BucketDags(Bucket, DagSource):
    """DAG files are in a bucket, which every pod that reads them copies. Google Cloud only."""

    kind: Literal["bucket"]

    INTERVAL_SECONDS: ClassVar[int] = 60

    @property
    def bucket(self) -> Bucket:
        """The bucket, which is this source."""
        return self

    @property
    def stored_by_airflow(self) -> bool:
        """Whether Airflow itself copies the files."""
        return True


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


AnyDagSource = Annotated[
    ImageDags | HostPathDags | ShareDags | ClaimDags | GitDags | OciDags | BucketDags, Field(discriminator="kind")
]
DagSources = Annotated[tuple[AnyDagSource, ...], Field(strict=False)]
"""Not strict: YAML and JSON have lists, which are no tuples."""
