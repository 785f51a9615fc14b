"""Wait until the database has the schema of the Airflow in this image.

Compares the revisions in the database with the newest ones among the image's own migration files, without loading
Airflow: about 0.2 s of a processor, where `airflow db check-migrations` takes 4 s, in each pod at each start. Only a
database that is up to date is believed; everything else is left to that command, which has the last word and waits.

Argument: how long the command may wait, in seconds. Environment: AIRFLOW__DATABASE__SQL_ALCHEMY_CONN.
"""

import importlib.util
import os
import re
import sys
from pathlib import Path

import psycopg2

MIGRATIONS = {
    "alembic_version": "migrations/versions",
    "alembic_version_fab": "providers/fab/migrations/versions",
}
"""The table that holds a revision, and the folder in the package `airflow` that its migrations lie in."""


def newest(folder):
    """The revisions in a folder that no other one builds upon."""
    revisions, built_upon = set(), set()
    for file in folder.glob("*.py"):
        text = file.read_text()
        revisions.update(re.findall(r"""^revision(?:: str)? = ["'](\w+)["']""", text, re.MULTILINE))
        for line in re.findall(r"^down_revision(?:: .+)? = (.*)$", text, re.MULTILINE):
            built_upon.update(re.findall(r"""["'](\w+)["']""", line))
    return revisions - built_upon


def is_up_to_date():
    """Whether the database is known to have the newest revisions."""
    if os.environ.get("AIRFLOW__DATABASE__EXTERNAL_DB_MANAGERS"):
        return False
    package = [Path(folder) for folder in importlib.util.find_spec("airflow").submodule_search_locations]
    url = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("+psycopg2", "")
    with psycopg2.connect(url, connect_timeout=10) as connection, connection.cursor() as cursor:
        for table, versions in MIGRATIONS.items():
            folders = [folder / versions for folder in package if (folder / versions).is_dir()]
            cursor.execute(f"SELECT version_num FROM {table}")
            found = {row[0] for row in cursor.fetchall()}
            if not folders or not found or found != newest(folders[0]):
                return False
    return True


try:
    known = is_up_to_date()
except Exception as error:
    print(f"the quick look failed ({type(error).__name__}); asking Airflow")
    known = False
if known:
    print("the database has the schema of this Airflow")
else:
    os.execvp("airflow", ["airflow", "db", "check-migrations", f"--migration-wait-timeout={sys.argv[1]}"])
