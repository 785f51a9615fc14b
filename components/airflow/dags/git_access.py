"""The credentials of a git repository, as files in the pods that read it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_kubernetes.core.v1 import SecretVolumeSourceArgs, VolumeArgs, VolumeMountArgs

from components.airflow.context import InstanceContext
from components.airflow.feature import PodOverlay
from components.airflow.secrets.provided import create_secret
from components.contract.workloads import Workload
from components.settings.git_checks import KNOWN_HOSTS, SSH_KEY, TOKEN
from components.settings.loader import git_credentials
from components.settings.sections.git_repository import GitRepository

FOLDER: Final = "/etc/git-credentials"
PASSWORD_FILE: Final = "password"  # noqa: S105 - the name of a file
SSH_KEY_FILE: Final = "ssh-privatekey"
KNOWN_HOSTS_FILE: Final = "known_hosts"
"""Keys of the Secret: those of the types kubernetes.io/basic-auth and kubernetes.io/ssh-auth, with known_hosts added.
https://kubernetes.io/docs/concepts/configuration/secret/#secret-types."""
FILES: Final = {TOKEN: PASSWORD_FILE, SSH_KEY: SSH_KEY_FILE, KNOWN_HOSTS: KNOWN_HOSTS_FILE}


@dataclass(frozen=True, kw_only=True)
class GitAccess:
    """The credentials of one repository."""

    folder: str | None
    """The folder with their files in a container; None for a repository that everyone may read."""
    mounts: Sequence[VolumeMountArgs] = ()
    overlays: Sequence[PodOverlay] = ()
    """The volume, and its mount in the main container, for all readers."""

    def file(self, name: str) -> str:
        """The path of a credential in a container."""
        assert self.folder is not None, "only repositories with credentials have files"
        return f"{self.folder}/{name}"


def create_access(
    context: InstanceContext, name: str, git: GitRepository, readers: Collection[Workload], *, main: bool
) -> GitAccess:
    """The credentials of a repository in the pods of its readers.

    Args:
        context: the instance.
        name: the source's name.
        git: the repository.
        readers: the workloads that read it.
        main: whether the main container reads the repository; otherwise only a container that adds the mounts does.
    """
    given = git_credentials(name)
    if not given and git.credentials_secret is None:
        return GitAccess(folder=None)
    folder, volume = f"{FOLDER}/{name}", f"git-{name}"
    mounts = [VolumeMountArgs(name=volume, mount_path=folder, read_only=True)]
    if git.credentials_secret is not None:
        source = SecretVolumeSourceArgs(secret_name=git.credentials_secret, default_mode=0o440)
        overlays = [
            PodOverlay(
                workloads=readers,
                volumes=[VolumeArgs(name=volume, secret=source)],
                mounts=mounts if main else [],
            )
        ]
    else:
        secret = create_secret(context, f"git-{name}", _content(given), readers)
        overlays = secret.overlays(volume, mounts if main else [])
    return GitAccess(folder=folder, mounts=mounts, overlays=overlays)


def _content(given: Mapping[str, pulumi.Output[str]]) -> dict[str, pulumi.Output[str]]:
    """The files of the Secret. ssh refuses a key without a newline at its end, git a token with one."""
    return {
        FILES[key]: value.apply(lambda text: text.strip())
        if key == TOKEN
        else value.apply(lambda text: f"{text.strip()}\n")
        for key, value in given.items()
    }
