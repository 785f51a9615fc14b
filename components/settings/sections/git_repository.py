"""A git repository with DAG files."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from components.settings.types import CpuMilli, ImageReference, KubernetesName, MemoryMib, Model, RelativePath

HTTPS: Final = re.compile(r"https://[A-Za-z0-9.-]+(?::\d+)?/[^\s?#@]+")
SSH: Final = re.compile(
    r"ssh://(?:[A-Za-z0-9._-]+@)?[A-Za-z0-9.-]+(?::\d+)?/[^\s?#@]+|[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:(?!//)[^\s?#@]+"
)
CREDENTIALS: Final = re.compile(r"[a-z]+://[^/@]*:[^/@]*@|https?://[^/@]+@")
REF: Final = r"^(?!-|/)(?!.*(?:\.\.|//|@\{|\.lock\Z|[/.]\Z))[^\s~^:?*\[\\\x00-\x1f\x7f]+\Z"
"""A name that git accepts, https://git-scm.com/docs/git-check-ref-format; not an option of a command."""
COMMIT: Final = r"^[0-9a-f]{40}\Z"


def _repository(url: str) -> str:
    """The URL, if it is one of HTTPS or SSH without credentials.

    Raises:
        ValueError: another one; "rule; remedy".
    """
    if CREDENTIALS.match(url):
        raise ValueError(
            "has credentials in it, and the option with the URL is readable in a ConfigMap; remove them, and set "
            "the token: pulumi config set --secret --path 'airflow:git_credentials.NAME.token'"
        )
    if not HTTPS.fullmatch(url) and not SSH.fullmatch(url):
        raise ValueError(
            "is neither an HTTPS nor an SSH URL of a repository; write https://HOST/PATH, ssh://git@HOST/PATH or "
            "git@HOST:PATH"
        )
    return url


class _Sync(Model):
    """Common interface of all ways to get a repository into pods, so that no other module distinguishes them."""

    @property
    def sidecar(self) -> SidecarSync | None:
        """The sidecar git-sync; None without one."""
        return None


class BundleSync(_Sync):
    """Airflow clones the repository itself (GitDagBundle): a run keeps the commit that it began with."""

    kind: Literal["bundle"]


class SidecarSync(_Sync):
    """git-sync keeps a folder up to date: a sidecar in pods that run on, an init container in the pod of a task. It has
    no versions: later tasks of a run use the newest commit."""

    kind: Literal["sidecar"]
    image: ImageReference = "registry.k8s.io/git-sync/git-sync:v4.5.1"
    """Image of git-sync, version 4."""
    depth: Annotated[int, Field(ge=0, le=100_000)] = 1
    """Number of commits that are fetched; 0 is the whole history."""
    size_mib: Annotated[int, Field(ge=1, le=65_536)] = 512
    """Maximum size of the clone and of its files, in MiB; they use disk space of the node."""
    plugins: RelativePath | None = None
    """Folder of Airflow plugins in the repository, which the api-server and the scheduler load too: with it, they
    have the sidecar and the credentials of the repository."""
    cpu_milli: CpuMilli = 10
    """Requested processor time of the container, in thousandths of a core."""
    memory_mib: MemoryMib = 128
    """Requested memory of the container and its limit, in MiB."""

    @property
    def sidecar(self) -> SidecarSync:
        """The sidecar git-sync."""
        return self


class GitRepository(Model):
    """A git repository with DAG files."""

    repository: Annotated[str, AfterValidator(_repository), Field(title="HTTPS or SSH URL without credentials")]
    """URL of the repository: https://HOST/PATH, ssh://git@HOST/PATH or git@HOST:PATH."""
    branch: Annotated[str, Field(pattern=REF, max_length=200)] | None = None
    """The branch whose newest commit is used. Exactly one of branch, tag and commit is required."""
    tag: Annotated[str, Field(pattern=REF, max_length=200)] | None = None
    """The tag that is used."""
    commit: Annotated[str, Field(pattern=COMMIT)] | None = None
    """The commit that is used: all 40 digits."""
    sub_path: RelativePath = ""
    """Folder of the DAG files in the repository; default: its root."""
    username: Annotated[str, Field(pattern=r"^[^\s:\"$\\`']+\Z", max_length=100)] = "git"
    """User of an HTTPS token. GitHub accepts any, GitLab expects oauth2, Bitbucket x-token-auth."""
    credentials_secret: KubernetesName | None = None
    """Name of an existing Secret in the namespace, and in the one for tasks, where pods of tasks live: `password` with
    a token, or `ssh-privatekey` and `known_hosts`. Default: created from the secret `airflow:git_credentials`."""
    sync: Annotated[BundleSync | SidecarSync, Field(discriminator="kind")] = BundleSync(kind="bundle")
    """How the repository gets into pods."""

    @model_validator(mode="after")
    def _one_reference(self) -> GitRepository:
        given = [name for name in ("branch", "tag", "commit") if getattr(self, name) is not None]
        if len(given) != 1:
            what = " and ".join(given) if given else "neither branch, tag nor commit"
            raise ValueError(f"has {what}, and exactly one of them says what to use; set one of branch, tag and commit")
        return self

    @property
    def reference(self) -> str:
        """The branch, tag or commit."""
        return next(name for name in (self.branch, self.tag, self.commit) if name is not None)

    @property
    def ssh(self) -> bool:
        """Whether the repository is reached by SSH, and not by HTTPS."""
        return SSH.fullmatch(self.repository) is not None
