"""Three shell commands in a row and side by side: a date, a sleep, and a template with a parameter."""

from datetime import datetime

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Param

TEMPLATE = """
{% for day in range(3) %}
echo "{{ macros.ds_add(dag_run.run_after | ds, day) }}: {{ params.greeting }}"
{% endfor %}
"""

with DAG(
    dag_id="tutorial",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    params={
        "greeting": Param("hello", type="string"),
        "seconds": Param(1, type="integer", minimum=0, maximum=3600, description="How long to sleep"),
    },
    tags=["example"],
    doc_md=__doc__,
):
    print_date = BashOperator(task_id="print_date", bash_command="date")
    sleep = BashOperator(task_id="sleep", bash_command="sleep {{ params.seconds }}", retries=2)
    templated = BashOperator(task_id="templated", bash_command=TEMPLATE)
    print_date >> [sleep, templated]
