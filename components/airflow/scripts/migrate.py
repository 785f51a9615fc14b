"""Create the databases and users of an installation on a PostgreSQL server, then run `airflow db migrate`.

Users that exist get their password anew. Environment: ADMINISTRATOR_URL, and OWNERS as a JSON list of {database, user,
password}; neither is passed on. Safe to run again.
"""

import json
import os
import sys
import time

import psycopg2
from psycopg2 import sql

WAIT_SECONDS = 300


def connected():
    """A connection to the server, waited for."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            connection = psycopg2.connect(os.environ["ADMINISTRATOR_URL"], connect_timeout=5)
        except psycopg2.OperationalError as error:
            if time.monotonic() > deadline or "authentication failed" in str(error):
                sys.exit(f"The database server cannot be reached: {error}")
            time.sleep(1)
        else:
            connection.autocommit = True
            return connection


def main():
    """Create what is missing."""
    with connected().cursor() as cursor:
        for owner in json.loads(os.environ["OWNERS"]):
            user, database = sql.Identifier(owner["user"]), sql.Identifier(owner["database"])
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [owner["user"]])
            verb = sql.SQL("ALTER" if cursor.fetchone() else "CREATE")
            cursor.execute(sql.SQL("{} ROLE {} LOGIN PASSWORD %s").format(verb, user), [owner["password"]])
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [owner["database"]])
            if not cursor.fetchone():
                # A managed server's administrator is no superuser: it must be a member to give a database away.
                cursor.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(user))
                cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, user))
            cursor.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(database))
            print(f"database {owner['database']} is owned by {owner['user']}")


main()
for variable in ("ADMINISTRATOR_URL", "OWNERS"):
    del os.environ[variable]
sys.stdout.flush()
os.execvp("airflow", ["airflow", "db", "migrate"])
