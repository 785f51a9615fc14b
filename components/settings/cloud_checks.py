"""Checks that both clouds make alike: shares that other sections ask for, and data of production without protection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from components.settings.errors import SettingError
from components.settings.secret_keys import PROJECT
from components.settings.sections.dags import Dags
from components.settings.sections.logs import Logs


def shares(parsed: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Of each file share that valid sections ask for, the key of its size and the size in GiB."""
    logs: Logs | None = parsed.get("logs")
    if logs is not None and logs.volume is not None:
        yield f"{PROJECT}:logs.size_gib", logs.volume.size_gib
    dags: Dags | None = parsed.get("dags")
    if dags is not None and dags.share is not None:
        yield f"{PROJECT}:dags.size_gib", dags.share.size_gib


def protection_errors(*, production_data: bool, protect: bool) -> Iterator[SettingError]:
    """Data of production without protection."""
    if production_data and not protect:
        yield SettingError(
            key=f"{PROJECT}:protect",
            value=False,
            rule="leaves the data of production, which airflow:cloud.production_data names, without protection",
            remedy="set it to true, or production_data to false",
        )
