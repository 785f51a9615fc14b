"""Options of airflow.cfg that are secrets: one Secret for each workload, with exactly the options that it reads."""

from __future__ import annotations

from typing import Final

from components.airflow.config.additional_options import readers
from components.airflow.context import InstanceContext
from components.airflow.feature import Feature, variable
from components.airflow.secrets.credential import Credential
from components.airflow.secrets.provided import create_variables
from components.settings.loader import secret_options
from components.settings.sections.options import Reserved

RESERVED: Final[Reserved] = {}


def create_feature(context: InstanceContext) -> Feature:
    """The secret options, each for the workloads that read it; empty without any."""
    options = secret_options()
    credentials: list[Credential] = []
    for workload in context.namespaces:
        values = {variable(option): value for option, value in options.items() if workload in readers(option)}
        credentials += create_variables(context, "secret-options", values, workload)
    return Feature(credentials=credentials)
