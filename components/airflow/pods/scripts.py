"""The scripts that run inside pods."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pulumi
from pulumi_kubernetes.core.v1 import ConfigMap
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.kubernetes import naming

SCRIPTS: Final = Path(__file__).parents[1] / "scripts"
SCRIPTS_FOLDER: Final = "/opt/airflow-scripts"
"""Where scripts lie in pods that stay. Not below Airflow's own folder, where images keep files of theirs."""
POD_SCRIPTS: Final = ("start.py", "check_job.py", "check_worker.py")


def script(name: str) -> str:
    """The text of a script that runs inside a pod."""
    return (SCRIPTS / name).read_text()


def scripts_map(instance: str, namespace: pulumi.Output[str], opts: pulumi.ResourceOptions) -> ConfigMap:
    """The ConfigMap with the scripts of pods that stay."""
    return ConfigMap(
        f"{instance}-scripts",
        # No fixed name: other scripts are a new object, which rolls the pods that run them.
        metadata=ObjectMetaArgs(namespace=namespace, labels=naming.labels(instance, "scripts")),
        immutable=True,
        data={name: script(name) for name in POD_SCRIPTS},
        opts=opts,
    )
