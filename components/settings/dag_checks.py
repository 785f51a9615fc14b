"""Checks of the sources of DAG files: against each other, and against the cloud."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from components.settings.errors import SettingError
from components.settings.existing.cloud import ExistingCluster
from components.settings.gcp.cloud import GcpCloud
from components.settings.secret_keys import PROJECT
from components.settings.sections.cloud import Cloud
from components.settings.sections.dag_source import DagSource
from components.settings.sections.dags import AnyDagSource

KEY: Final = f"{PROJECT}:dags"
RESERVED_NAMES: Final = {"examples": "the bundle of airflow:example_dags"}
"""Names of bundles that are not in the list, with what they are."""


def setting_errors(sources: Sequence[AnyDagSource] | None, cloud: Cloud | None) -> Iterator[SettingError]:
    """Errors of the sources that no single one shows.

    Args:
        sources: the section; None for an invalid or absent one.
        cloud: the cloud; None for an invalid one.
    """
    if sources is None:
        return
    if not sources:
        yield SettingError(
            key=KEY, value=[], rule="lists no source of DAG files", remedy="list one, or leave the key out"
        )
    yield from _name_errors(sources)
    yield from _folder_errors(sources)
    yield from _plugin_errors(sources)
    if cloud is not None:
        for index, source in enumerate(sources):
            yield from _cloud_errors(f"{KEY}[{index}]", source, cloud)


def _name_errors(sources: Sequence[DagSource]) -> Iterator[SettingError]:
    """Two bundles of one name, which Airflow cannot tell apart, and names of other bundles."""
    first: dict[str, int] = {}
    for index, source in enumerate(sources):
        key = f"{KEY}[{index}].name"
        if source.name in RESERVED_NAMES:
            rule = f"is {RESERVED_NAMES[source.name]}"
            yield SettingError(key=key, value=source.name, rule=rule, remedy="choose another name")
        elif (other := first.setdefault(source.name, index)) != index:
            rule = f"is the name of dags[{other}] too, and the name is what tells two sources apart"
            yield SettingError(key=key, value=source.name, rule=rule, remedy="choose another name")


def _folder_errors(sources: Sequence[DagSource]) -> Iterator[SettingError]:
    """Two sources of one folder, whose DAGs would belong to both bundles in turn, and a second share."""
    first: dict[str, int] = {}
    shares: list[int] = []
    buckets: list[int] = []
    for index, source in enumerate(sources):
        # Folders that derive from names differ if the names do.
        if (other := first.setdefault(source.folder, index)) != index and source.name != sources[other].name:
            rule = f"is the folder of dags[{other}] too, and a DAG belongs to one source"
            yield SettingError(
                key=f"{KEY}[{index}].path", value=source.folder, rule=rule, remedy="choose another folder"
            )
        if source.share is not None:
            shares.append(index)
        if source.bucket is not None:
            buckets.append(index)
    for kind, what, found in (("share", "file share", shares), ("bucket", "bucket", buckets)):
        for index in found[1:]:
            yield SettingError(
                key=f"{KEY}[{index}].kind",
                value=kind,
                rule=f"is a second {what} beside dags[{found[0]}], and a stack has one for DAG files",
                remedy="keep one, with all DAG files below it",
            )


def _plugin_errors(sources: Sequence[DagSource]) -> Iterator[SettingError]:
    """Several sources with plugins: Airflow has one folder for them."""
    found = [index for index, source in enumerate(sources) if source.plugins_folder is not None]
    for index in found[1:]:
        yield SettingError(
            key=f"{KEY}[{index}].plugins",
            value=sources[index].plugins_folder,
            rule=f"is a second folder with plugins beside that of dags[{found[0]}], and Airflow has one",
            remedy="keep the plugins in one source",
        )


def _cloud_errors(key: str, source: AnyDagSource, cloud: Cloud) -> Iterator[SettingError]:
    """Sources of DAG files that the cloud does not have."""
    existing = isinstance(cloud, ExistingCluster)
    if source.node_folder is not None and not existing:
        rule = "reads a folder of the node, which is supported on existing clusters only"
        remedy = 'choose kind "image" or "share"'
    elif source.share is not None and existing:
        rule = "is a file share of a cloud, which is not available on an existing cluster"
        remedy = 'choose kind "claim", "oci" or "host_path"'
    elif source.bucket is not None and not isinstance(cloud, GcpCloud):
        rule = "is read by a bundle of Airflow's Google provider, and the providers of other clouds have none"
        remedy = 'choose kind "oci", or a file share ("share", on an existing cluster "claim")'
    else:
        return
    yield SettingError(key=f"{key}.kind", value=source.kind, rule=rule, remedy=remedy)
