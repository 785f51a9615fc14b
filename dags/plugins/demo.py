"""A plugin with one thing of each kind that needs no program: a link in the UI's menu, and a macro for templates.

A template calls the macro as {{ macros.demo.quarter(ds) }}.
"""

from datetime import date
from typing import ClassVar

from airflow.plugins_manager import AirflowPlugin


def quarter(day: str) -> str:
    """The quarter of a day that is given like a DAG run's `ds`: 2026-02-14 is in 2026-Q1."""
    found = date.fromisoformat(day)
    return f"{found.year}-Q{(found.month + 2) // 3}"


class DemoPlugin(AirflowPlugin):
    """The link and the macro."""

    name = "demo"
    macros: ClassVar = [quarter]
    external_views: ClassVar = [
        {
            "name": "DAG authoring guide",
            "href": "https://airflow.apache.org/docs/apache-airflow/stable/best-practices.html",
            "destination": "nav",
        }
    ]
