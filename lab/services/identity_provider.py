"""A certified provider of OpenID Connect (npm's oidc-provider) as a process of this machine, for tests of logins."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lab.certificates import CertificateAuthority
from lab.services.process import listening
from lab.tools.npm import NpmProgram, node

PROVIDER: Final = NpmProgram(name="oidc", script="oidc-provider/lib/index.js")
SERVER: Final = Path(__file__).parents[1] / "tools/oidc/server.mjs"


@dataclass(frozen=True, kw_only=True)
class Client:
    """An application that logs people in."""

    client_id: str
    secret: str
    redirect_uri: str

    def registration(self) -> dict[str, Any]:
        """The client as the provider registers it."""
        return {
            "client_id": self.client_id,
            "client_secret": self.secret,
            "redirect_uris": [self.redirect_uri],
            "response_types": ["code"],
            "grant_types": ["authorization_code"],
        }


@dataclass(frozen=True, kw_only=True)
class IdentityProvider:
    """A running provider."""

    issuer: str
    people: Path
    """JSON file with claims by login name; the next login reads it again."""

    def know(self, people: Mapping[str, Mapping[str, Any]]) -> None:
        """Replace all people."""
        self.people.write_text(json.dumps(people))


@contextmanager
def identity_provider(
    folder: Path, port: int, authority: CertificateAuthority, clients: Sequence[Client]
) -> Iterator[IdentityProvider]:
    """A provider at https://localhost:PORT, which ends with the block.

    Args:
        folder: an empty folder for its files.
        port: a free port.
        authority: the authority that signs its certificate.
        clients: the applications that it knows.

    Raises:
        LabError: it could not be installed or started; the message says why.
    """
    package = PROVIDER.install().parents[2]
    # Node looks for packages beside the script.
    (folder / "node_modules").symlink_to(package)
    script = shutil.copy(SERVER, folder)
    pair = authority.issue("identity-provider", "localhost", hosts=["localhost"])
    found = IdentityProvider(issuer=f"https://localhost:{port}", people=folder / "people.json")
    found.know({})
    registered = folder / "clients.json"
    registered.write_text(json.dumps([client.registration() for client in clients]))
    arguments = [str(port), pair.certificate, pair.key, found.people, registered]
    with listening("The identity provider", [node(), script, *arguments], port, folder / "provider.log"):
        yield found
