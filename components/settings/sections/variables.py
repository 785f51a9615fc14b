"""Variables of Airflow, which DAGs read by name."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

VariableKey = Annotated[
    str, Field(pattern=r"^\S(?:[^\r\n]*\S)?\Z", max_length=250, title="name of a variable, up to 250 characters")
]
"""The column has 250 characters: ID_LEN in airflow/models/base.py, 3.3.2."""
Variables = dict[VariableKey, str]
