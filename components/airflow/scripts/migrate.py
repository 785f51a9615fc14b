"""Bring the database to what this Airflow wants: databases and users, schema, first user; each only if it is missing.

One process for all: loading Airflow takes about 4 s of a processor, and everything else waits for this.

Environment: ADMIN_USERNAME, ADMIN_EMAIL, ADMIN_PASSWORD; a user of that name stays as it is, with its password.
For a server on which this program makes the databases: ADMINISTRATOR_URL, and OWNERS as a JSON list of {database, user,
password}; users that exist get their password anew. Safe to run again.
"""

import json
import os
import sys
import time
from contextlib import closing

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import encrypt_password

WAIT_SECONDS = 300


def connected(url, **parameters):
    """A connection to the server, waited for."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            connection = psycopg2.connect(url, connect_timeout=5, **parameters)
        except psycopg2.OperationalError as error:
            if time.monotonic() > deadline or "authentication failed" in str(error):
                sys.exit(f"The database server cannot be reached: {error}")
            time.sleep(1)
        else:
            connection.autocommit = True
            return connection


def create_databases(administrator_url, owners):
    """Create what is missing on the server, each database in the hands of its own user."""
    with closing(connected(administrator_url)) as connection, connection.cursor() as cursor:
        for owner in owners:
            user, database = sql.Identifier(owner["user"]), sql.Identifier(owner["database"])
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [owner["user"]])
            verb = sql.SQL("ALTER" if cursor.fetchone() else "CREATE")
            # Hashed here, in the way that the server asks for: statements are logged where an audit is on.
            secret = encrypt_password(owner["password"], owner["user"], scope=connection)
            cursor.execute(sql.SQL("{} ROLE {} LOGIN PASSWORD %s").format(verb, user), [secret])
            # A managed server's administrator is no superuser: it must be a member to give a database away, and to
            # enter it afterwards. USAGE and not MEMBER: since PostgreSQL 16, who makes a role is a member without it.
            cursor.execute("SELECT pg_has_role(CURRENT_USER, %s, 'USAGE')", [owner["user"]])
            if not cursor.fetchone()[0]:
                cursor.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(user))
            cursor.execute(
                "SELECT pg_catalog.pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s", [owner["database"]]
            )
            found = cursor.fetchone()
            if not found or found[0] != owner["user"]:
                give = "ALTER DATABASE {} OWNER TO {}" if found else "CREATE DATABASE {} OWNER {}"
                cursor.execute(sql.SQL(give).format(database, user))
            cursor.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(database))
            allow_tables(administrator_url, owner["database"], owner["user"])
            print(f"database {owner['database']} is owned by {owner['user']}", flush=True)


def allow_tables(administrator_url, database, user):
    """Let a user create tables in schema `public` of its database, where owning the database does not.

    On Azure the schema belongs to azure_pg_admin and not to pg_database_owner,
    https://github.com/frappe/frappe/issues/39145; the administrator is a member of it.
    """
    question = "SELECT has_schema_privilege(%s, oid, 'CREATE') FROM pg_namespace WHERE nspname = 'public'"
    with closing(connected(administrator_url, dbname=database)) as connection, connection.cursor() as cursor:
        cursor.execute(question, [user])
        # Who has taken the schema away knows why.
        if cursor.fetchone() in (None, (True,)):
            return
        cursor.execute(sql.SQL("GRANT ALL ON SCHEMA public TO {}").format(sql.Identifier(user)))
        cursor.execute(question, [user])
        if cursor.fetchone() == (False,):
            sys.exit(
                f"User {user} may not create tables in schema public of database {database}, and the administrator may "
                f'not allow it: as the owner of the schema, run GRANT ALL ON SCHEMA public TO "{user}".'
            )


def migrate():
    """Run `airflow db migrate` in this process."""
    from airflow.__main__ import main

    sys.argv = ["airflow", "db", "migrate"]
    main()


def create_admin(username, email, password):
    """Create the first user unless it exists."""
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

    with get_application_builder() as builder:
        manager = builder.sm
        if manager.find_user(username):
            print(f"user {username} exists")
        elif manager.add_user(
            username=username,
            first_name="Airflow",
            last_name="Administrator",
            email=email,
            role=manager.find_role("Admin"),
            password=password,
        ):
            print(f"user {username} created")
        else:
            sys.exit(f"user {username} could not be created; its e-mail address may be taken")


# Out of the environment: what Airflow loads here, plugins included, has no use for them.
administrator_url, owners = os.environ.pop("ADMINISTRATOR_URL", None), os.environ.pop("OWNERS", "[]")
admin = [os.environ.pop(name) for name in ("ADMIN_USERNAME", "ADMIN_EMAIL", "ADMIN_PASSWORD")]
if administrator_url is not None:
    create_databases(administrator_url, json.loads(owners))
migrate()
create_admin(*admin)
