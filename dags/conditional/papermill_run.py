"""A notebook as a task: papermill runs it in a pod with a parameter, and the task's result is its last output.

Requires a project named notebooks with an image like images/papermill. If the project has data, the notebook with all
its outputs is kept there.
"""

from pathlib import Path

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk import Param, dag, task
from kubernetes.client import models as k8s

from airflow_project import project

TASKS = Path(__file__).parent / "tasks"


@dag(
    schedule=None,
    catchup=False,
    params={"count": Param(10, type="integer", minimum=1, maximum=10_000)},
    tags=["example"],
    doc_md=__doc__,
)
def papermill_run():
    """Run a notebook, and print its result."""
    notebook = KubernetesPodOperator(
        task_id="notebook",
        cmds=["python", "-c", (TASKS / "run_notebook.py").read_text()],
        arguments=[(TASKS / "squares.ipynb").read_text(), "{{ params.count }}", "{{ run_id }}"],
        do_xcom_push=True,
        # The image writes to /tmp only, so the rest can be read-only.
        container_security_context=k8s.V1SecurityContext(read_only_root_filesystem=True),
        volumes=[k8s.V1Volume(name="tmp", empty_dir=k8s.V1EmptyDirVolumeSource(size_limit="256Mi"))],
        volume_mounts=[k8s.V1VolumeMount(name="tmp", mount_path="/tmp")],  # noqa: S108 - a volume
        **project("notebooks").pod(),
    )

    @task
    def show(result: str) -> None:
        """Print the notebook's last output."""
        print(f"the notebook says {result}")

    show(notebook.output)


papermill_run()
