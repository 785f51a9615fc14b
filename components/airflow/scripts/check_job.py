"""Whether the job of this pod showed lately, in Airflow's database, that it lives: exit code 0 or 1.

By the database's driver alone: under 0.1 s of a processor, where `airflow jobs check` takes 3 to 8 s.

Arguments: the type of the job as Airflow calls it, and `--unless-away` for a check that passes when the database does
not answer, which says nothing about the job. Environment: AIRFLOW__DATABASE__SQL_ALCHEMY_CONN, and the options of
Airflow that matter here.
"""

import datetime
import os
import socket
import sys

import psycopg2
from psycopg2 import sql

SECONDS = 60
"""How old the last sign of life may be, unless Airflow itself is told to wait longer."""
THRESHOLDS = {
    "DagProcessorJob": "AIRFLOW__DAG_PROCESSOR__HEALTH_CHECK_THRESHOLD",
    "TriggererJob": "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD",
}

job_type = sys.argv[1]
seconds = max(SECONDS, float(os.environ.get(THRESHOLDS[job_type], 0)))
# As airflow.utils.net.get_host_ip_address finds it, which options.py chooses for these parts.
host = socket.gethostbyname(socket.gethostname())
table = sql.Identifier(*filter(None, [os.environ.get("AIRFLOW__DATABASE__SQL_ALCHEMY_SCHEMA"), "job"]))
since = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=seconds)
try:
    connection = psycopg2.connect(
        os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("+psycopg2", ""), connect_timeout=10
    )
except psycopg2.OperationalError as error:
    print(f"the database does not answer: {error}")
    sys.exit(0 if "--unless-away" in sys.argv else 1)
with connection, connection.cursor() as cursor:
    cursor.execute(
        sql.SQL(
            "SELECT 1 FROM {} WHERE job_type = %s AND hostname = %s AND state = 'running' AND latest_heartbeat > %s"
        ).format(table),
        [job_type, host, since],
    )
    if not cursor.fetchone():
        sys.exit(f"no {job_type} of {host} has shown in the last {seconds:.0f} s that it lives")
