"""The scripts that run inside pods, and the folder for compiled files in long-running pods."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pulumi_kubernetes.core.v1 import VolumeMountArgs

from components.airflow.context import InstanceContext
from components.airflow.feature import Feature, PodOverlay
from components.airflow.volumes import create_files
from components.contract.workloads import LONG_RUNNING
from components.kubernetes.pods import ScratchFolder
from components.settings.sections.options import Reserved

SCRIPTS: Final = Path(__file__).parents[1] / "scripts"
SCRIPTS_FOLDER: Final = "/opt/airflow-scripts"
"""The folder of the scripts in long-running pods. Not below Airflow's own folder, where images have their own files."""
POD_SCRIPTS: Final = ("start.py", "check_job.py", "check_worker.py")
BYTECODE_FOLDER: Final = "/opt/airflow-bytecode"
"""The folder in which start.py lets Python keep compiled files."""
BYTECODE_MIB: Final = 512
"""The compiled files of Airflow and its libraries take 70 MiB."""
AIRFLOW: Final = ("python", f"{SCRIPTS_FOLDER}/start.py")
"""The command `airflow` in long-running pods."""

RESERVED: Final[Reserved] = {}


def script(name: str) -> str:
    """The text of a script that runs inside a pod."""
    return (SCRIPTS / name).read_text()


def create_feature(context: InstanceContext) -> Feature:
    """The scripts and the folder for compiled files in long-running pods."""
    files = {name: script(name) for name in POD_SCRIPTS}
    bytecode = ScratchFolder(name="bytecode", path=BYTECODE_FOLDER, size_mib=BYTECODE_MIB)
    return Feature(
        overlays=[
            PodOverlay(workloads=LONG_RUNNING, scratch=[bytecode]),
            *create_files(
                context,
                "scripts",
                volume="scripts",
                owner="scripts",
                files=files,
                workloads=LONG_RUNNING,
                mounts=[VolumeMountArgs(name="scripts", mount_path=SCRIPTS_FOLDER, read_only=True)],
            ),
        ]
    )
