"""Prepare the database for this Airflow: databases and users, schema, first user; each only if it is missing.

One process does all steps: loading Airflow takes about 4 s of CPU, and all other workloads wait for the migration.

Environment: AIRFLOW_VERSION_WANTED: the version of the image according to the settings. ADMIN_USERNAME, ADMIN_EMAIL,
ADMIN_PASSWORD: an existing user of that name keeps its password, unless ADMIN_PASSWORD has changed since the last run.
AIRFLOW__DATABASE__SQL_ALCHEMY_CONN: the metadata database. For a server on which this program creates the databases:
ADMINISTRATOR_URL, and OWNERS as a JSON list of {database, user, password}; the passwords of existing users are set
again. AIRFLOW__CORE__FERNET_KEY: the key of the database's secrets, or several with commas; one that does not decrypt
what is there ends the program before any change. ENTRIES_KEPT: set if another Job keeps the pools, variables and
connections of the stack; without it, those that the stack wrote are deleted. PEOPLE_KEPT: the same of
accounts, which are deactivated, and roles. Safe to run again.
"""

import hashlib
import json
import os
import re
import sys
import time
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

import psycopg2
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from psycopg2 import sql
from psycopg2.extensions import encrypt_password

WAIT_SECONDS = 300
MARK = "Written by the Pulumi stack"
"""Beginning of the descriptions of rows that apply_entries.py wrote."""
TERMINATION_LOG = Path("/dev/termination-log")
"""Its text is the reason that Kubernetes, and so `pulumi up`, gives for the end of this container."""
ENCRYPTED = (
    ("connection", "conn_id", "password", "is_encrypted"),
    ("connection", "conn_id", "extra", "is_extra_encrypted"),
    ("variable", "key", "val", "is_encrypted"),
)
"""Table, name, encrypted column and its switch, as in airflow/models/connection.py and variable.py, 3.3.2."""
SHOWN = 3
"""Number of entries that an error names."""


def fail(message):
    """Exit with one line, which `pulumi up` shows too."""
    if TERMINATION_LOG.exists():
        TERMINATION_LOG.write_text(message)
    sys.exit(message)


def require_version(expected):
    """Exit before any change if the image has another version of Airflow than the settings."""
    installed = version("apache-airflow-core")
    if re.match(r"[0-9]+\.[0-9]+\.[0-9]+", installed)[0] != expected:
        fail(
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
            final = re.search("authentication failed|does not exist", str(error))
            if final or time.monotonic() > deadline:
                fail(f"The database server cannot be reached: {error}")
            time.sleep(1)
        else:
            connection.autocommit = True
            return connection


def require_fernet_key(connection, key):
    """Exit if the database has a secret that none of the keys decrypts; a database without tables has none."""
    fernet = MultiFernet([Fernet(one) for one in key.split(",")])
    unreadable = []
    with connection.cursor() as cursor:
        for table, name, column, switch in ENCRYPTED:
            cursor.execute("SELECT to_regclass(%s)", [table])
            if cursor.fetchone()[0] is None:
                continue
            query = sql.SQL("SELECT {}, {} FROM {} WHERE {} AND {} <> '' ORDER BY 1").format(
                *map(sql.Identifier, (name, column, table, switch, column))
            )
            cursor.execute(query)
            for found, token in cursor.fetchall():
                try:
                    fernet.decrypt(token.encode())
                except InvalidToken:
                    unreadable.append(f"{table} {found}")
    if unreadable:
        more = "" if len(unreadable) <= SHOWN else f" and {len(unreadable) - SHOWN} more"
        fail(
            f"The database has {', '.join(unreadable[:SHOWN])}{more} encrypted with another Fernet key than this stack "
            "has; nothing was migrated. Set the other key: pulumi config set --secret airflow:fernet_key KEY (or "
            "NEW,OLD while you rotate), or delete these entries."
        )


def require_fernet_key_as_administrator(administrator_url, database, key):
    """The same before the passwords of users change, as far as the administrator may read an existing database."""
    with closing(connected(administrator_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database])
        if cursor.fetchone() is None:
            return
    with closing(connected(administrator_url, dbname=database)) as connection:
        try:
            require_fernet_key(connection, key)
        except psycopg2.errors.InsufficientPrivilege:
            print(f"the administrator may not read database {database}", flush=True)


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
            fail(
                f"User {user} may not create tables in schema public of database {database}, and the administrator may "
                f'not allow it: as the owner of the schema, run GRANT ALL ON SCHEMA public TO "{user}".'
            )


def migrate():
    """Run `airflow db migrate` in this process."""
    from airflow.__main__ import main

    sys.argv = ["airflow", "db", "migrate"]
    main()


def delete_entries(url):
    """Delete the pools, variables and connections that the stack wrote before: it names none any more."""
    with closing(connected(url)) as connection, connection.cursor() as cursor:
        for kind, table, name in (
            ("pool", "slot_pool", "pool"),
            ("variable", "variable", "key"),
            ("connection", "connection", "conn_id"),
        ):
            query = sql.SQL("DELETE FROM {} WHERE starts_with(description, %s) RETURNING {}")
            cursor.execute(query.format(sql.Identifier(table), sql.Identifier(name)), [MARK])
            for (found,) in cursor.fetchall():
                print(f"{kind} {found} is deleted")


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
                fail(f"the stack's new password could not be given to user {username}")
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
            fail(f"user {username} could not be created; its e-mail address may be taken")
    applied.remember()


require_version(os.environ["AIRFLOW_VERSION_WANTED"])
# Removed from the environment: Airflow and the plugins that it loads do not need them.
administrator_url, owners = os.environ.pop("ADMINISTRATOR_URL", None), os.environ.pop("OWNERS", "[]")
admin = [os.environ.pop(name) for name in ("ADMIN_USERNAME", "ADMIN_EMAIL", "ADMIN_PASSWORD")]
fernet_key = os.environ["AIRFLOW__CORE__FERNET_KEY"]
owner_url = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("+psycopg2", "")
if administrator_url is not None:
    described = json.loads(owners)
    # The metadata database is the first one.
    require_fernet_key_as_administrator(administrator_url, described[0]["database"], fernet_key)
    create_databases(administrator_url, described)
with closing(connected(owner_url)) as connection:
    require_fernet_key(connection, fernet_key)
migrate()
if "ENTRIES_KEPT" not in os.environ:
    delete_entries(owner_url)
if "PEOPLE_KEPT" not in os.environ:
    remove_people(owner_url)
create_admin(*admin)
