"""A git server for pods of the lab's node: HTTPS with a token by Debian's git-http-backend, SSH with a key by its sshd.

It runs on the machine, at the address that the machine has for its node, and ends with the process that started it.
"""

from __future__ import annotations

import base64
import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lab import debian
from lab.certificates import public_authority
from lab.errors import LabError
from lab.services.addresses import listens
from lab.services.http import Request, Response, serve, text

PACKAGES: Final = ("git", "openssh-server")
BACKEND: Final = "/usr/lib/git-core/git-http-backend"
SSHD: Final = "/usr/sbin/sshd"
HTTPS_PORT: Final = 8443
SSH_PORT: Final = 8022
START_SECONDS: Final = 15.0
PRIVILEGE_SEPARATION: Final = Path("/run/sshd")
"""sshd refuses to run without this folder, which its service would make."""
AUTHOR: Final = {
    "GIT_AUTHOR_NAME": "lab",
    "GIT_AUTHOR_EMAIL": "lab@example.org",
    "GIT_COMMITTER_NAME": "lab",
    "GIT_COMMITTER_EMAIL": "lab@example.org",
    # No configuration of the machine's user.
    "GIT_CONFIG_GLOBAL": "/dev/null",
}


@dataclass
class GitServer:
    """A server with repositories in a folder."""

    folder: Path
    address: str
    token: str
    """The password of every user over HTTPS."""
    _https: ThreadingHTTPServer | None = field(default=None, init=False)
    _sshd: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def repositories(self) -> Path:
        """The folder of the bare repositories."""
        return self.folder / "repositories"

    @property
    def ssh_key(self) -> str:
        """The private key that SSH accepts."""
        return (self.folder / "client").read_text()

    @property
    def known_hosts(self) -> str:
        """The line of known_hosts for this server."""
        return f"[{self.address}]:{SSH_PORT} {(self.folder / 'host.pub').read_text()}\n"

    def https_url(self, name: str) -> str:
        """The HTTPS URL of a repository."""
        return f"https://{self.address}:{HTTPS_PORT}/{name}.git"

    def ssh_url(self, name: str) -> str:
        """The SSH URL of a repository."""
        return f"ssh://root@{self.address}:{SSH_PORT}{self.repositories}/{name}.git"

    def prepare(self) -> None:
        """Install what is missing, and make the keys; does nothing if they exist.

        Raises:
            LabError: not Debian, or not root.
        """
        debian.install(PACKAGES)
        self.repositories.mkdir(parents=True, exist_ok=True)
        for name in ("client", "host"):
            if not (self.folder / name).exists():
                _write_key(self.folder / name)

    def start(self) -> None:
        """Serve; does nothing for a protocol that is served already.

        Raises:
            LabError: sshd does not answer.
        """
        self.prepare()
        if self._https is None:
            pair = public_authority().issue(f"git-{self.address}", "git", hosts=[self.address])
            self._https = serve(self._handle, self.address, HTTPS_PORT, pair)
        if self._sshd is None:
            PRIVILEGE_SEPARATION.mkdir(exist_ok=True)
            with (self.folder / "sshd.log").open("ab") as log:
                command = [SSHD, "-D", "-e", "-f", str(self._ssh_configuration())]
                self._sshd = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            self._wait()

    def stop(self) -> None:
        """Stop serving; connections are refused then."""
        if self._https is not None:
            self._https.shutdown()
            self._https.server_close()
            self._https = None
        if self._sshd is not None:
            self._sshd.terminate()
            self._sshd.wait(10)
            self._sshd = None

    def commit(self, name: str, files: Mapping[str, str | None], message: str = "a change") -> str:
        """The new commit of the branch main with these files, None for a deleted one; makes a missing repository."""
        bare, work = self.repositories / f"{name}.git", self.folder / "work" / name
        if not bare.exists():
            _git("init", "--quiet", "--bare", "--initial-branch=main", str(bare))
            _git("clone", "--quiet", str(bare), str(work))
            _git("-C", str(work), "checkout", "--quiet", "-B", "main")
        for path, content in files.items():
            target = work / path
            if content is None:
                target.unlink()
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(content)
        _git("-C", str(work), "add", "--all")
        _git("-C", str(work), "commit", "--quiet", "--allow-empty", "--message", message)
        _git("-C", str(work), "push", "--quiet", "origin", "main")
        return _git("-C", str(work), "rev-parse", "HEAD").strip()

    def _handle(self, request: Request) -> Response:
        """A request of the smart HTTP protocol, https://git-scm.com/docs/git-http-backend."""
        wanted = self.token
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        given = base64.b64decode(encoded).decode().partition(":")[2] if scheme.lower() == "basic" else None
        if given != wanted:
            return text("login required\n", 401, WWW_Authenticate='Basic realm="lab"')
        done = subprocess.run(
            [BACKEND],
            input=request.body,
            check=False,
            capture_output=True,
            env={
                "PATH": os.environ["PATH"],
                "GIT_PROJECT_ROOT": str(self.repositories),
                "GIT_HTTP_EXPORT_ALL": "1",
                "PATH_INFO": request.path,
                "QUERY_STRING": request.target.partition("?")[2],
                "REQUEST_METHOD": request.method,
                "CONTENT_TYPE": request.headers.get("content-type", ""),
                "CONTENT_LENGTH": str(len(request.body)),
                "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
                "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
                "REMOTE_USER": "lab",
            },
        )
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        status = int(headers.pop("Status", "200 OK").split(" ")[0])
        return Response(status=status, body=body, headers=headers)

    def _ssh_configuration(self) -> Path:
        authorized = self.folder / "authorized_keys"
        command = 'command="git-shell -c \\"$SSH_ORIGINAL_COMMAND\\""'
        authorized.write_text(f"restrict,{command} {(self.folder / 'client.pub').read_text()}\n")
        configuration = self.folder / "sshd_config"
        configuration.write_text(
            f"ListenAddress {self.address}:{SSH_PORT}\n"
            f"HostKey {self.folder / 'host'}\n"
            f"AuthorizedKeysFile {authorized}\n"
            # The folder may be below one that others may write to.
            "StrictModes no\n"
            "PermitRootLogin forced-commands-only\n"
            "PasswordAuthentication no\n"
            "KbdInteractiveAuthentication no\n"
            "UsePAM no\n"
            "PidFile none\n"
            "AcceptEnv GIT_PROTOCOL\n"
        )
        return configuration

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not listens(self.address, SSH_PORT):
            if time.monotonic() > deadline or (self._sshd is not None and self._sshd.poll() is not None):
                raise LabError("sshd of the git server does not answer.", remedy=f"See {self.folder / 'sshd.log'}.")
            time.sleep(0.1)


def _write_key(path: Path) -> None:
    """A key pair as ssh-keygen would write it."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    path.with_name(f"{path.name}.pub").write_bytes(public)
    path.touch(mode=0o600)
    path.write_bytes(private)


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], check=False, capture_output=True, text=True, env={**os.environ, **AUTHOR}
    )
    if done.returncode != 0:
        raise LabError(f"git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout
