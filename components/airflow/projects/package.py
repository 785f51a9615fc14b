"""The package airflow_project in all pods that read DAGs or create pods, with the facts of the stack's projects."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pulumi
from pulumi_kubernetes.core.v1 import VolumeMountArgs

from components.airflow.context import InstanceContext
from components.airflow.feature import Feature, PodOverlay
from components.airflow.projects.admission import create_policies
from components.airflow.projects.facts import facts
from components.airflow.projects.project import create_projects
from components.airflow.volumes import create_files
from components.contract.workloads import DAG_READERS, TASK_RUNNERS, Workload
from components.settings.sections.options import Reserved

PACKAGE: Final = Path(__file__).resolve().parents[3] / "airflow_project"
FOLDER: Final = "/opt/airflow/config/airflow_project"
"""Airflow's folder `config` is on Python's path in all its processes (prepare_syspath_for_config_and_plugins in
airflow/settings.py, 3.3.2)."""
FACTS_FILE: Final = "projects.json"
DISTRIBUTION: Final = f"{FOLDER}-1.dist-info"
"""A folder of this form tells Python of the entry points of the package."""
DISTRIBUTION_FILES: Final = {
    "METADATA": "Metadata-Version: 2.1\nName: airflow-project\nVersion: 1\n",
    "entry_points.txt": "[airflow.policy]\nairflow_project = airflow_project.pods\n",
}

RESERVED: Final[Reserved] = {}


def create_feature(context: InstanceContext) -> Feature:
    """The objects of all projects, and the package with their facts; empty without projects."""
    if not context.settings.projects:
        return Feature()
    create_projects(context)
    creators: set[Workload] = {"scheduler", *TASK_RUNNERS}
    files: dict[str, pulumi.Input[str]] = {path.name: path.read_text() for path in sorted(PACKAGE.glob("*.py"))}
    files |= {FACTS_FILE: facts(context), **DISTRIBUTION_FILES}
    return Feature(
        overlays=[
            # The names never change: they only make these workloads wait for the policies.
            PodOverlay(workloads=creators, checksums=create_policies(context)),
            *create_files(
                context,
                "project-package",
                volume="project-package",
                owner="projects",
                files=files,
                workloads=DAG_READERS | creators,
                mounts=[
                    VolumeMountArgs(name="project-package", mount_path=FOLDER, read_only=True),
                    *(
                        VolumeMountArgs(
                            name="project-package",
                            mount_path=f"{DISTRIBUTION}/{name}",
                            sub_path=name,
                            read_only=True,
                        )
                        for name in DISTRIBUTION_FILES
                    ),
                ],
            ),
        ]
    )
