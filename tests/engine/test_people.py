"""Accounts and roles of the stack in a real Airflow: they come, change and go, and those of people stay."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.engine.airflow_server import Airflow, installation, status, token

pytestmark = pytest.mark.services

CACHE_SECONDS = 1
"""[fab] cache_ttl of the tests; Airflow's default is 30 s. A deactivated account keeps its access until then."""
BY_HAND = [
    "airflow",
    "users",
    "create",
    "--username",
    "grace",
    "--role",
    "Op",
    "--email",
    "grace@example.org",
    "--firstname",
    "G",
    "--lastname",
    "H",
]


@dataclass(frozen=True, kw_only=True)
class Server:
    """An api-server, and the Job of accounts and roles on its database."""

    airflow: Airflow
    url: str

    def apply(self, *users: tuple[str, str, str], roles: dict[str, list[str]] | None = None) -> str:
        """The output of the Job with these accounts: name, role, password."""
        done = self.run(*users, roles=roles)
        assert done[0] == 0, done[1]
        assert [password for _, _, password in users if password in done[1]] == []
        return done[1]

    def run(
        self, *users: tuple[str, str, str], roles: dict[str, list[str]] | None = None, email: str = "{}@example.org"
    ) -> tuple[int, str]:
        listed = [
            {"username": name, "role": role, "email": email.format(name), "first_name": name, "last_name": ""}
            for name, role, _ in users
        ]
        done = self.airflow.script(
            "apply_people.py",
            PEOPLE=json.dumps({"users": listed, "roles": roles or {}}),
            PASSWORDS=json.dumps({name: password for name, _, password in users}),
        )
        time.sleep(2 * CACHE_SECONDS)
        return done.returncode, done.stdout + done.stderr

    def token(self, name: str, password: str) -> str | None:
        return token(self.url, name, password)

    def allowed(self, bearer: str) -> dict[str, int]:
        return {path: status(self.url, path, bearer) for path in ("dags", "pools", "connections")}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with (
        installation() as airflow,
        airflow.api_server(AIRFLOW__FAB__CACHE_TTL=str(CACHE_SECONDS), AIRFLOW__FAB__AUTH_RATE_LIMITED="False") as url,
    ):
        yield Server(airflow=airflow, url=url)


def test_an_account_comes_changes_its_role_and_goes(server: Server) -> None:
    """Another file of the stack than the last one is what decides, not what the account was."""
    server.apply(("ada", "Viewer", "ada has a password"), ("bot", "Op", "bot has a password"))
    bearer = server.token("ada", "ada has a password")
    assert bearer is not None
    assert server.allowed(bearer) == {"dags": 200, "pools": 200, "connections": 403}
    server.apply(("ada", "Op", "ada has a password"), ("bot", "Op", "bot has a password"))
    assert server.allowed(bearer)["connections"] == 200
    # The bot's e-mail address is free again, and its token ends with it.
    of_bot = server.token("bot", "bot has a password")
    assert of_bot is not None
    assert "user bot is deactivated" in server.apply(("ada", "Op", "ada has a password"))
    assert server.token("bot", "bot has a password") is None
    assert set(server.allowed(of_bot).values()) <= {401, 403}
    server.apply(("ada", "Op", "ada has a password"), ("bot", "Viewer", "bot is here again"))
    assert server.token("bot", "bot has a password") is None
    assert server.token("bot", "bot is here again") is not None


def test_a_second_run_changes_no_account(server: Server) -> None:
    server.apply(("ada", "Op", "ada has a password"))
    rows = "SELECT username, password, active, changed_on FROM ab_user ORDER BY username"
    before = server.airflow.query(rows)
    assert "user ada has role Op\n" in server.apply(("ada", "Op", "ada has a password"))
    assert [row[:3] for row in server.airflow.query(rows)] == [row[:3] for row in before]


def test_a_password_that_its_user_changed_stays_until_the_stack_has_another_one(server: Server) -> None:
    server.apply(("ada", "Op", "ada has a password"))
    change = ["airflow", "users", "reset-password", "--username", "ada", "--password", "chosen by ada"]
    run(server.airflow, change)
    server.apply(("ada", "Viewer", "ada has a password"))
    assert server.token("ada", "chosen by ada") is not None
    server.apply(("ada", "Viewer", "the stack's next one"))
    assert server.token("ada", "chosen by ada") is None
    assert server.token("ada", "the stack's next one") is not None


def test_accounts_and_roles_that_people_made_stay(server: Server) -> None:
    run(server.airflow, [*BY_HAND, "--password", "made by hand"])
    run(server.airflow, ["airflow", "roles", "create", "by-hand"])
    server.apply(("ada", "Viewer", "ada has a password"), roles={"sales": ["can_read on DAGs"]})
    server.apply()
    server.airflow.migrate()
    assert server.token("grace", "made by hand") is not None
    assert server.token("admin", "first password") is not None
    names = {name for (name,) in server.airflow.query("SELECT name FROM ab_role")}
    assert {"by-hand", "Admin", "Op", "User", "Viewer", "Public"} == names
    # An address of theirs is not taken away.
    code, said = server.run(("ada", "Viewer", "ada has a password"), email="grace@example.org")
    assert code != 0
    assert "the e-mail address of user ada belongs to user grace" in said


def test_a_role_of_the_stack_allows_what_it_lists_and_loses_what_it_lists_no_more(server: Server) -> None:
    role = {"sales": ["can_read on DAGs", "can_read on Pools", "can_read on DAG:report"]}
    server.apply(("ada", "sales", "ada has a password"), roles=role)
    bearer = server.token("ada", "ada has a password")
    assert bearer is not None
    assert server.allowed(bearer) == {"dags": 200, "pools": 200, "connections": 403}
    # What the `access_control` of a DAG gives the role is not the stack's.
    run(server.airflow, ["airflow", "roles", "add-perms", "sales", "--action", "can_edit", "--resource", "DAG:report"])
    server.apply(("ada", "sales", "ada has a password"), roles={"sales": ["can_read on DAGs"]})
    assert server.allowed(bearer) == {"dags": 200, "pools": 403, "connections": 403}
    held = (
        "SELECT p.name, v.name FROM ab_permission_view_role a JOIN ab_role r ON r.id = a.role_id "
        "JOIN ab_permission_view pv ON pv.id = a.permission_view_id JOIN ab_permission p ON p.id = pv.permission_id "
        "JOIN ab_view_menu v ON v.id = pv.view_menu_id WHERE r.name = 'sales' ORDER BY 1, 2"
    )
    assert server.airflow.query(held) == [("can_edit", "DAG:report"), ("can_read", "DAGs"), ("can_read", "Website")]
    assert "role sales is deleted" in server.apply(("ada", "Viewer", "ada has a password"))


def test_the_migration_ends_the_access_of_the_last_account_that_the_stack_wrote(server: Server) -> None:
    """A stack without accounts has no Job for them."""
    server.apply(("ada", "sales", "ada has a password"), roles={"sales": ["can_read on DAGs"]})
    bearer = server.token("ada", "ada has a password")
    assert bearer is not None
    assert "is deactivated" not in server.airflow.migrate(PEOPLE_KEPT="true")
    assert server.token("ada", "ada has a password") is not None
    said = server.airflow.migrate()
    assert "user ada is deactivated" in said
    assert "role sales is deleted" in said
    assert server.token("ada", "ada has a password") is None
    time.sleep(2 * CACHE_SECONDS)
    assert set(server.allowed(bearer).values()) <= {401, 403}


def run(airflow: Airflow, command: list[str]) -> None:
    """A command of Airflow in the image."""
    done = subprocess.run(
        airflow.inside(command), env=airflow.environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
