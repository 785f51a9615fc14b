"""DAG files from git that git-sync keeps up to date: a sidecar in pods that run on, an init container in task pods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pulumi_kubernetes.core.v1 import ContainerArgs, ContainerPortArgs, EnvVarArgs, VolumeArgs, VolumeMountArgs

from components.airflow.context import InstanceContext
from components.airflow.dags.delivery import Delivery, folder_bundle
from components.airflow.dags.git_access import (
    KNOWN_HOSTS_FILE,
    PASSWORD_FILE,
    SSH_KEY_FILE,
    GitAccess,
    create_access,
)
from components.airflow.feature import PodOverlay
from components.contract.workloads import DAG_READERS, LONG_RUNNING, PLUGIN_LOADERS
from components.kubernetes import pods
from components.settings.sections.dag_source import LINK, SOURCES, DagSource
from components.settings.sections.git_repository import GitRepository, SidecarSync
from components.settings.types import Resources

ROOT: Final = "/git"
"""The folder of the volume in the containers of git-sync."""
TMP: Final = "/tmp"  # noqa: S108 - a volume of the containers' own
TMP_MIB: Final = 64
FIRST_PORT: Final = 9190
"""The port on which the first source's sidecar answers probes; the next source has the next port."""
GIT_SYNC_UID: Final = 65_533
"""The user of the image, which has an entry in its /etc/passwd; ssh refuses to run without one."""
SYNC_SECONDS: Final = 120
STALE_SECONDS: Final = 600
INIT_FAILURES: Final = 3
"""Repetitions of a failed clone in a task pod. The pod then ends, and the task fails with it."""
INIT_PERIOD_SECONDS: Final = 5


def create_delivery(context: InstanceContext, source: DagSource) -> Delivery | None:
    """The folder of git-sync and its containers, for all that run DAG code; None for another source."""
    git = source.git
    if git is None or git.sync.sidecar is None:
        return None
    sidecar = git.sync.sidecar
    readers = DAG_READERS | PLUGIN_LOADERS if source.plugins_folder is not None else DAG_READERS
    access = create_access(context, source.name, git, readers, main=False)
    volume, tmp = f"dags-{source.name}", f"git-sync-{source.name}-tmp"
    mounts = [
        VolumeMountArgs(name=volume, mount_path=ROOT),
        VolumeMountArgs(name=tmp, mount_path=TMP),
        *access.mounts,
    ]
    common = _environment(git, sidecar, access)
    # The commit is fetched in half of the interval, and seen by the DAG processor in the other half.
    half = max(1, source.refresh_seconds // 2)
    port = FIRST_PORT + [other.name for other in context.settings.dags].index(source.name)
    return Delivery(
        bundle=folder_bundle(source.name, source.folder, half),
        overlays=[
            PodOverlay(
                workloads=readers,
                volumes=[
                    VolumeArgs(name=volume, empty_dir=pods.empty_dir(sidecar.size_mib)),
                    VolumeArgs(name=tmp, empty_dir=pods.empty_dir(TMP_MIB)),
                ],
                mounts=[VolumeMountArgs(name=volume, mount_path=f"{SOURCES}/{source.name}", read_only=True)],
            ),
            PodOverlay(
                workloads=readers & LONG_RUNNING,
                sidecars=[_sidecar(f"git-sync-{source.name}", sidecar, mounts, common, half, port)],
            ),
            PodOverlay(
                workloads=readers - LONG_RUNNING,
                setup=[_clone(f"git-clone-{source.name}", sidecar, mounts, common)],
            ),
            *access.overlays,
        ],
    )


def _sidecar(
    name: str,
    sidecar: SidecarSync,
    mounts: Sequence[VolumeMountArgs],
    common: Mapping[str, str],
    period_seconds: int,
    port: int,
) -> ContainerArgs:
    """The native sidecar of a pod that runs on. The pod's other containers start after the first commit is there."""
    environment = {
        **common,
        "GITSYNC_PERIOD": f"{period_seconds}s",
        # A repository that cannot be reached stops nothing: the files stay those of the last sync.
        "GITSYNC_MAX_FAILURES": "-1",
        "GITSYNC_HTTP_BIND": f":{port}",
    }
    return _container(
        name,
        sidecar,
        mounts,
        environment,
        restart_policy="Always",
        # git-sync answers after the first sync.
        startup_probe=pods.http_probe("/", "git-sync", period=1, timeout=5, failures=600),
        ports=[ContainerPortArgs(name="git-sync", container_port=port)],
    )


def _clone(
    name: str, sidecar: SidecarSync, mounts: Sequence[VolumeMountArgs], common: Mapping[str, str]
) -> ContainerArgs:
    """The init container of a task's pod."""
    environment = {
        **common,
        "GITSYNC_ONE_TIME": "true",
        "GITSYNC_PERIOD": f"{INIT_PERIOD_SECONDS}s",
        "GITSYNC_MAX_FAILURES": str(INIT_FAILURES),
    }
    return _container(name, sidecar, mounts, environment)


def _environment(git: GitRepository, sidecar: SidecarSync, access: GitAccess) -> dict[str, str]:
    """The settings of git-sync, https://github.com/kubernetes/git-sync/tree/v4.5.1#manual."""
    environment = {
        "GITSYNC_REPO": git.repository,
        "GITSYNC_REF": git.reference,
        "GITSYNC_ROOT": ROOT,
        "GITSYNC_LINK": LINK,
        "GITSYNC_DEPTH": str(sidecar.depth),
        "GITSYNC_SUBMODULES": "off",
        "GITSYNC_SYNC_TIMEOUT": f"{SYNC_SECONDS}s",
        # A process that lists the files of the last commit can finish.
        "GITSYNC_STALE_WORKTREE_TIMEOUT": f"{STALE_SECONDS}s",
    }
    if access.folder is None:
        return environment
    if git.ssh:
        return {
            **environment,
            "GITSYNC_SSH_KEY_FILE": access.file(SSH_KEY_FILE),
            "GITSYNC_SSH_KNOWN_HOSTS": "true",
            "GITSYNC_SSH_KNOWN_HOSTS_FILE": access.file(KNOWN_HOSTS_FILE),
        }
    return {
        **environment,
        "GITSYNC_USERNAME": git.username,
        "GITSYNC_PASSWORD_FILE": access.file(PASSWORD_FILE),
    }


def _container(
    name: str, sidecar: SidecarSync, mounts: Sequence[VolumeMountArgs], environment: Mapping[str, str], **rest: Any
) -> ContainerArgs:
    """A container of git-sync; `rest` goes to ContainerArgs."""
    return pods.container(
        name,
        image=sidecar.image,
        image_pull_policy="IfNotPresent",
        uid=GIT_SYNC_UID,
        resources=Resources(cpu_milli=sidecar.cpu_milli, memory_mib=sidecar.memory_mib),
        env=[EnvVarArgs(name=key, value=value) for key, value in environment.items()],
        volume_mounts=list(mounts),
        **rest,
    )
