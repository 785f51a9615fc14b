"""Prepare the database for this Airflow: databases and users, schema, first user; each only if it is missing.

One process does all steps: loading Airflow takes about 4 s of CPU, and all other workloads wait for the migration.

Environment: AIRFLOW_VERSION_WANTED: the version of the image according to the settings. ADMIN_USERNAME, ADMIN_EMAIL,
ADMIN_PASSWORD: an existing user of that name keeps its password, unless ADMIN_PASSWORD has changed since the last run.
AIRFLOW__DATABASE__SQL_ALCHEMY_CONN: the metadata database. For a server on which this program creates the databases:
ADMINISTRATOR_URL, and OWNERS as a JSON list of {database, user, password}; the passwords of existing users are set
again. ENTRIES_KEPT: set if another Job keeps the pools of the stack; without it, those that the stack wrote are
deleted. PEOPLE_KEPT: the same of accounts, which are deactivated, and roles. Safe to run again.
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
MARK = "Written by the Pulumi stack"
"""Beginning of the descriptions of pools that apply_entries.py wrote."""


def require_version(expected):
    """Exit before any change if the image has another version of Airflow than the settings."""
    installed = version("apache-airflow-core")
    if re.match(r"[0-9]+\.[0-9]+\.[0-9]+", installed)[0] != expected:
        sys.exit(
            f"The image holds Airflow {installed}, and airflow:image.version says {expected}; nothing was migrated. "
            "Set airflow:image.version to what the image holds, or airflow:image.reference to the image that you mean."
        )


def connected(url, **parameters):
    """A connection to the server, after waiting until it accepts one."""
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
    """Create the missing users and databases on the server; each database is owned by its own user."""
    with closing(connected(administrator_url)) as connection, connection.cursor() as cursor:
        for owner in owners:
            user, database = sql.Identifier(owner["user"]), sql.Identifier(owner["database"])
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [owner["user"]])
            verb = sql.SQL("ALTER" if cursor.fetchone() else "CREATE")
            # Hashed here, with the server's own method: a server with audit logging logs statements.
            secret = encrypt_password(owner["password"], owner["user"], scope=connection)
            cursor.execute(sql.SQL("{} ROLE {} LOGIN PASSWORD %s").format(verb, user), [secret])
            # A managed server's administrator is not a superuser: it must be a member of the role to change the owner
            # of a database, and to connect to it afterwards. USAGE, not MEMBER: since PostgreSQL 16 the creator of a
            # role is a member without USAGE.
            cursor.execute("SELECT pg_has_role(CURRENT_USER, %s, 'USAGE')", [owner["user"]])
            if not cursor.fetchone()[0]:
                cursor.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(user))
            cursor.execute(
                "SELECT pg_catalog.pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s", [owner["database"]]
            )
            row = cursor.fetchone()
            if not row or row[0] != owner["user"]:
                give = "ALTER DATABASE {} OWNER TO {}" if row else "CREATE DATABASE {} OWNER {}"
                cursor.execute(sql.SQL(give).format(database, user))
            cursor.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(database))
            allow_tables(administrator_url, owner["database"], owner["user"])
            print(f"database {owner['database']} is owned by {owner['user']}", flush=True)


def allow_tables(administrator_url, database, user):
    """Grant a user CREATE on schema `public` of its database, if ownership of the database does not include it.

    On Azure the schema belongs to azure_pg_admin and not to pg_database_owner,
    https://github.com/frappe/frappe/issues/39145; the administrator is a member of it.
    """
    question = "SELECT has_schema_privilege(%s, oid, 'CREATE') FROM pg_namespace WHERE nspname = 'public'"
    with closing(connected(administrator_url, dbname=database)) as connection, connection.cursor() as cursor:
        cursor.execute(question, [user])
        # If the schema is missing, somebody has removed it on purpose.
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


def delete_pools(url):
    """Delete the pools that the stack wrote before: it names none any more."""
    with closing(connected(url)) as connection, connection.cursor() as cursor:
        cursor.execute("DELETE FROM slot_pool WHERE starts_with(description, %s) RETURNING pool", [MARK])
        for (name,) in cursor.fetchall():
            print(f"pool {name} is deleted")


def remove_people(url):
    """End the access of the accounts, and delete the roles, that the stack wrote before: it names none any more."""
    with closing(connected(url)) as connection, connection.cursor() as cursor:
        # Tables of FAB are missing where an image has another auth manager.
        cursor.execute("SELECT obj_description(to_regclass('ab_user_role'), 'pg_class')")
        (comment,) = cursor.fetchone()
        if not comment:
            return
        record = json.loads(comment)
        connection.autocommit = False
        users, roles = list(record["users"]), list(record["roles"])
        cursor.execute(
            "UPDATE ab_user SET active = false, password = '!', email = username || '@removed.invalid' "
            "WHERE username = ANY(%s) RETURNING username",
            [users],
        )
        removed = [f"user {name} is deactivated" for (name,) in cursor.fetchall()]
        for table in ("ab_user_role", "ab_group_role", "ab_permission_view_role"):
            named = sql.SQL("role_id IN (SELECT id FROM ab_role WHERE name = ANY(%s))")
            cursor.execute(sql.SQL("DELETE FROM {} WHERE {}").format(sql.Identifier(table), named), [roles])
        cursor.execute(
            "DELETE FROM ab_user_role WHERE user_id IN (SELECT id FROM ab_user WHERE username = ANY(%s))", [users]
        )
        cursor.execute("DELETE FROM ab_role WHERE name = ANY(%s) RETURNING name", [roles])
        removed += [f"role {name} is deleted" for (name,) in cursor.fetchall()]
        cursor.execute("COMMENT ON TABLE ab_user_role IS NULL")
        connection.commit()
    print("\n".join(removed), flush=True)


class AppliedPassword:
    """A fingerprint of the last password that this program set for the first user, as a comment on FAB's user table.

    It distinguishes a password that the stack replaced, which must be set, from one that the user changed in the UI,
    which must stay.
    """

    def __init__(self, username, password):
        # The password has 32 random characters: the hash does not reveal it.
        self.fingerprint = f"{username} {hashlib.sha256(password.encode()).hexdigest()}"
        self.username = username
        self.url = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("+psycopg2", "")

    def differs(self):
        """Whether another password was set for this user the last time."""
        comment = self._run("SELECT obj_description('ab_user'::regclass, 'pg_class')") or ""
        return comment.startswith(f"{self.username} ") and comment != self.fingerprint

    def remember(self):
        """Store the fingerprint of this password as the last one set."""
        self._run("COMMENT ON TABLE ab_user IS %s", [self.fingerprint])

    def _run(self, query, values=()):
        with closing(connected(self.url)) as connection, connection.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchone()[0] if cursor.description else None


def create_admin(username, email, password):
    """Create the first user unless it exists; an existing user gets the new password if the stack has replaced it."""
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
# Removed from the environment: Airflow and the plugins that it loads do not need them.
administrator_url, owners = os.environ.pop("ADMINISTRATOR_URL", None), os.environ.pop("OWNERS", "[]")
admin = [os.environ.pop(name) for name in ("ADMIN_USERNAME", "ADMIN_EMAIL", "ADMIN_PASSWORD")]
if administrator_url is not None:
    create_databases(administrator_url, json.loads(owners))
migrate()
if "ENTRIES_KEPT" not in os.environ:
    delete_pools(os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("+psycopg2", ""))
if "PEOPLE_KEPT" not in os.environ:
    remove_people(os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("+psycopg2", ""))
create_admin(*admin)
