"""Bring the accounts and roles that the stack keeps in the metadata database to the stack's settings.

An account or a role that the stack names is created or changed, also one that a person has made: it belongs to the
stack from then on. An account that the stack wrote before and does not name any more is deactivated and has no role; a
role of that kind is deleted. All others stay. A password that its user has changed in the UI stays until the stack has
another one. Safe to run again.

Environment: PEOPLE: a JSON object {"users": [{"username", "role", "email", "first_name", "last_name"}], "roles": {NAME:
["ACTION on RESOURCE"]}}. PASSWORDS: a JSON object of passwords by username.
AIRFLOW__DATABASE__SQL_ALCHEMY_CONN: the metadata database.
"""

import json
import os
import sys
from contextlib import closing

import psycopg2
from werkzeug.security import check_password_hash, generate_password_hash

REMOVED_DOMAIN = "removed.invalid"
"""Domain of the e-mail addresses of removed accounts, which frees their own; migrate.py has it too."""
NO_PASSWORD = "!"  # noqa: S105 - the hash of no password
HOME = ("can_read", "Website")
"""Airflow gives this permission to each role, see add_homepage_access_to_custom_roles in FAB's security manager."""
DAG_PREFIXES = ("DAG:", "DAG Run:")
"""Beginnings of resources of one DAG, whose permissions also come from `access_control` in DAG files."""


class Record:
    """The accounts, with hashes of the passwords last set, and the roles that the stack wrote.

    It is a comment on FAB's table of roles of users, which no migration of Airflow touches.
    """

    def __init__(self, url):
        self.url = url.replace("+psycopg2", "")

    def read(self):
        """The users' hashes by name, and the roles' permissions by name."""
        comment = self._run("SELECT obj_description('ab_user_role'::regclass, 'pg_class')")
        found = json.loads(comment) if comment else {}
        return found.get("users", {}), found.get("roles", {})

    def write(self, users, roles):
        """Replace the record."""
        self._run("COMMENT ON TABLE ab_user_role IS %s", [json.dumps({"users": users, "roles": roles})])

    def _run(self, query, values=()):
        with closing(psycopg2.connect(self.url)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchone()[0] if cursor.description else None


def apply_role(manager, name, permissions, before):
    """Give a role these permissions, and no others of those that DAG files do not give."""
    role = manager.add_role(name)
    wanted = {HOME, *(tuple(text.split(" on ", 1)) for text in permissions)}
    for pair in sorted(wanted):
        manager.add_permission_to_role(role, manager.create_permission(*pair))
    for permission in [*role.permissions]:
        pair = (permission.action.name, permission.resource.name)
        of_one_dag = pair[1].startswith(DAG_PREFIXES) and " on ".join(pair) not in before
        if pair not in wanted and not of_one_dag:
            manager.remove_permission_from_role(role, permission)
    print(f"role {name} has {len(wanted)} permissions", flush=True)


def apply_user(manager, user, password, applied):
    """Create or change an account. Returns the hash of the stack's password."""
    name, role = user["username"], manager.find_role(user["role"])
    if role is None:
        sys.exit(f"role {user['role']} of user {name} does not exist")
    holder = manager.find_user(email=user["email"])
    if holder is not None and holder.username.lower() != name.lower():
        sys.exit(
            f"the e-mail address of user {name} belongs to user {holder.username}, whom somebody has created in the "
            "UI; use another one in airflow:auth.users, or delete that user"
        )
    found = manager.find_user(name)
    fields = {key: user[key] for key in ("first_name", "last_name", "email")}
    if found is None:
        manager.add_user(username=name, role=role, password=password, **fields)
        print(f"user {name} created", flush=True)
        return generate_password_hash(password)
    for key, value in {**fields, "active": True, "roles": [role]}.items():
        setattr(found, key, value)
    if not manager.update_user(found):
        sys.exit(f"user {name} could not be changed")
    if applied is not None and check_password_hash(applied, password):
        print(f"user {name} has role {role.name}", flush=True)
        return applied
    if not manager.reset_password(found.id, password):
        sys.exit(f"the stack's password could not be given to user {name}")
    print(f"user {name} has role {role.name} and the stack's password", flush=True)
    return generate_password_hash(password)


def remove_user(manager, name):
    """End the access of an account. The row stays, because other rows refer to it."""
    found = manager.find_user(name)
    if found is None:
        return
    manager.reset_user_sessions(found)
    found.active, found.roles, found.password = False, [], NO_PASSWORD
    found.email = f"{found.username}@{REMOVED_DOMAIN}"
    if not manager.update_user(found):
        sys.exit(f"user {name} could not be deactivated")
    print(f"user {name} is deactivated", flush=True)


def apply_people(manager, record, people, passwords):
    """Bring accounts and roles to the settings; what is removed comes first, so that its e-mail address is free."""
    hashes, permissions = record.read()
    names, roles = {user["username"] for user in people["users"]}, people["roles"]
    # Before any change: a run that fails halfway still leaves a record of what it has written.
    record.write({**dict.fromkeys(names), **hashes}, {**roles, **permissions})
    for name in sorted(hashes.keys() - names):
        remove_user(manager, name)
    for name, wanted in sorted(roles.items()):
        apply_role(manager, name, wanted, permissions.get(name, ()))
    applied = {
        user["username"]: apply_user(manager, user, passwords[user["username"]], hashes.get(user["username"]))
        for user in people["users"]
    }
    for name in sorted(permissions.keys() - roles.keys()):
        if manager.find_role(name) is not None:
            manager.delete_role(name)
            print(f"role {name} is deleted", flush=True)
    record.write(applied, roles)


if __name__ == "__main__":
    # Removed from the environment: Airflow and the plugins that it loads do not need them.
    values = [json.loads(os.environ.pop(name)) for name in ("PEOPLE", "PASSWORDS")]
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

    with get_application_builder() as builder:
        apply_people(builder.sm, Record(os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]), *values)
