"""Managed PostgreSQL servers of simulated clouds: real servers on the node with TLS, each with its own address.

One server for each simulated instance, with the programs of the lab's PostgreSQL image. As in the clouds, its
administrator is not a superuser, but a member of the role with which the cloud's tools create databases and users.
Ownership follows the cloud, too:

- Azure: schema `public` of every database belongs to `azure_pg_admin` instead of `pg_database_owner`, so that the owner
  of a database may not create tables in it (github.com/frappe/frappe/issues/39145 and pull 39150, May 2026). The
  administrator has LOGIN, CREATEDB, CREATEROLE and REPLICATION and may add members to `azure_pg_admin`
  (learn.microsoft.com/training/modules/secure-azure-database-for-postgresql, "built-in server roles"); it owns
  databases that Azure Resource Manager creates (github.com/cyrilgdn/terraform-provider-postgresql/issues/500,
  github.com/hashicorp/terraform-provider-azurerm/issues/27895).
- Google Cloud: users created by the API have LOGIN, CREATEDB and CREATEROLE and are members of `cloudsqlsuperuser`
  (cloud.google.com/sql/docs/postgres/users), which owns `template1` and its schema `public` according to a listing of
  PostgreSQL 11. Nothing documents whether this is still so for PostgreSQL 15 and later; this is the stricter variant.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from lab.certificates import CertificateAuthority, public_authority
from lab.daemon import Daemon
from lab.errors import LabError
from lab.images import postgres_root
from lab.images.postgres import BINARIES
from lab.lock import locked
from lab.node.instance import Instance
from lab.node.names import Names
from lab.node.node import Node
from lab.paths import PROJECT
from lab.services.addresses import Addresses, listens
from lab.services.sql_admin import client_authority
from lab.services.sql_connector import PORT as CONNECTOR_PORT

PORT: Final = 5432
START_SECONDS: Final = 60.0
_RUN: Final = "/mnt"
"""The server's folder in the root file system of its programs."""
_AS_POSTGRES: Final = ("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups")
_SETTINGS: Final = {
    # The data of the lab's databases is temporary.
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "log_min_duration_statement": "-1",
    "log_statement": "none",
    "password_encryption": "scram-sha-256",
    "ssl": "on",
    "ssl_min_protocol_version": "TLSv1.2",
    "unix_socket_permissions": "0700",
}


@dataclass(frozen=True, kw_only=True)
class Server:
    """Arguments of a managed server."""

    name: str
    """Name of the simulated instance; unique."""
    administrator: str = ""
    """A user that the cloud creates together with the server; "" means none."""
    password: str = field(default="", repr=False)
    cloud_role: str
    """The role of the cloud's own tools: cloudsqlsuperuser, azure_pg_admin."""
    hosts: Sequence[str]
    """Names in its certificate; the node's DNS resolves them like the cloud's private DNS."""
    common_name: str = ""
    """Common name of its certificate; "" means the first of the hosts."""
    public_authority: bool
    """Whether a public CA signs the certificate; otherwise the server has its own CA."""
    require_tls: bool = True
    connectors: Literal["", "served", "required"] = ""
    """Whether the server has the port of Cloud SQL's connectors, and whether it refuses all other connections."""
    flags: Mapping[str, str] = field(default_factory=dict[str, str])
    """Options of postgresql.conf; PostgreSQL refuses unknown options."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Address and CA of a running server."""

    address: str
    port: int
    authority: str
    """PEM certificate of the CA that signed the server's certificate."""


def start(server: Server, node: Node | None = None) -> Endpoint:
    """Start a server, or update an existing one without loss of data. Takes about 3 s.

    Raises:
        LabError: the node is down, or the server does not start; the message names its log.
    """
    return _Managed(node or Node(Instance()), server.name).start(server)


def stop(name: str, node: Node | None = None) -> None:
    """Delete a server with its data, names and address; does nothing if it does not exist."""
    _Managed(node or Node(Instance()), name).remove()


def resume(node: Node) -> None:
    """Restart every known server that does not run, for example after a crash of the machine."""
    for record in sorted(folder(node).glob("*/server.json")):
        made = Server(**json.loads(record.read_text()))
        if any(daemon.process() is None for daemon in _Managed(node, made.name).daemons(made)):
            start(made, node)


def folder(node: Node) -> Path:
    """The folder of a node's servers, with one subfolder for each server."""
    return node.instance.folder / "databases"


def create_database(name: str, database: str, node: Node | None = None) -> None:
    """Create a database as the cloud's tools do; an existing one is not changed."""
    managed = _Managed(node or Node(Instance()), name)
    if database not in managed.query("SELECT datname FROM pg_database").splitlines():
        managed.query(database_script(managed.record(), database))


def delete_database(name: str, database: str, node: Node | None = None) -> None:
    """Delete a database and end its connections."""
    _Managed(node or Node(Instance()), name).query(f"DROP DATABASE IF EXISTS {_identifier(database)} WITH (FORCE)")


def set_user(name: str, user: str, password: str, node: Node | None = None) -> None:
    """Create a user as the cloud's tools do, as a member of the cloud's role, or set an existing user's password."""
    managed = _Managed(node or Node(Instance()), name)
    managed.query(user_script(managed.record(), user, password))


def delete_user(name: str, user: str, node: Node | None = None) -> None:
    """Delete a user.

    Raises:
        LabError: it still owns objects.
    """
    _Managed(node or Node(Instance()), name).query(f"DROP ROLE IF EXISTS {_identifier(user)}")


def ask(name: str, query: str, node: Node | None = None) -> str:
    """Result of a query by the superuser; clients outside cannot log in as superuser."""
    return _Managed(node or Node(Instance()), name).query(query)


@dataclass(frozen=True)
class _Managed:
    node: Node
    name: str

    def start(self, server: Server) -> Endpoint:
        self.folder.mkdir(parents=True, exist_ok=True)
        with locked(self.folder / "lock"):
            address = Addresses(self.node).take(self._owner)
            authority = (
                public_authority() if server.public_authority else CertificateAuthority(self.folder / "authority")
            )
            changed = self._configure(server, address, authority)
            if changed:
                self.connector.stop()
                self.daemon.stop()
            if self.daemon.process() is None:
                self._prepare()
                self.daemon.start(
                    self._command([*_AS_POSTGRES, f"{BINARIES}/postgres", "-D", f"{_RUN}/data"]),
                    env={**self.node.processes.environment, "LC_ALL": "C.UTF-8"},
                )
            self._wait()
            self.query(roles_script(server))
            if server.connectors:
                self._serve_connectors(address)
            Names(self.node.instance).give(self._owner, dict.fromkeys(server.hosts, address))
            _write_secret(self.folder / "server.json", json.dumps(_fields(server)))
        return Endpoint(address=address, port=PORT, authority=authority.certificate.read_text())

    def remove(self) -> None:
        if not self.folder.exists():
            return
        with locked(self.folder / "lock"):
            self.connector.stop()
            self.connector.log.unlink(missing_ok=True)
            # Immediate shutdown: clients need no orderly end.
            if (process := self.daemon.process()) is not None:
                process.send_signal(3)
            self.daemon.stop()
            self.daemon.log.unlink(missing_ok=True)
            Names(self.node.instance).withdraw(self._owner)
            Addresses(self.node).drop(self._owner)
            shutil.rmtree(self.folder)

    def record(self) -> Server:
        try:
            return Server(**json.loads((self.folder / "server.json").read_text()))
        except FileNotFoundError:
            raise LabError(f"There is no database server {self.name} on the node.") from None

    def query(self, script: str) -> str:
        """Run a script as the superuser and return its output; clients outside cannot log in as superuser.

        Raises:
            LabError: the server refused, or does not run.
        """
        command = [*_AS_POSTGRES, f"{BINARIES}/psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        command += ["-h", _RUN, "-U", "postgres", "-d", "postgres", "-f", "-"]
        # By stdin, because every user can read command lines.
        done = subprocess.run(self._command(command), input=script, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise LabError(f"Database server {self.name} refused: {done.stderr.strip()[-300:]}")
        return done.stdout.strip()

    def _configure(self, server: Server, address: str, authority: CertificateAuthority) -> bool:
        """Write certificate and configuration. Returns whether the configuration changed."""
        common_name = server.common_name or server.hosts[0]
        pair = authority.issue(f"database-{self.name}", common_name, hosts=server.hosts)
        settings = {
            **_SETTINGS,
            **server.flags,
            "listen_addresses": address,
            "port": str(PORT),
            "unix_socket_directories": _RUN,
            "ssl_cert_file": f"{_RUN}/server.crt",
            "ssl_key_file": f"{_RUN}/server.key",
            "hba_file": f"{_RUN}/pg_hba.conf",
        }
        texts = {
            "server.crt": pair.certificate.read_text(),
            "server.key": pair.key.read_text(),
            "postgresql.conf": "".join(f"{key} = {_literal(value)}\n" for key, value in settings.items()),
            "pg_hba.conf": access_rules(server, address),
        }
        changed = False
        for name, text in texts.items():
            path = self.folder / name
            if not path.exists() or path.read_text() != text:
                _write_secret(path, text)
                changed = True
        return changed

    def _serve_connectors(self, address: str) -> None:
        """Open the port of Cloud SQL's connectors, and wait until it answers."""
        # Created here, before both sides could create it at the same time.
        assert client_authority(self.folder).certificate.exists()
        command = [sys.executable, "-m", "lab.services.sql_connector", "--address", address, "--port", PORT]
        command += ["--folder", self.folder]
        self.connector.start(
            self.node.namespaces.command([str(part) for part in command]),
            env={**self.node.environment, "PYTHONPATH": str(PROJECT)},
        )
        deadline = time.monotonic() + START_SECONDS
        while not listens(address, CONNECTOR_PORT):
            self.connector.require_alive()
            if time.monotonic() > deadline:
                raise LabError(f"{self.connector.name} did not answer.", remedy=f"See {self.connector.log}.")
            time.sleep(0.1)

    def _prepare(self) -> None:
        """Initialise the data folder unless it exists, and let the server's user read its files."""
        initdb = [*_AS_POSTGRES, f"{BINARIES}/initdb", "-D", f"{_RUN}/data", "-U", "postgres"]
        initdb += ["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        script = f"""
            cd {_RUN}
            [ -e initialised ] || rm -rf data
            chown postgres:postgres . server.key server.crt postgresql.conf pg_hba.conf
            chmod 0700 .
            if [ ! -e initialised ]; then
                {shlex.join(initdb)} >&2
                touch initialised
            fi
            cp --preserve=ownership postgresql.conf data/postgresql.conf
            rm -f data/postmaster.pid
        """
        done = subprocess.run(self._command(["sh", "-ec", script]), check=False, capture_output=True, text=True)
        if done.returncode != 0:
            raise LabError(f"Database server {self.name} could not be set up: {done.stderr.strip()[-300:]}")

    def _command(self, command: Sequence[str]) -> list[str]:
        """A command line that runs a program of the image on the node, with the server's folder at _RUN."""
        return self.node.namespaces.command(postgres_root().command(command, mounts={self.folder: _RUN}))

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            self.daemon.require_alive()
            try:
                self.query("SELECT 1")
            except LabError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return

    @property
    def daemon(self) -> Daemon:
        return Daemon(name=self._owner, folder=self.node.instance.daemons)

    @property
    def connector(self) -> Daemon:
        return Daemon(name=f"connector-{self.name}", folder=self.node.instance.daemons)

    def daemons(self, server: Server) -> list[Daemon]:
        """The daemons of a server."""
        return [self.daemon, *([self.connector] if server.connectors else [])]

    @property
    def folder(self) -> Path:
        return folder(self.node) / self.name

    @property
    def _owner(self) -> str:
        return f"database-{self.name}"


def _role(role: str, options: str) -> str:
    """SQL that creates a role or updates an existing one."""
    # psql runs the statement that the query returns, which is empty if the role exists.
    make = _literal(f"CREATE ROLE {_identifier(role)}")
    exists = f"EXISTS (SELECT FROM pg_roles WHERE rolname = {_literal(role)})"
    return f"SELECT {make} WHERE NOT {exists}\n\\gexec\nALTER ROLE {_identifier(role)} {options};\n"


def access_rules(server: Server, address: str) -> str:
    """The content of pg_hba.conf: PostgreSQL uses the first line that matches a client.

    An instance that requires connectors rejects all direct connections,
    https://cloud.google.com/sql/docs/postgres/admin-api/rest/v1beta4/instances#ConnectorEnforcement; the message is not
    documented. Clients of connectors use the server's own address as source (lab/services/sql_connector.py).
    """
    kind = "hostssl" if server.require_tls else "host"
    lines = ["local all postgres trust", f"{'host' if server.connectors else kind} all postgres all reject"]
    if server.connectors:
        lines.append(f"host all all {address}/32 scram-sha-256")
    direct = "host all all all reject" if server.connectors == "required" else f"{kind} all all all scram-sha-256"
    return "\n".join([*lines, direct, ""])


def roles_script(server: Server) -> str:
    """SQL that the superuser runs at each start of a server: the cloud's role, its administrator, ownership."""
    role = _identifier(server.cloud_role)
    script = _role(server.cloud_role, "NOLOGIN CREATEDB CREATEROLE")
    if server.administrator:
        script += user_script(server, server.administrator, server.password)
        # Since PostgreSQL 16, a user who grants a role must have it with this option.
        script += f"ALTER ROLE {_identifier(server.administrator)} REPLICATION;\n"
        script += f"GRANT {role} TO {_identifier(server.administrator)} WITH ADMIN OPTION;\n"
    # Databases are copies of template1.
    for database in ("postgres", "template1"):
        script += f"\\connect {database}\nALTER SCHEMA public OWNER TO {role};\n"
    return script


def user_script(server: Server, user: str, password: str) -> str:
    """SQL that creates a user as the cloud's tools do, or sets an existing user's password."""
    options = f"LOGIN CREATEDB CREATEROLE PASSWORD {_literal(password)}"
    return _role(user, options) + f"GRANT {_identifier(server.cloud_role)} TO {_identifier(user)};\n"


def database_script(server: Server, database: str) -> str:
    """SQL that creates a database as the cloud's tools do."""
    owner = server.administrator or server.cloud_role
    return f"CREATE DATABASE {_identifier(database)} OWNER {_identifier(owner)};\n"


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _fields(server: Server) -> dict[str, Any]:
    return {**vars(server), "hosts": list(server.hosts), "flags": dict(server.flags)}


def _write_secret(path: Path, text: str) -> None:
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    partial.write_text(text)
    partial.rename(path)
