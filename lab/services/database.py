"""Managed PostgreSQL servers of simulated clouds: real servers on the node, reached over TLS at addresses of their own.

One server for each simulated instance, with the programs of the lab's PostgreSQL image. Its administrator is no
superuser, as in the clouds: a member of the role that the cloud's own tools make databases and users with. Who owns
what is that cloud's, too:

- Azure: schema `public` of every database belongs to `azure_pg_admin` instead of `pg_database_owner`, so that owning a
  database does not allow to create tables in it (github.com/frappe/frappe/issues/39145 and pull 39150, May 2026). The
  administrator has LOGIN, CREATEDB, CREATEROLE and REPLICATION and may make others members of `azure_pg_admin`
  (learn.microsoft.com/training/modules/secure-azure-database-for-postgresql, "built-in server roles"); databases that
  Azure Resource Manager makes are its own (github.com/cyrilgdn/terraform-provider-postgresql/issues/500,
  github.com/hashicorp/terraform-provider-azurerm/issues/27895).
- Google Cloud: users that the API makes have LOGIN, CREATEDB and CREATEROLE and are members of `cloudsqlsuperuser`
  (cloud.google.com/sql/docs/postgres/users), which owns `template1` and its schema `public`: so shown by a listing of
  PostgreSQL 11. For PostgreSQL 15 and later nothing says whether that has stayed; this is the stricter of the two.
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

from lab.daemon import Daemon
from lab.errors import LabError
from lab.images import postgres_root
from lab.images.postgres import BINARIES
from lab.lock import locked
from lab.node.certificates import Authority
from lab.node.instance import Instance
from lab.node.names import Names
from lab.node.node import Node
from lab.paths import PROJECT
from lab.services.addresses import Addresses, listens
from lab.services.authority import public_authority
from lab.services.sql_admin import client_authority
from lab.services.sql_connector import PORT as CONNECTOR_PORT

PORT: Final = 5432
START_SECONDS: Final = 60.0
_RUN: Final = "/mnt"
"""The server's folder as its programs see it, inside the root of their image."""
_AS_POSTGRES: Final = ("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups")
_SETTINGS: Final = {
    # What the lab keeps of a database nobody keeps for long.
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
    """What a managed server is made with."""

    name: str
    """Of the simulated instance; unique among all."""
    administrator: str = ""
    """A user that the cloud makes together with the server; "" is none."""
    password: str = field(default="", repr=False)
    cloud_role: str
    """The role that the cloud's own tools act as: cloudsqlsuperuser, azure_pg_admin."""
    hosts: Sequence[str]
    """Names in its certificate, answered by the node's DNS as the cloud's private DNS would."""
    common_name: str = ""
    """Of its certificate; "" is the first of the hosts."""
    public_authority: bool
    """Whether an authority that everybody trusts signs the certificate, or one of the server's own."""
    require_tls: bool = True
    connectors: Literal["", "served", "required"] = ""
    """Whether Cloud SQL's connectors find their port beside the server's own, and whether nobody else is let in."""
    flags: Mapping[str, str] = field(default_factory=dict[str, str])
    """Options of postgresql.conf; what this PostgreSQL does not know is refused by it."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where a started server is."""

    address: str
    port: int
    authority: str
    """PEM certificate of who signed the server's."""


def start(server: Server, node: Node | None = None) -> Endpoint:
    """Start a server, or bring one that is there up to date; its data stays. About 3 s.

    Raises:
        LabError: the node is down, or the server does not start; the message names its log.
    """
    return _Managed(node or Node(Instance()), server.name).start(server)


def stop(name: str, node: Node | None = None) -> None:
    """Take a server away with its data, names and address; nothing happens when there is none."""
    _Managed(node or Node(Instance()), name).remove()


def resume(node: Node) -> None:
    """Start every server again that is recorded and does not run, as after a crash of the machine."""
    for record in sorted(folder(node).glob("*/server.json")):
        made = Server(**json.loads(record.read_text()))
        if any(daemon.process() is None for daemon in _Managed(node, made.name).daemons(made)):
            start(made, node)


def folder(node: Node) -> Path:
    """Where a node's servers are, each in a folder of its name."""
    return node.instance.folder / "databases"


def create_database(name: str, database: str, node: Node | None = None) -> None:
    """Create a database as the cloud's tools do. One that exists stays."""
    managed = _Managed(node or Node(Instance()), name)
    if database not in managed.query("SELECT datname FROM pg_database").splitlines():
        managed.query(database_script(managed.record(), database))


def delete_database(name: str, database: str, node: Node | None = None) -> None:
    """Delete a database with whoever is connected to it."""
    _Managed(node or Node(Instance()), name).query(f"DROP DATABASE IF EXISTS {_identifier(database)} WITH (FORCE)")


def set_user(name: str, user: str, password: str, node: Node | None = None) -> None:
    """Create a user as the cloud's tools do, a member of the cloud's role, or give one that exists a new password."""
    managed = _Managed(node or Node(Instance()), name)
    managed.query(user_script(managed.record(), user, password))


def delete_user(name: str, user: str, node: Node | None = None) -> None:
    """Delete a user.

    Raises:
        LabError: it still owns something.
    """
    _Managed(node or Node(Instance()), name).query(f"DROP ROLE IF EXISTS {_identifier(user)}")


def ask(name: str, query: str, node: Node | None = None) -> str:
    """What the superuser, whom no client from outside can be, gets for a query."""
    return _Managed(node or Node(Instance()), name).query(query)


@dataclass(frozen=True)
class _Managed:
    node: Node
    name: str

    def start(self, server: Server) -> Endpoint:
        self.folder.mkdir(parents=True, exist_ok=True)
        with locked(self.folder / "lock"):
            address = Addresses(self.node).take(self._owner)
            authority = public_authority() if server.public_authority else Authority(self.folder / "authority")
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
            # At once: nobody waits for what its clients still want to say.
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
        """What a script prints, run as the superuser, whom no client from outside can be.

        Raises:
            LabError: the server refused, or does not run.
        """
        command = [*_AS_POSTGRES, f"{BINARIES}/psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        command += ["-h", _RUN, "-U", "postgres", "-d", "postgres", "-f", "-"]
        # By stdin: a command line can be read by everybody.
        done = subprocess.run(self._command(command), input=script, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise LabError(f"Database server {self.name} refused: {done.stderr.strip()[-300:]}")
        return done.stdout.strip()

    def _configure(self, server: Server, address: str, authority: Authority) -> bool:
        """Write certificate and configuration; whether the configuration changed."""
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
        # Made before either side asks for it at the same time.
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
        """Make the data unless they are there, and let the server's user read what is written for it."""
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
        """The command line that runs a program of the image on the node, with the server's folder at _RUN."""
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
        """What has to run for a server."""
        return [self.daemon, *([self.connector] if server.connectors else [])]

    @property
    def folder(self) -> Path:
        return folder(self.node) / self.name

    @property
    def _owner(self) -> str:
        return f"database-{self.name}"


def _role(role: str, options: str) -> str:
    """Make a role so, whether it is there or not."""
    # psql runs what the query returns: nothing when the role is there.
    make = _literal(f"CREATE ROLE {_identifier(role)}")
    exists = f"EXISTS (SELECT FROM pg_roles WHERE rolname = {_literal(role)})"
    return f"SELECT {make} WHERE NOT {exists}\n\\gexec\nALTER ROLE {_identifier(role)} {options};\n"


def access_rules(server: Server, address: str) -> str:
    """Who may connect, as pg_hba.conf: PostgreSQL takes the first line that fits a client.

    An instance whose connectors are required rejects all direct connections,
    https://cloud.google.com/sql/docs/postgres/admin-api/rest/v1beta4/instances#ConnectorEnforcement; in which words is
    not documented. Connectors' clients come from the server's own address (lab/services/sql_connector.py).
    """
    kind = "hostssl" if server.require_tls else "host"
    lines = ["local all postgres trust", f"{'host' if server.connectors else kind} all postgres all reject"]
    if server.connectors:
        lines.append(f"host all all {address}/32 scram-sha-256")
    direct = "host all all all reject" if server.connectors == "required" else f"{kind} all all all scram-sha-256"
    return "\n".join([*lines, direct, ""])


def roles_script(server: Server) -> str:
    """What the superuser runs on a server, again at each start: the cloud's role, its administrator, who owns what."""
    role = _identifier(server.cloud_role)
    script = _role(server.cloud_role, "NOLOGIN CREATEDB CREATEROLE")
    if server.administrator:
        script += user_script(server, server.administrator, server.password)
        # Since PostgreSQL 16, whoever gives a role away must have it with this option.
        script += f"ALTER ROLE {_identifier(server.administrator)} REPLICATION;\n"
        script += f"GRANT {role} TO {_identifier(server.administrator)} WITH ADMIN OPTION;\n"
    # Databases are copies of template1.
    for database in ("postgres", "template1"):
        script += f"\\connect {database}\nALTER SCHEMA public OWNER TO {role};\n"
    return script


def user_script(server: Server, user: str, password: str) -> str:
    """What makes a user as the cloud's tools do, or gives one that exists a new password."""
    options = f"LOGIN CREATEDB CREATEROLE PASSWORD {_literal(password)}"
    return _role(user, options) + f"GRANT {_identifier(server.cloud_role)} TO {_identifier(user)};\n"


def database_script(server: Server, database: str) -> str:
    """What makes a database as the cloud's tools do."""
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
