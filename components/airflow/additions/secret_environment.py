"""Secret variables of the environment: one Secret for each workload, with exactly what it reads."""

from __future__ import annotations

from typing import Final

from components.airflow.additions.pods import additions_by_workload
from components.airflow.context import InstanceContext
from components.airflow.feature import Feature
from components.airflow.secrets.provided import create_variables
from components.settings.loader import secret_variable
from components.settings.sections.options import Reserved

RESERVED: Final[Reserved] = {}


def create_feature(context: InstanceContext) -> Feature:
    """The secret variables of each workload; empty without any."""
    return Feature(
        credentials=[
            credential
            for workload, own in additions_by_workload(context).items()
            for credential in create_variables(
                context, "environment", {name: secret_variable(name) for name in own.secret_environment}, workload
            )
        ]
    )
