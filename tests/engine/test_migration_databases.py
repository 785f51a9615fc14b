"""The migration on real PostgreSQL servers, with the ownership of each cloud."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg2
import pytest
from cryptography.fernet import Fernet

from lab.services.database import Server, database_script, roles_script, user_script
from tests.engine.postgres_server import psql, serve

SCRIPT = Path("components/airflow/scripts/migrate.py")
OWNERS = ("airflow", "celery")
KEY = Fernet.generate_key().decode()
"""The Fernet key of the stack."""
MAIN = """
import os
import psycopg2


def main():
    with psycopg2.connect(os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("+psycopg2", "")) as connection:
        connection.cursor().execute("CREATE TABLE IF NOT EXISTS dag (id integer)")
        connection.cursor().execute("CREATE TABLE IF NOT EXISTS ab_user (username text, password text)")
        connection.cursor().execute("CREATE TABLE IF NOT EXISTS slot_pool (pool text, description text)")
        connection.cursor().execute(
            "CREATE TABLE IF NOT EXISTS connection (conn_id text, description text, password text, is_encrypted bool, "
            "extra text, is_extra_encrypted bool)"
        )
        connection.cursor().execute(
            "CREATE TABLE IF NOT EXISTS variable (key text, description text, val text, is_encrypted bool)"
        )
"""
"""Replaces `airflow db migrate`, the first command of Airflow in its database."""
BUILDER = """
import os
from contextlib import contextmanager
from types import SimpleNamespace

import psycopg2


def run(query, *values):
    with psycopg2.connect(os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("+psycopg2", "")) as connection:
        cursor = connection.cursor()
        cursor.execute(query, values)
        return cursor.fetchall() if cursor.description else True


class Manager:
    def find_user(self, name):
        found = run("SELECT username FROM ab_user WHERE username = %s", name)
        return SimpleNamespace(id=name) if found else None

    def find_role(self, name):
        return name

    def add_user(self, username, password, **rest):
        return run("INSERT INTO ab_user VALUES (%s, %s)", username, password)

    def reset_password(self, userid, password):
        return run("UPDATE ab_user SET password = %s WHERE username = %s", password, userid)


@contextmanager
def get_application_builder():
    yield SimpleNamespace(sm=Manager())
"""
"""Replaces FAB's users, in their database."""
AIRFLOW = {
    "airflow/__main__.py": MAIN,
    "airflow/providers/fab/auth_manager/cli_commands/utils.py": BUILDER,
    "apache_airflow_core-3.3.2.dist-info/METADATA": "Name: apache-airflow-core\nVersion: 3.3.2\n",
}


@dataclass(frozen=True, kw_only=True)
class Managed:
    """A PostgreSQL server on a socket."""

    socket: str
    airflow: Path
    """Folder of the modules that replace Airflow."""
    administrator: str

    def url(self, user: str, database: str, password: str) -> str:
        return f"postgresql://{user}:{password}@/{database}?host={self.socket}"

    def superuser(self, script: str) -> str:
        return psql(self.airflow, script)

    def migrate(
        self,
        *owners: str,
        username: str = "admin",
        password: str = "secret",
        version: str = "3.3.2",
        key: str = KEY,
    ) -> subprocess.CompletedProcess[str]:
        described = [{"user": owner, "database": owner, "password": f"of {owner}"} for owner in owners]
        return subprocess.run(
            [sys.executable, str(SCRIPT)],
            capture_output=True,
            text=True,
            check=False,
            env={
                **os.environ,
                "PYTHONPATH": str(self.airflow),
                "AIRFLOW_VERSION_WANTED": version,
                "ADMINISTRATOR_URL": self.url(self.administrator, "postgres", "secret"),
                "OWNERS": json.dumps(described),
                "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": self.url("airflow", "airflow", "of%20airflow").replace(
                    "postgresql:", "postgresql+psycopg2:"
                ),
                "AIRFLOW__CORE__FERNET_KEY": key,
                "ADMIN_USERNAME": username,
                "ADMIN_EMAIL": "admin@example.org",
                "ADMIN_PASSWORD": password,
            },
        )


def server(cloud_role: str, administrator: str = "") -> Server:
    return Server(
        name="test",
        administrator=administrator,
        password="secret" if administrator else "",
        cloud_role=cloud_role,
        hosts=["test.example.org"],
        public_authority=False,
    )


AZURE = server("azure_pg_admin", "boss")
GOOGLE = server("cloudsqlsuperuser")
SCRIPTS = {
    # The databases exist already, as created by the clouds' APIs.
    "azure": [roles_script(AZURE), *(database_script(AZURE, database) for database in OWNERS)],
    "gcp": [
        roles_script(GOOGLE),
        user_script(GOOGLE, "boss", "secret"),
        *(database_script(GOOGLE, database) for database in OWNERS),
    ],
    # As in the cluster: the administrator is a superuser, and there are no databases yet.
    "plain": ["CREATE ROLE boss SUPERUSER LOGIN PASSWORD 'secret'"],
}


@pytest.fixture(scope="module", params=SCRIPTS)
def managed(request: pytest.FixtureRequest) -> Iterator[Managed]:
    # A path that is short enough for a socket and accessible to the server's user.
    with TemporaryDirectory(prefix="airflow-pg-") as folder:
        root = Path(folder)
        for path, text in AIRFLOW.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        with serve(root):
            for script in SCRIPTS[request.param]:
                psql(root, script)
            yield Managed(socket=folder, airflow=root, administrator="boss")


def test_the_owner_of_a_database_can_create_tables_in_it_whoever_owns_its_schema(managed: Managed) -> None:
    """Azure's `public` does not belong to the owner of the database: `airflow db migrate` would be refused."""
    for _ in range(2):
        done = managed.migrate(*OWNERS)
        assert done.returncode == 0, done.stdout + done.stderr
    for owner in OWNERS:
        with psycopg2.connect(managed.url(owner, owner, f"of%20{owner}")) as connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE made (id integer)")
            cursor.execute("DROP TABLE made")


def test_neither_owner_reaches_the_others_database(managed: Managed) -> None:
    assert managed.migrate(*OWNERS).returncode == 0
    for owner, other in (OWNERS, OWNERS[::-1]):
        with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
            psycopg2.connect(managed.url(owner, other, f"of%20{owner}"))


def test_no_password_of_an_owner_is_in_the_servers_log(managed: Managed) -> None:
    """With an audit, statements that change roles are logged completely."""
    assert managed.migrate(*OWNERS).returncode == 0
    logged = (managed.airflow / "log").read_text()
    assert "ROLE" in logged
    assert [owner for owner in OWNERS if f"of {owner}" in logged] == []


def test_a_schema_that_nobody_lets_the_owner_use_is_named_with_the_way_out(managed: Managed) -> None:
    managed.superuser("CREATE ROLE stranger")
    managed.superuser("CREATE DATABASE closed OWNER boss")
    managed.superuser("\\connect closed\nALTER SCHEMA public OWNER TO stranger;")
    done = managed.migrate("airflow", "closed")
    if managed.superuser("SELECT rolsuper FROM pg_roles WHERE rolname = 'boss'") == "t":
        assert done.returncode == 0, done.stderr
    else:
        assert done.returncode != 0
        assert 'run GRANT ALL ON SCHEMA public TO "closed"' in done.stderr


def test_the_first_user_gets_a_password_that_the_stack_replaced_and_keeps_one_of_its_own(managed: Managed) -> None:
    """Otherwise the output `admin_password` would be an invalid password."""

    def migrated(password: str, username: str = "first") -> str:
        done = managed.migrate(*OWNERS, username=username, password=password)
        assert done.returncode == 0, done.stderr
        assert password not in done.stdout + done.stderr
        return held(username)

    def held(username: str = "first") -> str:
        query = f"\\connect airflow\nSELECT password FROM ab_user WHERE username = '{username}';"
        return managed.superuser(query)

    assert migrated("one-password") == "one-password"
    assert migrated("one-password") == "one-password"
    managed.superuser("\\connect airflow\nUPDATE ab_user SET password = 'chosen in the UI' WHERE username = 'first';")
    assert migrated("one-password") == "chosen in the UI"
    assert migrated("two-password") == "two-password"
    assert migrated("two-password") == "two-password"
    # Another user of the same name is not changed.
    managed.superuser("\\connect airflow\nINSERT INTO ab_user VALUES ('second', 'of somebody else');")
    assert migrated("two-password", "second") == "of somebody else"
    assert held() == "two-password"


def test_entries_that_the_stack_wrote_are_deleted_when_it_names_none_and_those_of_people_stay(managed: Managed) -> None:
    assert managed.migrate(*OWNERS).returncode == 0
    managed.superuser(
        "\\connect airflow\nINSERT INTO slot_pool VALUES ('default_pool', 'Default pool'), ('by_hand', NULL), "
        "('sales', 'Written by the Pulumi stack: for the project sales');\n"
        "INSERT INTO connection VALUES ('own', 'mine'), ('stacks', 'Written by the Pulumi stack');\n"
        "INSERT INTO variable VALUES ('own', NULL), ('stacks', 'Written by the Pulumi stack');"
    )
    done = managed.migrate(*OWNERS)
    assert done.returncode == 0, done.stderr
    assert "pool sales is deleted" in done.stdout
    left = managed.superuser("\\connect airflow\nSELECT pool FROM slot_pool ORDER BY pool;")
    assert left.split() == ["by_hand", "default_pool"]
    left = managed.superuser("\\connect airflow\nSELECT conn_id FROM connection UNION ALL SELECT key FROM variable;")
    assert left.split() == ["own", "own"]
    managed.superuser("\\connect airflow\nTRUNCATE connection, variable;")


def test_secrets_of_another_fernet_key_are_refused_before_anything_changes(managed: Managed) -> None:
    """With another key, Airflow would start and every connection with a password would be lost."""
    old = Fernet.generate_key().decode()
    assert managed.migrate(*OWNERS).returncode == 0
    token = Fernet(old).encrypt(b"topsecret-value").decode()
    rows = "\\connect airflow\nTRUNCATE connection, variable;\n"
    rows += (
        "INSERT INTO connection VALUES ('plain', NULL, 'p', false, '{}', false), ('empty', NULL, NULL, true, '', true)"
    )
    managed.superuser(f"{rows}, ('warehouse', NULL, '{token}', true, NULL, false);")
    managed.superuser(f"\\connect airflow\nINSERT INTO variable VALUES ('token', NULL, '{token}', true);")
    managed.superuser("ALTER ROLE celery PASSWORD 'of an older stack'")
    done = managed.migrate(*OWNERS)
    assert done.returncode != 0
    [line] = done.stderr.splitlines()
    assert line.startswith("The database has connection warehouse, variable token encrypted with another Fernet key")
    assert "nothing was migrated" in line
    assert "pulumi config set --secret airflow:fernet_key KEY" in line
    assert done.stdout.count("database") == done.stdout.count("may not read database")
    with psycopg2.connect(managed.url("celery", "celery", "of%20an%20older%20stack")):
        pass
    # The old key second, as during a rotation.
    assert managed.migrate(*OWNERS, key=f"{KEY},{old}").returncode == 0
    managed.superuser("\\connect airflow\nTRUNCATE connection, variable;")


def test_an_image_of_another_airflow_than_the_settings_say_migrates_nothing(managed: Managed) -> None:
    """A reference by digest contains no version; migrations only go forward."""
    managed.superuser("DROP ROLE IF EXISTS early")
    done = managed.migrate("early", version="3.3.1")
    assert done.returncode != 0
    assert "The image holds Airflow 3.3.2, and airflow:image.version says 3.3.1; nothing was migrated." in done.stderr
    assert managed.superuser("SELECT count(*) FROM pg_roles WHERE rolname = 'early'") == "0"


PROBE = Path("components/airflow/scripts/check_job.py")
HERE = socket.gethostbyname(socket.gethostname())
JOBS = """
DROP TABLE IF EXISTS job;
CREATE TABLE job (job_type text, hostname text, state text, latest_heartbeat timestamptz);
INSERT INTO job VALUES ('{job}', '{host}', '{state}', now() - interval '{age} seconds');
GRANT SELECT ON job TO airflow;
"""


@pytest.mark.parametrize(
    ("job", "host", "state", "age", "passes"),
    [
        ("DagProcessorJob", HERE, "running", 10, True),
        ("DagProcessorJob", HERE, "running", 90, False),
        ("DagProcessorJob", HERE, "success", 10, False),
        ("DagProcessorJob", "192.0.2.1", "running", 10, False),
        ("TriggererJob", HERE, "running", 10, False),
    ],
    ids=["lives", "hangs", "ended", "of another pod", "of another kind"],
)
def test_a_probe_passes_while_the_job_of_its_pod_lives(
    managed: Managed, job: str, host: str, state: str, age: int, passes: bool
) -> None:
    assert managed.migrate(*OWNERS).returncode == 0
    managed.superuser("\\connect airflow\n" + JOBS.format(job=job, host=host, state=state, age=age))
    done = probed(managed.url("airflow", "airflow", "of%20airflow"))
    assert (done.returncode == 0) is passes, done


def test_a_database_that_is_away_ends_no_job_that_has_begun(managed: Managed) -> None:
    away = "postgresql://airflow:x@127.0.0.1:1/airflow"
    assert probed(away, "--unless-away").returncode == 0
    assert probed(away).returncode == 1


def probed(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": url.replace("postgresql:", "postgresql+psycopg2:"),
    }
    command = [sys.executable, str(PROBE), "DagProcessorJob", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
