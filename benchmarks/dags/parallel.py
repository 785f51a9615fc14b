"""What the benchmark runs: one trivial task, and a hundred of them side by side."""

from datetime import datetime

from airflow.sdk import dag, task


@dag(schedule=None, start_date=datetime(2026, 1, 1), catchup=False)
def one():
    """The first thing that a new installation does."""

    @task
    def nothing() -> None:
        """Nothing."""

    nothing()


@dag(schedule=None, start_date=datetime(2026, 1, 1), catchup=False, max_active_tasks=100)
def hundred():
    """A burst."""

    @task
    def nothing(number: int) -> None:
        """Nothing."""

    nothing.expand(number=list(range(100)))


one()
hundred()
