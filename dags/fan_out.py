"""One task for each element of a list that is known only at run time, and one that adds up their results."""

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
        """What to work on."""
        return list(range(1, params["count"] + 1))

    @task
    def square(number: int) -> int:
        """One mapped task."""
        return number * number

    @task
    def total(squares: list[int]) -> int:
        """The sum over all mapped tasks."""
        result = sum(squares)
        print(f"sum of squares: {result}")
        return result

    total(square.expand(number=numbers()))


fan_out()
