"""The package airflow_project in all pods that read DAGs, with the facts of the stack's projects."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pulumi
from pulumi_kubernetes.core.v1 import VolumeMountArgs

from components.airflow.context import InstanceContext
from components.airflow.feature import Feature
from components.airflow.projects.facts import facts
from components.airflow.projects.project import create_projects
from components.airflow.volumes import create_files
from components.contract.workloads import DAG_READERS
from components.settings.sections.options import Reserved

PACKAGE: Final = Path(__file__).resolve().parents[3] / "airflow_project"
FOLDER: Final = "/opt/airflow/config/airflow_project"
"""Airflow's folder `config` is on Python's path in all its processes (prepare_syspath_for_config_and_plugins in
airflow/settings.py, 3.3.2)."""
FACTS_FILE: Final = "projects.json"

RESERVED: Final[Reserved] = {}


def create_feature(context: InstanceContext) -> Feature:
    """The objects of all projects, and the package with their facts; empty without projects."""
    if not context.settings.projects:
        return Feature()
    create_projects(context)
    files: dict[str, pulumi.Input[str]] = {path.name: path.read_text() for path in sorted(PACKAGE.glob("*.py"))}
    files[FACTS_FILE] = facts(context)
    return Feature(
        overlays=create_files(
            context,
            "project-package",
            volume="project-package",
            owner="projects",
            files=files,
            workloads=DAG_READERS,
            mounts=[VolumeMountArgs(name="project-package", mount_path=FOLDER, read_only=True)],
        )
    )
