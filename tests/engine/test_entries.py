"""Connections, variables and pools, written by the real Airflow to a real PostgreSQL server."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest
from cryptography.fernet import Fernet

from components.airflow.secrets.backend import SECRET_MANAGER
from lab.images import airflow_root
from tests.engine.postgres_server import RUN, psql, serve

pytestmark = pytest.mark.services

SCRIPT: Final = Path("components/airflow/scripts/apply_entries.py")
PYTHON: Final = "/home/airflow/.local/bin/python"
MARK: Final = "Written by the Pulumi stack"
PASSWORD: Final = "p@ss:w/rd?#%&=+ x"
URI: Final = "postgresql://me:p%40ss@db.example.org:5433/sales?sslmode=require"
FIELDS: Final[Mapping[str, Any]] = {
    "conn_type": "http",
    "host": "https://api.example.org",
    "schema": "https",
    "login": "me",
    "password": PASSWORD,
    "port": 8443,
    "extra": {"verify": False},
    "description": "the shop",
}


ASK: Final = """
import google.auth
from google.auth.credentials import AnonymousCredentials

google.auth.default = lambda *args, **kwargs: (AnonymousCredentials(), "of-the-credentials")

from airflow.providers.google.cloud._internal_client import secret_manager_client

SECRETS = {"airflow-connections-warehouse": "postgres://me:x@db.example.org/", "team-variables-region": "europe"}


def get_secret(self, secret_id, project_id, secret_version="latest"):
    print("ASKED", project_id, secret_id)
    return SECRETS.get(secret_id)


secret_manager_client._SecretManagerClient.get_secret = get_secret

from airflow.models.connection import Connection
from airflow.models.variable import Variable

print("FOUND", Connection.get_connection_from_secrets("warehouse").host)
print("FOUND", Variable.get("region"))
"""
"""Questions to the secrets backend."""


@dataclass(frozen=True, kw_only=True)
class Installation:
    """An Airflow with its database."""

    folder: Path
    key: str

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "AIRFLOW_HOME": f"{RUN}/home",
            "PYTHONPYCACHEPREFIX": f"{RUN}/compiled",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
            "AIRFLOW__CORE__FERNET_KEY": self.key,
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://airflow:x@/airflow?host={RUN}",
            **variables,
        }
        line = airflow_root().command([PYTHON, *command], mounts={self.folder: RUN})
        return subprocess.run(line, env=environment, capture_output=True, text=True, check=False)

    def apply(
        self,
        pools: Mapping[str, Any] | None = None,
        variables: Mapping[str, str] | None = None,
        connections: Mapping[str, Any] | None = None,
        secret_variables: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        (self.folder / "entries.json").write_text(
            json.dumps({"connections": connections or {}, "variables": secret_variables or {}})
        )
        plain = json.dumps({"pools": pools or {}, "variables": variables or {}})
        done = self.run("-c", SCRIPT.read_text(), ENTRIES=plain, SECRET_ENTRIES=f"{RUN}/entries.json")
        for text in (PASSWORD, "p%40ss", "topsecret-value"):
            assert text not in done.stdout + done.stderr
        return done

    def found(self) -> dict[str, dict[str, Any]]:
        """All connections by their fields, and all variables."""
        fields = "conn_id, conn_type, host, schema, login, port, password, extra"
        return {
            "connections": {
                row.pop("conn_id"): self._decrypted({**row, "extra": row["extra"] or None}, "password", "extra")
                for row in self._rows(f"SELECT {fields} FROM connection")
            },
            "variables": {
                row["key"]: self._decrypted(row, "val")["val"] for row in self._rows("SELECT key, val FROM variable")
            },
        }

    def encrypted(self, text: str) -> str:
        return Fernet(self.key).encrypt(text.encode()).decode()

    def _rows(self, query: str) -> list[dict[str, Any]]:
        [text] = self.query(f"SELECT coalesce(jsonb_agg(row), '[]'::jsonb) FROM ({query}) AS row")
        return json.loads(text)

    def _decrypted(self, row: dict[str, Any], *columns: str) -> dict[str, Any]:
        """The row without empty columns; every secret of it must be encrypted."""
        plain = {name: Fernet(self.key).decrypt(row[name]).decode() for name in columns if row[name] is not None}
        return {name: value for name, value in {**row, **plain}.items() if value is not None}

    def query(self, query: str) -> list[str]:
        return psql(self.folder, f"\\connect airflow\n{query};").splitlines()


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    with TemporaryDirectory(prefix="airflow-pg-") as folder, serve(Path(folder)):
        found = Installation(folder=Path(folder), key=Fernet.generate_key().decode())
        psql(found.folder, "CREATE ROLE airflow LOGIN PASSWORD 'x'")
        psql(found.folder, "CREATE DATABASE airflow OWNER airflow")
        (found.folder / "home").mkdir()
        done = found.run("-m", "airflow", "db", "migrate")
        assert done.returncode == 0, done.stdout + done.stderr
        yield found


@pytest.fixture
def airflow(installation: Installation) -> Installation:
    """The installation with what people have made in it."""
    pools = "DELETE FROM slot_pool WHERE pool <> 'default_pool'; UPDATE slot_pool SET slots = 128"
    people = "INSERT INTO slot_pool (pool, slots, include_deferred) VALUES ('people', 3, true)"
    installation.query(f"DELETE FROM connection; DELETE FROM variable; {pools}; {people}")
    columns = "conn_id, conn_type, host, schema, login, password, is_encrypted, is_extra_encrypted"
    for name, schema in (("people", "NULL"), ("same", "'d'")):
        token = installation.encrypted("of a person")
        installation.query(
            f"INSERT INTO connection ({columns}) VALUES ('{name}', 'http', 'c', {schema}, 'a', '{token}', true, false)"
        )
    token = installation.encrypted("of a person")
    installation.query(f"INSERT INTO variable (key, val, is_encrypted) VALUES ('people', '{token}', true)")
    return installation


def test_entries_come_change_and_go_and_those_of_people_stay(airflow: Installation) -> None:
    before = airflow.found()
    done = airflow.apply(
        pools={"sales": {"slots": 4, "description": "project sales"}},
        variables={"region": "europe"},
        connections={"warehouse": URI, "shop": FIELDS},
        secret_variables={"token": "topsecret-value"},
    )
    assert done.returncode == 0, done.stderr
    found = airflow.found()
    assert found["variables"] == {**before["variables"], "region": "europe", "token": "topsecret-value"}
    warehouse, shop = (found["connections"].pop(name) for name in ("warehouse", "shop"))
    assert found["connections"] == before["connections"]
    assert json.loads(shop.pop("extra")) == FIELDS["extra"]
    assert shop == {key: value for key, value in FIELDS.items() if key not in ("extra", "description")}
    assert json.loads(warehouse.pop("extra")) == {"sslmode": "require"}
    assert warehouse == {
        "conn_type": "postgres",
        "host": "db.example.org",
        "schema": "sales",
        "login": "me",
        "port": 5433,
        "password": "p@ss",
    }
    assert airflow.query("SELECT description FROM connection WHERE conn_id = 'shop'") == [f"{MARK}: the shop"]
    assert airflow.query("SELECT is_encrypted FROM variable WHERE key = 'token'") == ["t"]
    assert airflow.query("SELECT slots, description FROM slot_pool WHERE pool = 'sales'") == [
        f"4|{MARK}: project sales"
    ]
    # A connection without a password loses the one that it had.
    done = airflow.apply(connections={"shop": {"conn_type": "http", "host": "h"}}, variables={"region": "asia"})
    assert done.returncode == 0, done.stderr
    found = airflow.found()
    assert found["variables"] == {**before["variables"], "region": "asia"}
    assert found["connections"] == {**before["connections"], "shop": {"conn_type": "http", "host": "h"}}
    assert airflow.apply().returncode == 0
    assert airflow.found() == before
    assert airflow.query("SELECT pool, slots, include_deferred FROM slot_pool ORDER BY pool") == [
        "default_pool|128|f",
        "people|3|t",
    ]


def test_a_second_run_changes_nothing(airflow: Installation) -> None:
    wanted: dict[str, Any] = {
        "pools": {"sales": {"slots": 4, "description": "", "include_deferred": True}},
        "variables": {"region": "europe"},
        "connections": {"warehouse": URI, "shop": FIELDS},
    }
    airflow.apply(**wanted)
    rows = airflow.query("SELECT id, description FROM connection ORDER BY id")
    done = airflow.apply(**wanted)
    names = ("connection shop", "connection warehouse", "pool sales", "variable region")
    changes = [line for line in done.stdout.splitlines() if line.startswith(("connection ", "pool ", "variable "))]
    assert sorted(changes) == [f"{name} is unchanged" for name in names]
    assert airflow.query("SELECT id, description FROM connection ORDER BY id") == rows


@pytest.mark.parametrize(
    ("wanted", "named"),
    [
        ({"connections": {"people": "http://a:topsecret-value@c", "new": URI}}, "connection people"),
        ({"variables": {"people": "of the stack", "new": "x"}}, "variable people"),
    ],
)
def test_an_entry_of_a_person_with_another_content_is_refused_and_nothing_is_written(
    airflow: Installation, wanted: dict[str, Any], named: str
) -> None:
    before = airflow.found()
    done = airflow.apply(pools={"sales": {"slots": 4, "description": ""}}, **wanted)
    assert done.returncode == 1
    assert f"{named} exists with another content and was not written by this stack; delete it" in done.stderr
    assert done.stderr.strip().splitlines()[-1].endswith("No entry was changed.")
    assert airflow.found() == before
    assert airflow.query("SELECT pool FROM slot_pool ORDER BY pool") == ["default_pool", "people"]


def test_an_entry_of_a_person_with_the_same_content_belongs_to_the_stack_from_then_on(airflow: Installation) -> None:
    same = {"conn_type": "http", "host": "c", "schema": "d", "login": "a", "password": "of a person"}
    assert airflow.apply(connections={"same": same}, variables={"people": "of a person"}).returncode == 0
    assert airflow.apply().returncode == 0
    found = airflow.found()
    assert list(found["connections"]) == ["people"]
    assert found["variables"] == {}


def test_a_pool_of_a_person_with_a_name_of_the_stack_belongs_to_it_from_then_on(airflow: Installation) -> None:
    assert airflow.apply(pools={"people": {"slots": 4, "description": "project people"}}).returncode == 0
    query = "SELECT slots, description, include_deferred FROM slot_pool WHERE pool = 'people'"
    assert airflow.query(query) == [f"4|{MARK}: project people|t"]


def test_the_default_pool_gets_slots_and_is_never_deleted(airflow: Installation) -> None:
    query = "SELECT slots, description, include_deferred FROM slot_pool WHERE pool = 'default_pool'"
    assert airflow.query(query) == ["128|Default pool|f"]
    pool = {"slots": 7, "description": "", "include_deferred": True}
    assert airflow.apply(pools={"default_pool": pool}).returncode == 0
    assert airflow.query(query) == ["7|Default pool|t"]
    assert airflow.apply().returncode == 0
    assert airflow.query(query) == ["7|Default pool|t"]


def test_a_connection_that_airflow_does_not_take_is_one_line_without_its_text(airflow: Installation) -> None:
    done = airflow.apply(connections={"bad": "http://a:b@c:topsecret-value/", "fine": URI})
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1] == (
        "Airflow does not take connection bad (ValueError); correct it in airflow:connections. No entry was changed."
    )
    assert "fine" not in airflow.found()["connections"]


def test_secret_manager_is_asked_for_the_names_that_the_rights_are_for(airflow: Installation) -> None:
    """The provider's own class with the arguments of components/airflow/secrets/backend.py, its client replaced."""
    arguments = {
        "connections_prefix": "airflow-connections",
        "variables_prefix": "team-variables",
        "config_prefix": None,
        "project_id": "a-project",
    }
    done = airflow.run(
        "-c",
        ASK,
        AIRFLOW__SECRETS__BACKEND=SECRET_MANAGER,
        AIRFLOW__SECRETS__BACKEND_KWARGS=json.dumps(arguments),
        _AIRFLOW_PROCESS_CONTEXT="server",
    )
    assert done.returncode == 0, done.stderr
    asked = [line for line in done.stdout.splitlines() if line.startswith(("ASKED ", "FOUND "))]
    assert asked == [
        "ASKED a-project airflow-connections-warehouse",
        "FOUND db.example.org",
        "ASKED a-project team-variables-region",
        "FOUND europe",
    ]


def test_the_fernet_key_is_rotated_with_two_keys_as_the_runbook_says(airflow: Installation) -> None:
    assert airflow.apply(connections={"shop": FIELDS}, secret_variables={"token": "topsecret-value"}).returncode == 0
    found = airflow.found()
    rotated = Installation(folder=airflow.folder, key=Fernet.generate_key().decode())
    both = f"{rotated.key},{airflow.key}"
    done = airflow.run("-m", "airflow", "rotate-fernet-key", AIRFLOW__CORE__FERNET_KEY=both)
    assert done.returncode == 0, done.stderr
    assert rotated.found() == found


def test_the_command_line_of_the_page_tests_a_connection_in_one_process(airflow: Installation) -> None:
    """docs/connections.md: the option is set for this process alone."""
    assert airflow.apply(connections={"disk": {"conn_type": "fs", "extra": {"path": "/mnt"}}}).returncode == 0
    command = ("-m", "airflow", "connections", "test", "disk")
    refused = airflow.run(*command)
    assert refused.returncode == 1
    assert "Testing connections is disabled" in refused.stdout
    done = airflow.run(*command, AIRFLOW__CORE__TEST_CONNECTION="Enabled")
    assert "Connection success" in done.stdout, done.stdout + done.stderr
