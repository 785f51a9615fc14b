"""Images for the lab's node, built on this machine: no image registry is needed."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from lab.images.root import Root


def archives() -> list[Path]:
    """OCI archives of all images in `lab.images.names`; missing ones are built, which takes about two minutes.

    Raises:
        LabError: not root, not Debian, or a build failed; the message names the log.
    """
    # Imported late: a caller that needs only the names does not load the recipes.
    from lab.images.collection import built

    return built()


def compiled() -> Path:
    """The OCI archive of `lab.images.names.COMPILED`, built when the cache lacks it.

    Raises:
        LabError: as of `archives`.
    """
    from lab.images import own

    return own.compiled()


def for_tasks() -> list[Path]:
    """The OCI archives of `lab.images.task.IMAGES`, built when the cache lacks them, which takes some minutes.

    Raises:
        LabError: as of `archives`.
    """
    from lab.images import task

    return [task.archive(folder) for folder in task.IMAGES]


def database_proxy() -> Path:
    """The OCI archive of `lab.images.names.SQL_PROXY`, built when the cache lacks it, which takes about two minutes.

    Raises:
        LabError: as of `archives`.
    """
    from lab.images import collection, sql_proxy

    [archive] = collection.built([sql_proxy.IMAGE])
    return archive


def git_sync_stand_in() -> Path:
    """The OCI archive of `lab.images.names.GIT_SYNC`, a stand-in, built when the cache lacks it.

    Raises:
        LabError: as of `archives`.
    """
    from lab.images import collection, git_sync

    [archive] = collection.built([git_sync.IMAGE])
    return archive


def gateway_controllers() -> list[Path]:
    """The OCI archives of `lab.images.gateway`, built if the cache lacks them, which takes half an hour.

    Raises:
        LabError: as of `archives`.
    """
    from lab.images import collection, gateway

    return collection.built(gateway.IMAGES)


@cache
def postgres_root() -> Root:
    """The unpacked PostgreSQL image, for servers that run without a container.

    Raises:
        LabError: as of `archives`.
    """
    from lab.images import collection, postgres

    return collection.root(postgres.IMAGE)


@cache
def airflow_root() -> Root:
    """The unpacked Airflow image, for Airflow's commands without a container.

    Raises:
        LabError: as of `archives`.
    """
    from lab.images import airflow, collection

    return collection.root(airflow.IMAGE)
