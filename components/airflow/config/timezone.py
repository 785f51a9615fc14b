"""The time zone of dates and schedules that do not set one."""

from __future__ import annotations

from typing import Final

from components.airflow.context import InstanceContext
from components.airflow.feature import Feature, PodOverlay
from components.contract.workloads import OPTION_READERS
from components.settings.sections.options import Option, Reserved

DEFAULT_TIMEZONE: Final[Option] = ("core", "default_timezone")

RESERVED: Final[Reserved] = {DEFAULT_TIMEZONE: "airflow:timezone"}


def create_feature(context: InstanceContext) -> Feature:
    """The time zone, for all workloads that parse DAGs, run them or show their schedules."""
    return Feature(
        overlays=[PodOverlay(workloads=OPTION_READERS, options={DEFAULT_TIMEZONE: context.settings.timezone})]
    )
