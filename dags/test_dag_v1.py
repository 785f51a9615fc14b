"""Every ten minutes, three tasks that do nothing: no task of a run starts before the same task of the run before."""

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

with DAG(
    dag_id="test_dag_v1",
    # Without a start date, the first run is at the next full ten minutes.
    schedule="*/10 * * * *",
    catchup=False,
    default_args={"depends_on_past": True},
    tags=["example"],
    doc_md=__doc__,
):
    start, work, end = (EmptyOperator(task_id=name) for name in ("start", "work", "end"))
    start >> work >> end
