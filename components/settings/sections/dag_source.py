"""Common interface of all sources of DAG files, so that no other module distinguishes them."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from components.settings.sections.git_repository import GitRepository
from components.settings.types import ImageReference, KubernetesName, Model, Name, RelativePath, SizeGib

ABSOLUTE_PATH: Final = r"^/[^:\n]+\Z"
AbsolutePath = Annotated[str, Field(pattern=ABSOLUTE_PATH)]
PLUGINS: Final = "/opt/airflow/dag-plugins"
"""The folder in containers with the plugins of a source that is not part of the Airflow image."""
SOURCES: Final = "/opt/airflow/dag-sources"
"""The folder in containers with one folder for each source that is not part of the image."""
STORAGE: Final = "/opt/airflow/dag-bundles"
"""The folder in containers in which Airflow keeps its own copies of bundles."""
LINK: Final = "current"
"""The link in a source's folder that git-sync turns to the newest commit."""


class VolumePlugins(Model):
    """Plugins in a folder of a source's volume."""

    plugins: RelativePath | None = None
    """Folder of Airflow plugins on the volume, which the api-server and the scheduler load too."""

    @property
    def plugins_path(self) -> str | None:
        """The folder with Airflow plugins below the root of the source's volume; None without any."""
        return self.plugins

    @property
    def plugins_folder(self) -> str | None:
        """The folder in a container with Airflow plugins; None without any."""
        return PLUGINS if self.plugins is not None else None


class Share(VolumePlugins):
    """A file share of the cloud with DAG files."""

    size_gib: SizeGib
    """Size of the share, in GiB; the minimum depends on the tier of the cloud's shares."""
    sub_path: RelativePath = ""
    """Folder of the DAG files on the share; default: its root."""


class Claim(VolumePlugins):
    """A claim for a volume with DAG files that exists outside this stack."""

    claim_name: KubernetesName
    """Name of the PersistentVolumeClaim in the namespace of the stack. On several nodes it needs an access mode that
    several nodes can mount."""
    sub_path: RelativePath = ""
    """Folder of the DAG files on the volume; default: its root."""


class Copied(Model):
    """An init container of the image copies the files into a folder of the pod."""

    kind: Literal["copy"]
    size_mib: Annotated[int, Field(ge=1, le=10_240)] = 256
    """Maximum size of the files, in MiB; they use disk space of the node."""

    @property
    def copy_mib(self) -> int | None:
        """Size of the pod's folder in MiB."""
        return self.size_mib


class ImageVolume(Model):
    """The node mounts the image itself, which needs Kubernetes 1.35 or newer, and containerd 2.1 or newer."""

    kind: Literal["image_volume"]

    @property
    def copy_mib(self) -> int | None:
        """None: nothing is copied."""
        return None


class DagImage(Model):
    """An image with DAG files, apart from the Airflow image."""

    reference: ImageReference
    """Repository with tag or digest; never `latest`. For a private registry, its login belongs to the Secret of
    airflow:image_pull_config or airflow:image.pull_secret as well."""
    path: AbsolutePath = "/dags"
    """Folder of the DAG files in the image."""
    plugins: AbsolutePath | None = None
    """Folder of Airflow plugins in the image, which the api-server and the scheduler load too."""
    pull_policy: Literal["IfNotPresent", "Always", "Never"] = "IfNotPresent"
    """When a node pulls the image."""
    mount: Annotated[Copied | ImageVolume, Field(discriminator="kind")] = Copied(kind="copy")
    """How pods get the files of the image."""


class Bucket(Model):
    """A bucket with DAG files, which pods read with their workload identity."""

    bucket_name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]\Z")] | None = None
    """Name of an existing bucket; default: the stack creates one."""
    prefix: Annotated[str, Field(pattern=r"^(?:[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9][A-Za-z0-9._-]*)*/)?\Z")] = ""
    """Folder of the DAG files in the bucket, with a slash at its end; default: all of the bucket."""


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
    def claim(self) -> Claim | None:
        """The existing claim with the DAG files; None for every other source."""
        return None

    @property
    def image(self) -> DagImage | None:
        """The image with the DAG files, apart from the Airflow image; None for every other source."""
        return None

    @property
    def bucket(self) -> Bucket | None:
        """The bucket with the DAG files; None for every other source."""
        return None

    @property
    def plugins_path(self) -> str | None:
        """The folder with Airflow plugins below the root of the source's volume; None without any, or in the image."""
        return None

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
        return any(found is not None for found in (self.node_folder, self.share, self.claim))
