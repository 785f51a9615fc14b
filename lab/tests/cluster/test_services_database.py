"""A simulated cloud's database is a real server: verified TLS, an administrator who is not a superuser."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab.certificates import public_authority
from lab.images import postgres_root
from lab.images.postgres import BINARIES
from lab.node.node import Node
from lab.services import database
from lab.testing.space import Space

pytestmark = pytest.mark.lab_node("simulated clouds stand beside the lab's node")

PRIVATE = database.Server(
    name="test-private",
    administrator="boss",
    password="quo'te\\d",
    cloud_role="cloudsqlsuperuser",
    hosts=["test-private.project.europe-west1.sql.goog"],
    public_authority=False,
    flags={"max_connections": "37"},
)
PUBLIC = replace(
    PRIVATE,
    name="test-public",
    cloud_role="azure_pg_admin",
    hosts=["test-public.postgres.database.azure.com"],
    public_authority=True,
)

KEPT = "SELECT count(*) FROM pg_roles WHERE rolname = 'kept'"


@pytest.fixture(scope="module")
def servers(node: Node) -> Iterator[dict[str, database.Endpoint]]:
    for name in (PRIVATE.name, PUBLIC.name):
        database.stop(name, node)
    yield {server.name: database.start(server, node) for server in (PRIVATE, PUBLIC)}
    for name in (PRIVATE.name, PUBLIC.name):
        database.stop(name, node)


@pytest.fixture
def trust(servers: dict[str, database.Endpoint], tmp_path: Path) -> dict[str, str]:
    files = {}
    for name, endpoint in servers.items():
        (tmp_path / f"{name}.pem").write_text(endpoint.authority)
        files[name] = str(tmp_path / f"{name}.pem")
    return files


def ask(
    server: database.Server, endpoint: database.Endpoint, query: str, *, password: str | None = None, **parameters: str
) -> str:
    """The answer to an external client: rows, or the error message."""
    given = {
        "host": server.hosts[0],
        "hostaddr": endpoint.address,
        "user": server.administrator,
        "dbname": "postgres",
        "sslmode": "require",
        "connect_timeout": "5",
        **parameters,
    }
    secret = server.password if password is None else password
    mounts = {}
    if "sslrootcert" in given:
        certificate = Path(given["sslrootcert"])
        mounts, given["sslrootcert"] = {certificate.parent: "/mnt"}, f"/mnt/{certificate.name}"
    run = subprocess.run(
        postgres_root().command(
            [f"{BINARIES}/psql", "-XAtq", " ".join(f"{key}={value}" for key, value in given.items()), "-c", query],
            mounts=mounts,
        ),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PGPASSWORD": secret},
    )
    return (run.stdout or run.stderr).strip()


@pytest.mark.parametrize("server", [PRIVATE, PUBLIC], ids=["own-authority", "public-authority"])
def test_the_certificate_is_for_the_name_and_from_the_authority_that_is_told(
    servers: dict[str, database.Endpoint], trust: dict[str, str], server: database.Server
) -> None:
    endpoint, other = servers[server.name], next(name for name in trust if name != server.name)
    told = {"sslmode": "verify-full", "sslrootcert": trust[server.name]}
    assert ask(server, endpoint, "SELECT 1", **told) == "1"
    assert "certificate verify failed" in ask(server, endpoint, "SELECT 1", **{**told, "sslrootcert": trust[other]})
    assert "does not match host name" in ask(server, endpoint, "SELECT 1", **told, host="elsewhere.example")


def test_the_public_authority_is_the_one_that_images_trust(servers: dict[str, database.Endpoint]) -> None:
    assert servers[PUBLIC.name].authority == public_authority().certificate.read_text()
    assert servers[PRIVATE.name].authority != servers[PUBLIC.name].authority


def test_clients_without_tls_with_a_wrong_password_or_as_superuser_are_refused(
    servers: dict[str, database.Endpoint],
) -> None:
    endpoint = servers[PRIVATE.name]
    assert "no pg_hba.conf entry" in ask(PRIVATE, endpoint, "SELECT 1", sslmode="disable")
    assert "password authentication failed" in ask(PRIVATE, endpoint, "SELECT 1", password="wrong")
    assert "rejects connection" in ask(PRIVATE, endpoint, "SELECT 1", user="postgres")


def test_flags_are_the_servers_settings(servers: dict[str, database.Endpoint]) -> None:
    assert ask(PRIVATE, servers[PRIVATE.name], "SHOW max_connections") == "37"


def test_the_administrator_can_give_a_database_of_the_cloud_away_without_being_superuser(
    node: Node, servers: dict[str, database.Endpoint]
) -> None:
    endpoint = servers[PUBLIC.name]
    for _ in range(2):
        database.create_database(PUBLIC.name, "air-flow", node)
    assert ask(PUBLIC, endpoint, "SELECT rolsuper FROM pg_roles WHERE rolname = CURRENT_USER") == "f"
    owner = "SELECT pg_catalog.pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'air-flow'"
    assert ask(PUBLIC, endpoint, owner) == PUBLIC.administrator
    give = 'CREATE ROLE air LOGIN; GRANT air TO CURRENT_USER; ALTER DATABASE "air-flow" OWNER TO air;'
    assert ask(PUBLIC, endpoint, give) == ""
    assert ask(PUBLIC, endpoint, owner) == "air"
    schema = "SELECT pg_catalog.pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'public'"
    assert ask(PUBLIC, endpoint, schema, dbname="air-flow") == "azure_pg_admin"
    database.delete_database(PUBLIC.name, "air-flow", node)
    assert ask(PUBLIC, endpoint, owner) == ""


def test_a_user_made_by_the_cloud_is_a_member_of_its_role(node: Node, servers: dict[str, database.Endpoint]) -> None:
    endpoint = servers[PRIVATE.name]
    for password in ("first", "second"):
        database.set_user(PRIVATE.name, "made", password, node)
    member = "SELECT pg_has_role('cloudsqlsuperuser', 'member')"
    assert ask(PRIVATE, endpoint, member, user="made", password="second") == "t"
    database.delete_user(PRIVATE.name, "made", node)
    assert "failed" in ask(PRIVATE, endpoint, member, user="made", password="second")


def test_pods_reach_a_server_by_its_name(
    node: Node, servers: dict[str, database.Endpoint], probe_archives: list[Path]
) -> None:
    node.import_images(probe_archives)
    space = Space(node.api, "database-test")
    space.create()
    try:
        host = PRIVATE.hosts[0]
        space.run("asks", ["bash", "-c", f"(exec 3<>/dev/tcp/{host}/5432) && echo reached"])
        assert space.output("asks") == "reached\n"
    finally:
        space.remove()


def test_data_survive_a_killed_server_and_a_new_start_brings_a_new_password(
    node: Node, servers: dict[str, database.Endpoint]
) -> None:
    endpoint = servers[PRIVATE.name]
    assert ask(PRIVATE, endpoint, "CREATE ROLE kept") == ""
    process = node.daemon(f"database-{PRIVATE.name}").process()
    assert process is not None
    process.kill()
    process.wait(10)
    database.resume(node)
    assert ask(PRIVATE, endpoint, KEPT) == "1"
    changed = replace(PRIVATE, password="another")
    assert database.start(changed, node) == endpoint
    assert ask(changed, endpoint, KEPT) == "1"
    assert "failed" in ask(PRIVATE, endpoint, "SELECT 1")
    database.start(PRIVATE, node)


def test_stop_leaves_no_process_folder_mount_address_or_name(node: Node) -> None:
    server = replace(PRIVATE, name="test-short", hosts=["test-short.example.sql.goog"])
    endpoint = database.start(server, node)
    assert ask(server, endpoint, "SELECT 1") == "1"
    process = node.daemon("database-test-short").process()
    assert process is not None
    database.stop(server.name, node)
    database.stop(server.name, node)
    assert not process.is_running()
    assert not (node.instance.folder / "databases/test-short").exists()
    shown = subprocess.run(
        node.namespaces.command(["sh", "-c", "ip address; cat /proc/mounts"]),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert (endpoint.address in shown, "test-short" in shown) == (False, False)
    assert "test-short" not in (node.instance.folder / "outside.zone").read_text()
