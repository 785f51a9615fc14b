"""DAG files from git that Airflow clones itself: GitDagBundle, with a version for each commit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from pulumi_kubernetes.core.v1 import VolumeMountArgs

from components.airflow.context import InstanceContext
from components.airflow.dags.delivery import Bundle, Delivery
from components.airflow.dags.git_access import (
    KNOWN_HOSTS_FILE,
    PASSWORD_FILE,
    SSH_KEY_FILE,
    GitAccess,
    create_access,
)
from components.airflow.feature import PodOverlay
from components.airflow.pods.scripts import script
from components.airflow.volumes import create_files
from components.contract.workloads import DAG_READERS, OPTION_READERS
from components.settings.loader import git_credentials
from components.settings.sections.dag_source import DagSource
from components.settings.sections.git_repository import GitRepository

MODULE: Final = "git_snapshot"
GIT_BUNDLE: Final = f"{MODULE}.SnapshotGitDagBundle"
"""Airflow's GitDagBundle, but for versions (scripts/git_snapshot.py). Every workload imports it, also those without DAG
files, so their image needs the program git."""
CONFIG_FOLDER: Final = "/opt/airflow/config"
"""Airflow adds it to Python's path (airflow/settings.py, prepare_syspath_for_config_and_plugins)."""
ENVIRONMENT: Final = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_HTTP_LOW_SPEED_LIMIT": "1000",
    "GIT_HTTP_LOW_SPEED_TIME": "30",
}
"""A transfer ends after 30 seconds below 1000 bytes a second: the DAG processor waits for it and does nothing else,
https://git-scm.com/docs/git-config#Documentation/git-config.txt-httplowSpeedLimit."""


def create_delivery(context: InstanceContext, source: DagSource) -> Delivery | None:
    """The bundle of a repository, and its credentials for all that run DAG code; None for another source."""
    git = source.git
    if git is None or git.sync.sidecar is not None:
        return None
    access = create_access(context, source.name, git, DAG_READERS, main=True)
    connection = f"dag_source_{source.name.replace('-', '_')}"
    return Delivery(
        bundle=Bundle(
            name=source.name,
            classpath=GIT_BUNDLE,
            arguments={
                "repo_url": git.repository,
                "tracking_ref": git.reference,
                "git_conn_id": connection,
                "refresh_interval": source.refresh_seconds,
                **({"subdir": git.sub_path.rstrip("/")} if git.sub_path else {}),
            },
        ),
        overlays=[
            PodOverlay(
                # The scheduler and the api-server create the bundle too, without opening it. The connection contains
                # paths and no secret; without it they would look for it in the database each time.
                workloads=OPTION_READERS,
                environment={f"AIRFLOW_CONN_{connection.upper()}": json.dumps(_connection(git, access))},
            ),
            PodOverlay(workloads=DAG_READERS, environment={**ENVIRONMENT, **_token_helper(context, source, access)}),
            *access.overlays,
        ],
    )


def create_bundle_class(context: InstanceContext) -> list[PodOverlay]:
    """The module with the class of the bundles, for all that load the list of bundles."""
    file = f"{MODULE}.py"
    return create_files(
        context,
        "git-bundle",
        volume="git-bundle",
        owner="dags",
        files={file: script(file)},
        workloads=OPTION_READERS,
        # One file, because images may have others in this folder.
        mounts=[
            VolumeMountArgs(name="git-bundle", mount_path=f"{CONFIG_FOLDER}/{file}", sub_path=file, read_only=True)
        ],
    )


def _connection(git: GitRepository, access: GitAccess) -> dict[str, object]:
    """Airflow's connection for the repository."""
    if not git.ssh:
        return {"conn_type": "git"}
    return {
        "conn_type": "git",
        "extra": {
            "key_file": access.file(SSH_KEY_FILE),
            "known_hosts_file": access.file(KNOWN_HOSTS_FILE),
            # Airflow's default, accept-new, believes every server at the first contact, and a new pod's is the first.
            "strict_host_key_checking": "yes",
        },
    }


def _token_helper(context: InstanceContext, source: DagSource, access: GitAccess) -> Mapping[str, str]:
    """The variables with which git reads the tokens of all repositories of the stack from their files.

    Airflow's connection would put a token into the URL, and so into the arguments of processes and into the clone's
    configuration (apache-airflow-providers-git 0.5.0, hooks/git.py).
    """
    if access.folder is None or source.git is None or source.git.ssh:
        return {}
    with_tokens = [other.name for other in context.settings.dags if _has_token(other)]
    index, git = with_tokens.index(source.name), source.git
    file = access.file(PASSWORD_FILE)
    return {
        "GIT_CONFIG_COUNT": str(len(with_tokens)),
        f"GIT_CONFIG_KEY_{index}": f"credential.{git.repository}.helper",
        f"GIT_CONFIG_VALUE_{index}": f"!f() {{ echo username={git.username}; printf password=; cat {file}; echo; }}; f",
    }


def _has_token(source: DagSource) -> bool:
    """Whether Airflow clones the source's repository with a token."""
    git = source.git
    if git is None or git.ssh or git.sync.sidecar is not None:
        return False
    return git.credentials_secret is not None or bool(git_credentials(source.name))
