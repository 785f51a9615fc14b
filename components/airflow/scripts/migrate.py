"""Bring the database to what this Airflow wants: databases and users, schema, first user; each only if it is missing.

One process for all: loading Airflow takes about 4 s of a processor, and everything else waits for this.

Environment: AIRFLOW_VERSION_WANTED, what the settings say that the image holds. ADMIN_USERNAME, ADMIN_EMAIL,
ADMIN_PASSWORD; a user of that name keeps the password that it has, unless ADMIN_PASSWORD is another one than the time
before. AIRFLOW__DATABASE__SQL_ALCHEMY_CONN: the metadata database. For a server on which this program makes the
databases: ADMINISTRATOR_URL, and OWNERS as a JSON list of {database, user, password}; users that exist get their
password anew. Safe to run again.
"""

import hashlib
import json
import os
import re
import sys
import time
from contextlib import closing
from importlib.metadata import version

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import encrypt_password

WAIT_SECONDS = 300


def require_version(wanted):
    """End here, before anything is changed, when the image holds another Airflow than the settings say."""
    installed = version("apache-airflow-core")
    if re.match(r"[0-9]+\.[0-9]+\.[0-9]+", installed)[0] != wanted:
        sys.exit(
            f"The image holds Airflow {installed}, and airflow:image.version says {wanted}; nothing was migrated. "
            "Set airflow:image.version to what the image holds, or airflow:image.reference to the image that you mean."
        )


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


class AppliedPassword:
    """A fingerprint of the password that this program gave the first user last, as a comment on FAB's table of users.

    It tells a password that the stack replaced, which has to be set, from one that the user changed in the UI, which
    has to stay.
    """

    def __init__(self, username, password):
        # Of 32 random characters: the fingerprint gives nothing away.
        self.wanted = f"{username} {hashlib.sha256(password.encode()).hexdigest()}"
        self.username = username
        self.url = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("+psycopg2", "")

    def differs(self):
        """Whether another password was given to this user the last time."""
        found = self._run("SELECT obj_description('ab_user'::regclass, 'pg_class')") or ""
        return found.startswith(f"{self.username} ") and found != self.wanted

    def remember(self):
        """Note that this password is the last one."""
        self._run("COMMENT ON TABLE ab_user IS %s", [self.wanted])

    def _run(self, query, values=()):
        with closing(connected(self.url)) as connection, connection.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchone()[0] if cursor.description else None


def create_admin(username, email, password):
    """Create the first user unless it exists; one that exists gets a password that the stack has replaced."""
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

    applied = AppliedPassword(username, password)
    with get_application_builder() as builder:
        manager = builder.sm
        user = manager.find_user(username)
        if user and applied.differs():
            if not manager.reset_password(user.id, password):
                sys.exit(f"the stack's new password could not be given to user {username}")
            print(f"user {username} has the stack's new password")
        elif user:
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
    applied.remember()


require_version(os.environ["AIRFLOW_VERSION_WANTED"])
# Out of the environment: what Airflow loads here, plugins included, has no use for them.
administrator_url, owners = os.environ.pop("ADMINISTRATOR_URL", None), os.environ.pop("OWNERS", "[]")
admin = [os.environ.pop(name) for name in ("ADMIN_USERNAME", "ADMIN_EMAIL", "ADMIN_PASSWORD")]
if administrator_url is not None:
    create_databases(administrator_url, json.loads(owners))
migrate()
create_admin(*admin)
