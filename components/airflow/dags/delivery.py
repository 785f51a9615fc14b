"""The value that a source of DAG files becomes: a bundle of Airflow, and the additions to pods that it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pulumi

from components.airflow.feature import PodOverlay
from components.airflow.secrets.credential import Credential

LOCAL_BUNDLE: Final = "airflow.dag_processing.bundles.local.LocalDagBundle"


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """One entry of the option `[dag_processor] dag_bundle_config_list`."""

    name: str
    classpath: str
    arguments: Mapping[str, Any]
    """Arguments of the class, as JSON."""

    @property
    def entry(self) -> dict[str, object]:
        """The entry as Airflow reads it."""
        return {"name": self.name, "classpath": self.classpath, "kwargs": dict(self.arguments)}


@dataclass(frozen=True, kw_only=True)
class WritableClaim:
    """A claim with DAG files that users upload to."""

    name: pulumi.Input[str]
    folder: str
    """Folder of the DAG files on the volume; "" is its root."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """Everything that one source of DAG files adds to an instance."""

    bundle: Bundle
    overlays: Sequence[PodOverlay] = ()
    credentials: Sequence[Credential] = field(default_factory=list[Credential])
    upload: WritableClaim | None = None
    """The claim for uploads by `python -m operations dags upload`; None for other sources."""


def folder_bundle(name: str, folder: str, refresh_seconds: int) -> Bundle:
    """A bundle of a folder in containers. It has no versions: a run uses whatever the folder contains.

    Args:
        name: the bundle's name.
        folder: the folder in a container.
        refresh_seconds: how often the DAG processor lists the folder.
    """
    return Bundle(name=name, classpath=LOCAL_BUNDLE, arguments={"path": folder, "refresh_interval": refresh_seconds})
