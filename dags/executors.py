"""One task for each executor of the deployment: each task selects its executor."""

import os
import socket
from datetime import datetime

from airflow.sdk import dag, task

EXECUTORS = os.environ.get("AIRFLOW__CORE__EXECUTOR", "LocalExecutor").split(",")


@dag(schedule=None, start_date=datetime(2026, 1, 1), catchup=False, tags=["example"], doc_md=__doc__)
def executors():
    """Run the same function on every executor."""
    for executor in EXECUTORS:

        @task(task_id=f"on_{executor}", executor=executor)
        def where() -> str:
            """Return the name of the pod that ran this task."""
            print(f"running in {socket.gethostname()}")
            return socket.gethostname()

        where()


executors()
