"""Budget of database connections: the number that workloads may hold, and pool sizes that fit it.

The pools of all pods together never open more connections than the server accepts, even while all Deployments roll out:

    api-server       (replicas + 1) x 2 pools x n     one pool for its threads, one for its asynchronous requests
    scheduler        (replicas + 1) x (5 + 1)         its pool, and its health port
    dag-processor    5 + 1                            its pool, and the command of its probes
    triggerer        (replicas + 1) x (5 + 1)         the same
    Celery's results  2 x replicas of workers x (concurrency + 1), and replicas of schedulers + 1

The additional one of each is the pod that a roll-out adds. The dag-processor stops before its successor starts, and
workers finish their tasks while as many new ones run. A migration runs while nothing rolls out, and needs fewer
connections than a roll-out adds. The rest is n: one connection for each thread of an api-server if the server accepts
that many, and at least LEAST_API_CONNECTIONS. Pools that a stack sets by options of the section `database` are not
counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from components.settings.sections.components import Components
from components.settings.sections.executor import Executor

API_THREADS: Final = 40
"""Requests that one api-server handles concurrently, https://anyio.readthedocs.io/en/stable/threads.html."""
LEAST_API_CONNECTIONS: Final = 8
IN_CLUSTER_CONNECTIONS: Final = 297
"""Connections that the PostgreSQL server in the cluster accepts, without those reserved for its superuser. Enough for
each thread of an api-server, so that the number of workers does not change the pools there."""
API_POOLS: Final = 2
KEPT: Final = 5
"""Connections that an idle api-server's pool keeps open; Airflow's own default for all pools."""
OTHERS_KEPT: Final = 2
OTHERS_MORE: Final = 3
"""The other workloads have one thread, with one or two sessions open."""
OTHERS_ASIDE: Final = 1
"""Connection of a second process, such as a probe, that queries the database now and then."""


@dataclass(frozen=True, kw_only=True)
class Pool:
    """The bounds of one pool of connections."""

    kept: int
    """Connections that stay open."""
    more: int
    """Additional connections, closed as soon as they are returned."""


def pool_of_others() -> Pool:
    """The pool of every other workload with a connection to the metadata database."""
    return Pool(kept=OTHERS_KEPT, more=OTHERS_MORE)


def held_by_others(executor: Executor, components: Components) -> int:
    """Maximum number of connections of all workloads except the api-servers."""
    pods = components.dag_processor.replicas
    pods += sum(part.replicas + 1 for part in (components.scheduler, components.triggerer))
    held = pods * (OTHERS_KEPT + OTHERS_MORE + OTHERS_ASIDE)
    if (celery := executor.celery) is not None:
        held += 2 * celery.workers.replicas * (celery.workers.concurrency + 1) + components.scheduler.replicas + 1
    return held


def pools_of_api_servers(components: Components) -> int:
    """Maximum number of api-server pools during a roll-out."""
    return (components.api_server.replicas + 1) * API_POOLS


def least_connections(executor: Executor, components: Components) -> int:
    """Minimum number of connections that a server must accept for this stack."""
    return held_by_others(executor, components) + pools_of_api_servers(components) * LEAST_API_CONNECTIONS


def api_server_pool(executor: Executor, components: Components, max_connections: int | None) -> Pool:
    """The pool of an api-server; `max_connections` is the server's maximum, None if unknown.

    Raises:
        ValueError: the server accepts fewer than `least_connections`.
    """
    if max_connections is None:
        return Pool(kept=KEPT, more=API_THREADS - KEPT)
    left = (max_connections - held_by_others(executor, components)) // pools_of_api_servers(components)
    if left < LEAST_API_CONNECTIONS:
        raise ValueError(f"{max_connections} connections are too few, {least_connections(executor, components)} needed")
    # With fewer connections than threads, a burst of starting tasks waits for connections instead of for threads.
    return Pool(kept=KEPT, more=min(API_THREADS, left) - KEPT)
