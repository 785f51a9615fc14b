"""Answer questions about runs of a DAG from Airflow's database: each answer is a line of JSON.

It uses only the database driver: 30 MiB, where a command of Airflow takes 200. It is not mounted into pods; the
commands of `operations/dags/` send it to the dag-processor.

Arguments: `dag DAG`, for whether it exists and is paused; `backfill DAG`, for its last backfill; or
`watch DAG RUN PERIOD LIMIT`, for the states of the run and its tasks whenever one changes, until the run has ended or
LIMIT seconds are over; it looks every PERIOD seconds.
Environment: AIRFLOW__DATABASE__SQL_ALCHEMY_CONN, and AIRFLOW__DATABASE__SQL_ALCHEMY_SCHEMA where it is set.
"""

import json
import os
import sys
import time

import psycopg2
from psycopg2.extras import RealDictCursor

ENDED = {"success", "failed"}
SCHEMA = os.environ.get("AIRFLOW__DATABASE__SQL_ALCHEMY_SCHEMA")


def rows(connection, query, *values):
    """The rows of a query, each as a dictionary."""
    with connection, connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(query, values)
        return [dict(row) for row in cursor.fetchall()]


def dag(connection, name):
    """The DAG and the names of others that are known."""
    known = rows(connection, "SELECT dag_id, is_paused FROM dag WHERE NOT is_stale ORDER BY dag_id LIMIT 1000")
    found = [row for row in known if row["dag_id"] == name]
    names = [row["dag_id"] for row in known]
    return {"exists": bool(found), "paused": bool(found) and found[0]["is_paused"], "known": names}


def backfill(connection, name):
    """The last backfill of the DAG: its number, and how many runs it has and left out."""
    query = """
SELECT id, (SELECT count(dag_run_id) FROM backfill_dag_run WHERE backfill_id = backfill.id) AS runs,
(SELECT count(*) FROM backfill_dag_run WHERE backfill_id = backfill.id AND dag_run_id IS NULL) AS left_out
FROM backfill WHERE dag_id = %s ORDER BY id DESC LIMIT 1"""
    found = rows(connection, query, name)
    return found[0] if found else {"id": None, "runs": 0, "left_out": 0}


def run_of(connection, name, run):
    """The state of a run and of its tasks."""
    [found] = rows(connection, "SELECT state FROM dag_run WHERE dag_id = %s AND run_id = %s", name, run) or [
        {"state": None}
    ]
    query = """
SELECT task_id, map_index, try_number, state, hostname FROM task_instance WHERE dag_id = %s AND run_id = %s
ORDER BY start_date NULLS LAST, task_id, map_index"""
    return {"state": found["state"], "tasks": rows(connection, query, name, run)}


def watch(connection, name, run, period, limit):
    """Print the run whenever something of it changes, until it has ended or the time is over."""
    last, end = None, time.monotonic() + limit
    while time.monotonic() < end:
        now = run_of(connection, name, run)
        if now != last:
            print(json.dumps(now), flush=True)
        if now["state"] is None or now["state"] in ENDED:
            return
        last = now
        time.sleep(period)


url = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("+psycopg2", "")
database = psycopg2.connect(url, connect_timeout=10, options=f"-c search_path={SCHEMA}" if SCHEMA else "")
question, *arguments = sys.argv[1:]
if question == "watch":
    watch(database, *arguments[:2], *map(float, arguments[2:]))
else:
    print(json.dumps({"dag": dag, "backfill": backfill}[question](database, *arguments)))
