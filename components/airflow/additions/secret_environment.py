"""Secret variables of the environment: one Secret for each workload, with exactly what it reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from components.airflow.additions.pods import additions_by_workload
from components.airflow.context import InstanceContext
from components.airflow.feature import Feature
from components.airflow.secrets.credential import Credential
from components.airflow.secrets.provided import create_secret
from components.contract.workloads import Workload
from components.settings.loader import secret_variable
from components.settings.sections.options import Reserved

RESERVED: Final[Reserved] = {}


def create_feature(context: InstanceContext) -> Feature:
    """The secret variables of each workload; empty without any."""
    return Feature(
        credentials=[
            credential
            for workload, own in additions_by_workload(context).items()
            for credential in _credentials(context, workload, own.secret_environment)
        ]
    )


def _credentials(context: InstanceContext, workload: Workload, names: Sequence[str]) -> list[Credential]:
    if not names:
        return []
    # A Secret of its own: a changed value restarts the workloads that read it, and no other.
    provided = create_secret(
        context, f"{workload}-environment", {name: secret_variable(name) for name in names}, {workload}
    )
    return [credential for name in names for credential in provided.credentials(name, name)]
