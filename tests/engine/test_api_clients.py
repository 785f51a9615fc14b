"""Programs that use the API: the official Python client and remote command line, with the token of an account."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from lab.lock import locked
from lab.paths import cache_dir
from tests.engine.airflow_server import Airflow, installation, token

pytestmark = pytest.mark.services

CLIENTS = ("apache-airflow-client==3.3.2", "apache-airflow-ctl==0.1.5")
"""In an environment of their own: the command line has requirements that nothing else here needs."""
PASSWORD = "the password of a program"
LIST_DAGS = """
import sys
from airflow_client.client import ApiClient, ApiException, Configuration, DAGApi, ConnectionApi

configuration = Configuration(host=sys.argv[1], access_token=sys.argv[2])
with ApiClient(configuration) as client:
    print("dags", DAGApi(client).get_dags().total_entries)
    try:
        ConnectionApi(client).get_connections()
    except ApiException as error:
        print("connections", error.status)
"""


def environment() -> Path:
    """The folder of the clients' programs, installed once."""
    folder = cache_dir() / f"clients-{hashlib.sha256(' '.join(CLIENTS).encode()).hexdigest()[:16]}"
    with locked(cache_dir() / "clients.lock"):
        # Made in its place: programs of an environment name its folder.
        if not (folder / "complete").exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
            command = [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "--only-binary=:all:"]
            subprocess.run([*command, "--disable-pip-version-check", *CLIENTS], check=True)
            (folder / "complete").touch()
    return folder / "bin"


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Airflow, str]]:
    with installation() as airflow:
        user = {"username": "program", "role": "Viewer", "email": "p@example.org", "first_name": "p", "last_name": ""}
        people = {"users": [user], "roles": {}}
        done = airflow.script("apply_people.py", PEOPLE=json.dumps(people), PASSWORDS=json.dumps({"program": PASSWORD}))
        assert done.returncode == 0, done.stderr
        with airflow.api_server() as url:
            yield airflow, url


def test_the_python_client_has_the_rights_of_the_account_whose_token_it_sends(server: tuple[Airflow, str]) -> None:
    bearer = token(server[1], "program", PASSWORD)
    assert bearer is not None
    command = [str(environment() / "python"), "-c", LIST_DAGS, server[1], bearer]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["dags 0", "connections 403"]


def test_airflowctl_logs_in_with_a_token_and_works_with_the_rights_of_its_account(server: tuple[Airflow, str]) -> None:
    bearer = token(server[1], "program", PASSWORD)
    assert bearer is not None
    with TemporaryDirectory() as home:
        variables = {"PATH": os.environ["PATH"], "HOME": home, "AIRFLOW_HOME": home, "AIRFLOW_CLI_TOKEN": bearer}

        def run(*arguments: str) -> subprocess.CompletedProcess[str]:
            command = [str(environment() / "airflowctl"), *arguments]
            return subprocess.run(command, capture_output=True, text=True, check=False, env=variables)

        logged_in = run("auth", "login", "--api-url", server[1], "--api-token", bearer, "--skip-keyring")
        assert logged_in.returncode == 0, logged_in.stdout + logged_in.stderr
        pools = run("pools", "list", "--output", "json")
        assert pools.returncode == 0, pools.stdout + pools.stderr
        assert "default_pool" in pools.stdout
        refused = run("connections", "list", "--output", "json")
        assert refused.returncode != 0 or "403" in refused.stdout + refused.stderr, refused.stdout
