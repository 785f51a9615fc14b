"""Additional options of airflow.cfg."""

from __future__ import annotations

from collections.abc import Mapping

Option = tuple[str, str]
"""Section and name of an option of airflow.cfg, in lower case."""
Reserved = Mapping[Option, str | None]
"""Options that a stack may not set under `airflow:options`, because the program does or relies on their defaults. Each
has the key of the stack file that decides it; None if no key does."""
AirflowOptions = dict[str, dict[str, str]]
"""Section to option to value, as in airflow.cfg."""
