"""The files of a project, by one interface on a volume and in object storage."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

from airflow_project.errors import ProjectError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fsspec import AbstractFileSystem  # pyright: ignore[reportMissingTypeStubs]

DATA_VARIABLE: Final = "AIRFLOW_PROJECT_DATA"
"""Variable of a project's pods: the URL of its data, file:///opt/data, gs://BUCKET or abfs://CONTAINER."""


def open_files(url: str | None = None, options: Mapping[str, object] | None = None) -> AbstractFileSystem:
    """The file system of a project's data; its root is the data's own folder: `open_files().open("input/a.csv")`.

    Needs fsspec, and for a bucket its package for that storage: gcsfs for gs://, adlfs for abfs://.

    Args:
        url: the data's URL; default: that of the pod that this program runs in.
        options: arguments of fsspec's file system; default: fsspec's own configuration, which the variables FSSPEC_…
            of a project's pods are.

    Raises:
        ProjectError: no URL, or a volume that is not mounted here.
    """
    # Imported here: a DAG that only starts pods needs no fsspec. It has no type stubs.
    from fsspec.core import url_to_fs  # pyright: ignore
    from fsspec.implementations.dirfs import DirFileSystem  # pyright: ignore

    if url is None:
        url = os.environ.get(DATA_VARIABLE)
    if url is None:
        raise ProjectError(
            f"This process has no variable {DATA_VARIABLE}, so it runs in no pod of a project with data; "
            "set airflow:projects[…].data in the stack, and start the pod with the arguments of project(NAME).pod()."
        )
    parts = urlsplit(url)
    if parts.scheme == "file" and not (folder := Path(url2pathname(parts.path))).is_dir():
        raise ProjectError(
            f"{folder} is not mounted here: the volume of a project is mounted only in pods with the arguments of "
            "project(NAME).pod(); read and write its files there."
        )
    filesystem, path = url_to_fs(url, **dict(options or {}))  # pyright: ignore
    return DirFileSystem(path=path, fs=filesystem)  # pyright: ignore
