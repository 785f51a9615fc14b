"""Connection pools that together stay within the maximum number of connections of the database."""

from __future__ import annotations

import json
from typing import Final

from components.airflow.context import InstanceContext
from components.airflow.feature import Feature, Options, PodOverlay
from components.contract.workloads import METADATA_CLIENTS, RUNS_ONCE
from components.settings import connection_budget
from components.settings.sections.options import Reserved

POOL_RECYCLE_SECONDS: Final = 280
"""Managed PostgreSQL drops connections that are idle for about 300 s, and asyncpg sends no keep-alives."""

RESERVED: Final[Reserved] = {}


def create_feature(context: InstanceContext) -> Feature:
    """The pools of all workloads with connections, see components/settings/connection_budget.py."""
    executor, components = context.settings.executor, context.settings.components
    pool = connection_budget.api_server_pool(executor, components, context.cloud.databases.max_connections)
    overlays = [
        PodOverlay(workloads={"api-server"}, default_options=pool_options(pool)),
        PodOverlay(
            workloads=METADATA_CLIENTS - RUNS_ONCE - {"api-server"},
            default_options=pool_options(connection_budget.pool_of_others()),
        ),
    ]
    if executor.celery is not None:
        # For each process that runs tasks; Airflow replaces Celery's own defaults with empty options. No max_overflow:
        # Celery before 5.6.3 passes options that do not begin with "pool" to a NullPool, which refuses them
        # (https://github.com/celery/celery/issues/7355). Such a process has one thread, and so one connection.
        engine = {"pool_pre_ping": True, "pool_recycle": POOL_RECYCLE_SECONDS, "pool_size": 1}
        overlays.append(
            PodOverlay(
                workloads={"scheduler", "worker"},
                default_options={("celery", "result_backend_sqlalchemy_engine_options"): json.dumps(engine)},
            )
        )
    return Feature(overlays=overlays)


def pool_options(pool: connection_budget.Pool) -> Options:
    """The options of a pool."""
    return {
        ("database", "sql_alchemy_pool_size"): str(pool.kept),
        ("database", "sql_alchemy_max_overflow"): str(pool.more),
        ("database", "sql_alchemy_pool_recycle"): str(POOL_RECYCLE_SECONDS),
    }
