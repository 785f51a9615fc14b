"""Checks of the volumes and containers that a stack adds to pods: against each other, and the program's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import PurePosixPath
from typing import Final

from components.settings.errors import SettingError
from components.settings.pod_checks import KEY
from components.settings.sections.pod_containers import Mount
from components.settings.sections.pods import PodAdditions, Target, additions

PROGRAM_FOLDERS: Final = (
    "/opt/airflow-bytecode",
    "/opt/airflow-login",
    "/opt/airflow-options",
    "/opt/airflow-scripts",
    "/opt/airflow/authority",
    "/opt/airflow/dag-bundles",
    "/opt/airflow/dag-plugins",
    "/opt/airflow/dag-sources",
    "/opt/airflow/entries",
    "/opt/airflow/examples",
    "/opt/airflow/logs",
    "/opt/airflow/pod_templates",
    "/etc/airflow-login",
    "/etc/git-credentials",
    "/tmp",  # noqa: S108 - a volume of the pod's own
)
"""Folders that the program mounts in containers with Airflow's image."""
PROGRAM_FILES: Final = (
    "/opt/airflow/config/airflow_pod_defaults-1.dist-info",
    "/opt/airflow/config/airflow_project",
    "/opt/airflow/config/airflow_project-1.dist-info",
    "/opt/airflow/config/git_snapshot.py",
    "/opt/airflow/config/pod_defaults.json",
    "/opt/airflow/config/pod_defaults.py",
)
"""Files that the program mounts in a folder of the image whose other files are the user's."""
SYSTEM_FOLDERS: Final = ("/bin", "/dev", "/etc", "/lib", "/proc", "/run", "/sbin", "/sys", "/usr", "/var")
"""Folders of the image without which its programs do not start: files below them may be mounted, they may not."""
PROGRAM_CONTAINERS: Final = frozenset(
    {
        "api-server",
        "base",
        "dag-processor",
        "database-proxy",
        "entries",
        "flower",
        "migration",
        "people",
        "redis",
        "scheduler",
        "triggerer",
        "wait-for-migration",
        "worker",
    }
)
"""Containers of the program."""
PROGRAM_CONTAINER_PREFIXES: Final = ("dags-", "git-clone-", "git-sync-")
"""Beginnings of the names of such containers."""


def setting_errors(pods: Mapping[Target, PodAdditions]) -> Iterator[SettingError]:
    """Errors of volumes, mounts and containers.

    Names are looked up among those of the workload and of `all` together: a mount of a workload may use a volume of
    `all`.
    """
    for target, own in pods.items():
        key, joined = f"{KEY}.{target}", additions(pods, target)
        yield from _repeated(f"{key}.volumes", [volume.name for volume in own.volumes])
        volumes = [volume.name for volume in joined.volumes]
        yield from _mount_errors(f"{key}.mounts", own.mounts, volumes, airflow=True)
        containers = {"init_containers": own.init_containers, "sidecars": own.sidecars}
        every = [each.name for each in (*joined.init_containers, *joined.sidecars)]
        listed_here = [each.name for each in (*own.init_containers, *own.sidecars)]
        twice = {name for names in (every, listed_here) for name, count in Counter(names).items() if count > 1}
        for field, listed in containers.items():
            for index, container in enumerate(listed):
                where = f"{key}.{field}[{index}]"
                yield from _name_errors(f"{where}.name", container.name, twice)
                yield from _mount_errors(f"{where}.mounts", container.mounts, volumes, airflow=False)


def _repeated(key: str, names: Sequence[str]) -> Iterator[SettingError]:
    for name, count in Counter(names).items():
        if count > 1:
            yield SettingError(key=key, value=name, rule="is the name of two entries", remedy="choose another name")


def _name_errors(key: str, name: str, twice: Set[str]) -> Iterator[SettingError]:
    """Names of other containers of the pod."""
    if name in PROGRAM_CONTAINERS or name.startswith(PROGRAM_CONTAINER_PREFIXES):
        rule = "is the name of a container of this program, or begins like one"
        yield SettingError(key=key, value=name, rule=rule, remedy="choose another name")
    elif name in twice:
        rule = "is the name of two containers of one pod"
        yield SettingError(key=key, value=name, rule=rule, remedy="choose another name")


def _mount_errors(
    key: str, mounts: Sequence[Mount], volumes: Sequence[str], *, airflow: bool
) -> Iterator[SettingError]:
    """Mounts of what is no volume, and those at paths that are taken; `airflow` for containers with its image."""
    paths = Counter(mount.path for mount in mounts)
    for index, mount in enumerate(mounts):
        where = f"{key}[{index}]"
        if mount.volume not in volumes:
            rule = "is not the name of a volume of this workload or of `all`"
            remedy = f"choose one of {', '.join(map(repr, volumes))}" if volumes else "add it to `volumes`"
            yield SettingError(key=f"{where}.volume", value=mount.volume, rule=rule, remedy=remedy)
        if paths[mount.path] > 1:
            rule = "is the path of two mounts of one container"
            yield SettingError(key=f"{where}.path", value=mount.path, rule=rule, remedy="choose another path")
        if (rule := _path_rule(mount.path, airflow=airflow)) is not None:
            yield SettingError(key=f"{where}.path", value=mount.path, rule=rule, remedy="choose another path")


def _path_rule(path: str, *, airflow: bool) -> str | None:
    """The rule that the path of a mount breaks, if any."""
    if path in SYSTEM_FOLDERS:
        return "hides a folder of the image without which its programs do not start"
    if not airflow:
        return None
    mount = PurePosixPath(path)
    for taken in PROGRAM_FOLDERS:
        if mount.is_relative_to(taken) or PurePosixPath(taken).is_relative_to(mount):
            return f"overlaps {taken}, which this program mounts"
    for taken in PROGRAM_FILES:
        if mount.is_relative_to(taken) or PurePosixPath(taken).is_relative_to(mount):
            return f"hides {taken}, which this program mounts"
    return None
