"""Projects of a stack in DAGs, and their files in pods.

    from airflow_project import project

    KubernetesPodOperator(task_id="train", cmds=["python", "train.py"], **project("example1").pod())

`project` reads facts that the stack writes; `open_files` needs only fsspec and the variables of a project's pod.
"""

from __future__ import annotations

from airflow_project.errors import ProjectError
from airflow_project.files import open_files
from airflow_project.projects import Project, project

__all__ = ["Project", "ProjectError", "open_files", "project"]
