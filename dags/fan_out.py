"""One mapped task for each element of a list that exists only at run time, and one task that adds up the results."""

from datetime import datetime

from airflow.sdk import Param, dag, task


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    params={"count": Param(5, type="integer", minimum=1, maximum=1000)},
    tags=["example"],
    doc_md=__doc__,
)
def fan_out():
    """Square numbers side by side and sum the squares."""

    @task
    def numbers(params: dict) -> list[int]:
        """Return the list to map over."""
        return list(range(1, params["count"] + 1))

    @task
    def square(number: int) -> int:
        """Square one number, in one mapped task."""
        return number * number

    @task
    def total(squares: list[int]) -> int:
        """Add up the results of all mapped tasks."""
        result = sum(squares)
        print(f"sum of squares: {result}")
        return result

    total(square.expand(number=numbers()))


fan_out()
