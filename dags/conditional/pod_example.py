"""Two pods of a project, with an image of their own: the first computes on the project's files and passes a value on,
the second reports it with the project's config and secret.

Requires a project named example1 with an image like images/pandas, a variable GREETING, a secret BIG_SECRET, and data.
"""

from pathlib import Path

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk import Param, dag

from airflow_project import project

TASKS = Path(__file__).parent / "tasks"


def script(name: str) -> list[str]:
    """The command that runs a script: its text is an argument, so a pod runs the same version as this DAG."""
    return ["python", "-c", (TASKS / name).read_text()]


@dag(
    schedule=None,
    catchup=False,
    params={"numbers": Param([1, 4, 9], type="array", items={"type": "number", "minimum": 0})},
    tags=["example"],
    doc_md=__doc__,
)
def pod_example():
    """Compute square roots, and report their sum."""
    pod = project("example1").pod()
    roots = KubernetesPodOperator(
        task_id="square_roots",
        cmds=script("square_roots.py"),
        arguments=["{{ params.numbers | tojson }}"],
        do_xcom_push=True,
        **pod,
    )
    report = KubernetesPodOperator(
        task_id="report",
        cmds=script("report.py"),
        env_vars={"SUM": "{{ ti.xcom_pull(task_ids='square_roots')['sum'] }}"},
        **pod,
    )
    roots >> report


pod_example()
