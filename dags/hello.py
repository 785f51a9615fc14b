"""Two tasks that pass a value on: the smallest pipeline with data in it."""

from datetime import datetime

from airflow.sdk import dag, task


@dag(schedule=None, start_date=datetime(2026, 1, 1), catchup=False, tags=["example"], doc_md=__doc__)
def hello():
    """Greet a name."""

    @task
    def name() -> str:
        """Return the name to greet."""
        return "Airflow"

    @task
    def greet(name: str) -> str:
        """Return the greeting and print it to the task's log."""
        greeting = f"Hello {name}"
        print(greeting)
        return greeting

    greet(name())


hello()
