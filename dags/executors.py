"""One task for each executor of the deployment: where a task runs is the task's own choice."""

import os
import socket
from datetime import datetime

from airflow.sdk import dag, task

EXECUTORS = os.environ.get("AIRFLOW__CORE__EXECUTOR", "LocalExecutor").split(",")


@dag(schedule=None, start_date=datetime(2026, 1, 1), catchup=False, tags=["example"], doc_md=__doc__)
def executors():
    """Run the same function everywhere."""
    for executor in EXECUTORS:

        @task(task_id=f"on_{executor}", executor=executor)
        def where() -> str:
            """The pod that this task ran in."""
            print(f"running in {socket.gethostname()}")
            return socket.gethostname()

        where()


executors()
