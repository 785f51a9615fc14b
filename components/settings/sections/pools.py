"""Pools of Airflow: limits of how many tasks run at once."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from components.settings.types import Model

DEFAULT_POOL: Final = "default_pool"
"""The pool of tasks that name none. Airflow creates it, and forbids to delete it or to describe it otherwise:
airflow/api_fastapi/core_api/services/public/pools.py, 3.3.2."""


class AirflowPool(Model):
    """One pool."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+\Z", min_length=1, max_length=256, title="name of a pool")]
    """Name of the pool, as DAGs use it. `default_pool` is Airflow's own: the stack sets its slots, and it keeps them
    when the stack does not name it any more."""
    slots: Annotated[int, Field(ge=1, le=100_000)]
    """Number of tasks that run at once, if each takes one slot."""
    description: Annotated[str, Field(max_length=1000)] = ""
    """Text in the UI, after a note that the stack wrote the pool."""
    include_deferred: bool = False
    """Whether tasks that wait in the triggerer take slots."""


AirflowPools = Annotated[tuple[AirflowPool, ...], Field(strict=False, max_length=500)]
