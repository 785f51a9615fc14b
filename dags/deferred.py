"""A task that waits without holding a worker: the triggerer watches the clock for it."""

from datetime import datetime

from airflow.providers.standard.sensors.date_time import DateTimeSensorAsync
from airflow.sdk import dag, task


@dag(schedule=None, start_date=datetime(2026, 1, 1), catchup=False, tags=["example"], doc_md=__doc__)
def deferred():
    """Wait, then run a task."""

    @task
    def after() -> None:
        """Run after the wait."""
        print("the wait is over")

    wait = DateTimeSensorAsync(
        task_id="wait", target_time="{{ (dag_run.start_date + macros.timedelta(seconds=3)).isoformat() }}"
    )
    wait >> after()


deferred()
