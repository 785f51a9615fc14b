"""An LDAP directory, Debian's slapd, as a process of this machine, for tests of logins."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab import debian
from lab.certificates import CertificateAuthority
from lab.errors import LabError
from lab.images.collection import TOOLS
from lab.images.debian_base import SLIM, SUITE, translated
from lab.images.root import Root
from lab.images.tree import logged
from lab.lock import locked
from lab.paths import cache_dir
from lab.progress import step
from lab.services.process import listening

PACKAGES: Final = ("slapd", "ldap-utils", "python3-ldap")
"""The server, and the library by which FAB speaks to it: the official Airflow image has it, the lab's has not."""
LIBRARIES: Final = "usr/lib/python3/dist-packages"
RUN: Final = "/mnt"
"""The server's folder in the file system of its programs."""
CONFIGURATION: Final = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
pidfile {run}/slapd.pid
TLSCertificateFile {run}/server.crt
TLSCertificateKeyFile {run}/server.key
TLSCACertificateFile {run}/ca.crt
TLSVerifyClient never
# No password of anybody goes over a connection without encryption.
security simple_bind=128
database mdb
suffix "dc=example,dc=org"
rootdn "cn=root,dc=example,dc=org"
rootpw {password}
directory {run}/database
overlay memberof
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="cn=searcher,dc=example,dc=org" read by self read by * none
"""


@dataclass(frozen=True, kw_only=True)
class Directory:
    """A running server with an empty tree dc=example,dc=org."""

    folder: Path
    root: Root
    password: str
    ldap: str
    """URL with StartTLS."""
    ldaps: str
    """URL with TLS from the start."""

    def change(self, ldif: str) -> None:
        """Apply changes in LDIF as the administrator."""
        (self.folder / "change.ldif").write_text(ldif)
        login = ["-x", "-H", self.ldaps, "-D", "cn=root,dc=example,dc=org", "-w", self.password]
        command = ["env", f"LDAPTLS_CACERT={RUN}/ca.crt", "ldapmodify", *login, "-f", f"{RUN}/change.ldif"]
        done = subprocess.run(
            self.root.command(command, mounts={self.folder: RUN}), check=False, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise LabError(f"The directory refused a change: {done.stderr.strip()[-400:]}")


def directory_root() -> Root:
    """The unpacked packages of the directory, from the cache if they were unpacked before.

    Raises:
        LabError: not root, not Debian, or the packages could not be installed; the message names the log.
    """
    key = hashlib.sha256(" ".join((SUITE, *PACKAGES, *SLIM)).encode()).hexdigest()[:16]
    folder, log = cache_dir() / f"directory-{key}", cache_dir() / "directory.log"
    with locked(cache_dir() / "directory.lock"):
        if not folder.exists():
            if os.geteuid() != 0:
                raise LabError("Debian's directory is unpacked in a root filesystem.", remedy="Run as root.")
            debian.install(TOOLS)
            with step("Debian's LDAP server (once)"), tempfile.TemporaryDirectory(dir=cache_dir()) as scratch:
                root = Path(scratch) / "root"
                sources = Path(scratch) / "sources.list"
                sources.write_text("\n".join(_mirrors(log)) + "\n")
                options = Path(scratch) / "apt.conf"
                settings = ["apt-config", "dump", "Acquire"]
                options.write_text(subprocess.run(settings, check=True, capture_output=True, text=True).stdout)
                command = ["unshare", "--mount", "mmdebstrap", "--mode=root", "--variant=minbase"]
                command += ["--format=directory", f"--aptopt={options}", f"--include={','.join(PACKAGES)}"]
                command += [f"--dpkgopt=path-exclude={path}" for path in SLIM]
                logged([*command, "--skip=output/dev", SUITE, str(root), str(sources)], log=log)
                root.rename(folder)
    return Root(folder)


def _mirrors(log: Path) -> list[str]:
    """Sources of Debian from the mirrors of this machine's own apt."""
    fields = "$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)"
    query = ["apt-get", "indextargets", "--format", fields, "Created-By: Packages"]
    for _ in range(2):
        if found := translated(subprocess.run(query, check=False, capture_output=True, text=True).stdout):
            return found
        # A fresh machine has no package lists.
        logged(["apt-get", "-q", "update"], log=log)
    raise LabError("apt has no mirror of Debian.", remedy=f"See {log}.")


@contextmanager
def directory(folder: Path, port: int, tls_port: int, authority: CertificateAuthority) -> Iterator[Directory]:
    """A server at 127.0.0.1, which ends with the block.

    Args:
        folder: an empty folder for its files.
        port: a free port for connections that begin without encryption.
        tls_port: a free port for TLS.
        authority: the authority that signs its certificate.

    Raises:
        LabError: it could not be installed or started; the message says why.
    """
    root = directory_root()
    # Not for the name localhost: libldap compares certificates with the machine's own name then.
    pair = authority.issue("directory", "directory", hosts=["127.0.0.1"])
    for source, name in ((pair.certificate, "server.crt"), (pair.key, "server.key"), (authority.certificate, "ca.crt")):
        shutil.copy(source, folder / name)
    password = "the administrator's password"  # noqa: S105 - of a server that ends with the test
    (folder / "database").mkdir()
    (folder / "slapd.conf").write_text(CONFIGURATION.format(run=RUN, password=f'"{password}"'))
    found = Directory(
        folder=folder,
        root=root,
        password=password,
        ldap=f"ldap://127.0.0.1:{port}",
        ldaps=f"ldaps://127.0.0.1:{tls_port}",
    )
    command = ["/usr/sbin/slapd", "-d", "none", "-h", f"{found.ldap} {found.ldaps}", "-f", f"{RUN}/slapd.conf"]
    with listening("The directory", root.command(command, mounts={folder: RUN}), tls_port, folder / "slapd.log"):
        yield found
