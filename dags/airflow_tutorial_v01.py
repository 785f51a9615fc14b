"""Every hour, a greeting in two halves with a pause between them: an example of schedules and retries."""

from datetime import timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, task

with DAG(
    dag_id="airflow_tutorial_v01",
    # Without a start date, the first run is at the next full hour.
    schedule="0 * * * *",
    catchup=False,
    default_args={"retries": 1, "retry_delay": timedelta(minutes=5)},
    tags=["example"],
    doc_md=__doc__,
):

    @task
    def print_hello() -> None:
        """Print the first half."""
        print("hello")

    @task
    def print_world() -> None:
        """Print the second half."""
        print("world")

    print_hello() >> BashOperator(task_id="sleep", bash_command="sleep 5") >> print_world()
