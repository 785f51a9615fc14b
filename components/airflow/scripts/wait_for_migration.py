"""Wait until the database has the schema of the Airflow in this image.

Compares the revisions in the database with the newest ones among the image's own migration files, without loading
Airflow: about 0.2 s of CPU, where `airflow db check-migrations` takes 4 s, in each pod at each start. Only the result
"up to date" is used; in all other cases that command decides, and waits.

Argument: maximum time that the command waits, in seconds. Environment: AIRFLOW__DATABASE__SQL_ALCHEMY_CONN.
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
"""The table that stores a revision, and the folder of its migrations in the package `airflow`."""


def newest(folder):
    """The revisions in a folder that no other revision is based on."""
    revisions, built_upon = set(), set()
    for file in folder.glob("*.py"):
        text = file.read_text()
        revisions.update(re.findall(r"""^revision(?:: str)? = ["'](\w+)["']""", text, re.MULTILINE))
        for line in re.findall(r"^down_revision(?:: .+)? = (.*)$", text, re.MULTILINE):
            built_upon.update(re.findall(r"""["'](\w+)["']""", line))
    return revisions - built_upon


def is_up_to_date():
    """Whether the database has the newest revisions; False also if that is uncertain."""
    if os.environ.get("AIRFLOW__DATABASE__EXTERNAL_DB_MANAGERS"):
        return False
    package = [Path(folder) for folder in importlib.util.find_spec("airflow").submodule_search_locations]
    url = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("+psycopg2", "")
    with psycopg2.connect(url, connect_timeout=10) as connection, connection.cursor() as cursor:
        for table, versions in MIGRATIONS.items():
            folders = [folder / versions for folder in package if (folder / versions).is_dir()]
            cursor.execute(f"SELECT version_num FROM {table}")
            revisions = {row[0] for row in cursor.fetchall()}
            if not folders or not revisions or revisions != newest(folders[0]):
                return False
    return True


try:
    up_to_date = is_up_to_date()
except Exception as error:
    print(f"the quick look failed ({type(error).__name__}); asking Airflow")
    up_to_date = False
if up_to_date:
    print("the database has the schema of this Airflow")
else:
    os.execvp("airflow", ["airflow", "db", "check-migrations", f"--migration-wait-timeout={sys.argv[1]}"])
