"""The commands `trigger`, `backfill` and `test`: runs of a DAG."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, cast

from operations.dags.pods import Instance
from operations.dags.watch import watch
from operations.errors import OperationError

KILLED: Final = 137
"""Exit code of a process that the kernel has killed, mostly for memory."""
KNOWN_MAX: Final = 10
"""Names of other DAGs in a message."""


def trigger(instance: Instance, dag: str, *, conf: str | None, unpause: bool, watched: bool, minutes: int) -> int:
    """Start a run of a DAG, and with `watched` print its tasks until it has ended.

    Returns the exit code: 1 if the run has failed.

    Raises:
        OperationError: there is no such DAG, it is paused, or the run does not end within `minutes`.
    """
    require_active(instance, dag, unpause=unpause)
    run = f"manual__{datetime.now(tz=UTC).isoformat()}"
    instance.airflow("dags", "trigger", dag, "--run-id", run, *(["--conf", conf] if conf is not None else []))
    print(f"{dag}: run {run} is created", flush=True)
    return watch(instance, dag, run, minutes=minutes) if watched else 0


def backfill(
    instance: Instance,
    dag: str,
    *,
    dates: tuple[datetime, datetime],
    reprocess: str,
    active: int | None,
    unpause: bool,
    dry: bool,
) -> int:
    """Create the runs of a DAG for the schedule's dates between two dates, both included. Returns the exit code.

    Raises:
        OperationError: there is no such DAG, it is paused or has no schedule, or Airflow refuses the dates.
    """
    begin, end = dates
    if (begin.tzinfo is None) != (end.tzinfo is None) or begin > end:
        raise OperationError(
            f"--to: {end.isoformat()} is before --from {begin.isoformat()}, or only one has a time zone."
        )
    require_active(instance, dag, unpause=unpause and not dry, paused_is_fine=dry)
    said = instance.airflow(
        *("backfill", "create", "--dag-id", dag),
        *("--from-date", begin.isoformat(), "--to-date", end.isoformat(), "--reprocess-behavior", reprocess),
        *(["--max-active-runs", str(active)] if active is not None else []),
        *(["--dry-run"] if dry else []),
    )
    if dry:
        print(said.rstrip())
        return 0
    created = instance.ask("backfill", dag)
    left_out = f", {created['left_out']} dates left out (they have a run)" if created["left_out"] else ""
    print(f"{dag}: backfill {created['id']} has {created['runs']} runs{left_out}; see the DAG's page in the UI.")
    return 0


def test(instance: Instance, dag: str, *, date: datetime | None, conf: str | None, pause: bool) -> int:
    """Run all tasks of a DAG in one process of the dag-processor, and print their logs. Returns the exit code.

    The scheduler takes each run of an active DAG for its own (airflow/models/dagrun.py of 3.3.2,
    get_running_dag_runs_to_examine): it would run the same tasks a second time.

    Args:
        pause: pause an active DAG until the test has ended.

    Raises:
        OperationError: the DAG is active and shall stay so, or the process was killed.
    """
    found = instance.ask("dag", dag)
    active = bool(found["exists"]) and not found["paused"]
    if active and not pause:
        raise OperationError(
            f"DAG {dag!r} is active, and the scheduler would run the tasks of the test a second time; pause it in the "
            "UI, or add --pause, which pauses it until the test has ended."
        )
    if not active:
        return _test(instance, dag, date=date, conf=conf)
    instance.airflow("dags", "pause", "--yes", dag)
    try:
        return _test(instance, dag, date=date, conf=conf)
    finally:
        instance.airflow("dags", "unpause", "--yes", dag)


def _test(instance: Instance, dag: str, *, date: datetime | None, conf: str | None) -> int:
    command = ["airflow", "dags", "test", dag, *([date.isoformat()] if date is not None else [])]
    command += ["--conf", conf] if conf is not None else []
    code = instance.follow(*instance.in_dag_processor(*command))
    if code == KILLED:
        raise OperationError(
            "The test was killed, because the dag-processor has no more memory; raise "
            "airflow:components.dag_processor.memory_mib, or trigger the DAG instead."
        )
    return 1 if code else 0


def require_active(instance: Instance, dag: str, *, unpause: bool, paused_is_fine: bool = False) -> None:
    """Check that runs of a DAG start.

    Raises:
        OperationError: there is no such DAG, or it is paused and shall stay so.
    """
    found = instance.ask("dag", dag)
    if not found["exists"]:
        known = cast("list[str]", found["known"])
        more = f" and {len(known) - KNOWN_MAX} more" if len(known) > KNOWN_MAX else ""
        listed = (
            ", ".join(known[:KNOWN_MAX]) + more if known else "none yet; `airflow dags list-import-errors` says why"
        )
        raise OperationError(f"Airflow has no DAG {dag!r}; it has: {listed}.")
    if not found["paused"] or paused_is_fine:
        return
    if not unpause:
        raise OperationError(f"DAG {dag!r} is paused, and its runs would wait; unpause it in the UI, or add --unpause.")
    instance.airflow("dags", "unpause", "--yes", dag)
