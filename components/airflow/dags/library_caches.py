"""Cache folders for the libraries that DAGs use."""

from __future__ import annotations

from typing import Final

from components.airflow.context import InstanceContext
from components.airflow.core.environment import TMP
from components.airflow.feature import Feature, PodOverlay
from components.contract.workloads import DAG_READERS
from components.settings.sections.options import Reserved

CACHES: Final = {"XDG_CACHE_HOME": f"{TMP}/cache", "MPLCONFIGDIR": f"{TMP}/matplotlib"}
"""Libraries write there instead of below the home folder, which is read-only. Not XDG_CONFIG_HOME: that would hide
the configuration that an image brings in ~/.config."""

RESERVED: Final[Reserved] = {}


def create_feature(context: InstanceContext) -> Feature:
    """Writable cache folders for all pods that run DAG code."""
    del context
    return Feature(overlays=[PodOverlay(workloads=DAG_READERS, environment=CACHES)])
