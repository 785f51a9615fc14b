"""Bring the rows of the metadata database that the stack keeps to its settings: pools, variables, connections.

A row that the stack wrote carries a mark at the beginning of its description. Rows that the stack names are created or
changed; rows with the mark that it does not name any more are deleted; all other rows stay as they are.

A pool that a person has made under a name of the stack belongs to the stack from then on. A variable or connection of a
person does so only if its content is what the stack says; with another content nothing at all is written, and the
program ends with an error. All changes are one transaction. Safe to run again.

Environment: ENTRIES: a JSON object {"pools": {NAME: {"slots": NUMBER, "description": TEXT}}, "variables": {KEY: TEXT}}.
A pool may have "include_deferred"; without it, an existing pool keeps its own. SECRET_ENTRIES: path of a file with a
JSON object {"variables": {KEY: TEXT}, "connections": {ID: URI or {"conn_type": TEXT, ...}}}; optional.
AIRFLOW__DATABASE__SQL_ALCHEMY_CONN: the metadata database. AIRFLOW__CORE__FERNET_KEY: the key of its secrets.
"""

import json
import os
import sys
from pathlib import Path

MARK = "Written by the Pulumi stack"
"""Beginning of the descriptions of all rows that the stack wrote; migrate.py knows it too."""
TERMINATION_LOG = Path("/dev/termination-log")
"""Its text is the reason that Kubernetes, and so `pulumi up`, gives for the end of this container."""
DEFAULT_POOL = "default_pool"
FIELDS = ("conn_type", "host", "schema", "login", "password", "port")


class EntriesError(Exception):
    """Rows that cannot be written; the messages never contain their content."""


def fail(message):
    """Exit with one line, which `pulumi up` shows too."""
    if TERMINATION_LOG.exists():
        TERMINATION_LOG.write_text(message)
    sys.exit(message)


def described(text):
    """The description of a row of the stack."""
    return f"{MARK}: {text}" if text else MARK


def marked(row):
    """Whether the stack wrote this row."""
    return (row.description or "").startswith(MARK)


def apply_pools(session, wanted):
    """Bring the pools to what is wanted; the changes, one text each."""
    from airflow.models.pool import Pool
    from sqlalchemy import select

    found = {pool.pool: pool for pool in session.scalars(select(Pool))}
    for name, pool in sorted(wanted.items()):
        known = found.get(name)
        # The same as in the UI: deferred tasks take no slot, unless somebody has switched that on for this pool.
        deferred = pool.get("include_deferred", known.include_deferred if known is not None else False)
        # Airflow's own pool keeps its description: without the mark it is never deleted.
        description = known.description if name == DEFAULT_POOL else described(pool["description"])
        if known is None:
            session.add(Pool(pool=name, slots=pool["slots"], description=description, include_deferred=deferred))
        elif (known.slots, known.description, known.include_deferred) != (pool["slots"], description, deferred):
            known.slots, known.description, known.include_deferred = pool["slots"], description, deferred
        else:
            yield f"pool {name} is unchanged"
            continue
        yield f"pool {name} has {pool['slots']} slots"
    for name, pool in sorted(found.items()):
        if name not in wanted and marked(pool):
            session.delete(pool)
            yield f"pool {name} is deleted"


def apply_rows(session, kind, found, wanted):
    """Bring variables or connections to what is wanted; the changes, one text each.

    Args:
        session: the session of the database.
        kind: the word of messages and of Airflow's command line.
        found: the rows of the database, by name.
        wanted: new rows by name, not yet in the session.

    Raises:
        EntriesError: a person has made a row of a wanted name with another content.
    """
    foreign = [
        name
        for name, row in wanted.items()
        if name in found and not marked(found[name]) and content(found[name]) != content(row)
    ]
    if foreign:
        raise EntriesError(
            f"{kind} {', '.join(sorted(foreign))} exists with another content and was not written by this stack; "
            f"delete it in the UI or with `airflow {kind}s delete`, or remove it from airflow:{kind}s"
        )
    for name, row in sorted(wanted.items()):
        known = found.get(name)
        if known is not None and known.description == row.description and content(known) == content(row):
            yield f"{kind} {name} is unchanged"
            continue
        if known is not None:
            # Not changed in place: Airflow's models ignore an empty password.
            session.delete(known)
            session.flush()
        session.add(row)
        yield f"{kind} {name} is written"
    for name, row in sorted(found.items()):
        if name not in wanted and marked(row):
            session.delete(row)
            yield f"{kind} {name} is deleted"


def content(row):
    """What a row says, in a form that can be compared; None if the Fernet key does not decrypt it."""
    from cryptography.fernet import InvalidToken

    try:
        if hasattr(row, "val"):
            return row.val
        # An empty text and none are the same to hooks; what a row lacks is None, or an empty text by the UI.
        return [getattr(row, field) or None for field in FIELDS], json.loads(row.extra or "{}")
    except InvalidToken:
        return None


def variables(values):
    """The rows of variables."""
    from airflow.models.variable import Variable

    return {key: Variable(key=key, val=value, description=MARK) for key, value in values.items()}


def connections(values):
    """The rows of connections.

    Raises:
        EntriesError: Airflow does not take one of them.
    """
    from airflow.models.connection import Connection

    rows, refused = {}, []
    for name, value in values.items():
        try:
            if isinstance(value, str):
                row = Connection(conn_id=name, uri=value)
                row.description = MARK
            else:
                row = Connection(conn_id=name, **{**value, "description": described(value.get("description"))})
        # Any error: the text of an error of Airflow's or of its libraries may contain a password.
        except Exception as error:
            refused.append(f"{name} ({type(error).__name__})")
        else:
            rows[name] = row
    if refused:
        raise EntriesError(f"Airflow does not take connection {', '.join(refused)}; correct it in airflow:connections")
    return rows


def apply(wanted):
    """Write everything that is wanted in one transaction.

    Raises:
        EntriesError: nothing was written.
    """
    from airflow.models.connection import Connection
    from airflow.models.variable import Variable
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        found = {row.key: row for row in session.scalars(select(Variable))}
        changes = [*apply_rows(session, "variable", found, variables(wanted["variables"]))]
        found = {row.conn_id: row for row in session.scalars(select(Connection))}
        changes += apply_rows(session, "connection", found, connections(wanted["connections"]))
        changes += apply_pools(session, wanted["pools"])
    print("\n".join(changes))


def entries():
    """The wanted entries by kind."""
    wanted = {"pools": {}, "variables": {}, "connections": {}}
    sources = [json.loads(os.environ.pop("ENTRIES"))]
    if path := os.environ.get("SECRET_ENTRIES"):
        sources.append(json.loads(Path(path).read_text()))
    for source in sources:
        for kind, found in source.items():
            wanted[kind].update(found)
    return wanted


if __name__ == "__main__":
    try:
        apply(entries())
    except EntriesError as error:
        fail(f"{error}. No entry was changed.")
