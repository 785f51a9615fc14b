"""Access tokens of the simulated clouds: JSON Web Tokens, signed with a key of the node."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jwt

from lab.lock import locked

ALGORITHM: Final = "HS256"


@dataclass(frozen=True)
class Tokens:
    """Issues and verifies tokens; the key is in a file, so that tokens stay valid after a restart."""

    key_file: Path

    def issue(self, audience: str, *, seconds: int, **claims: Any) -> str:
        """A JSON Web Token for an audience."""
        now = int(time.time())
        body = {"aud": audience, "iat": now, "nbf": now - 60, "exp": now + seconds, **claims}
        return jwt.encode(body, self._key(), ALGORITHM)

    def read(self, token: str, audience: str) -> dict[str, Any]:
        """A token's claims.

        Raises:
            jwt.InvalidTokenError: the token is invalid.
        """
        return jwt.decode(token, self._key(), [ALGORITHM], audience=audience, options={"require": ["aud", "exp"]})

    def _key(self) -> bytes:
        with locked(self.key_file.with_suffix(".lock")):
            if not self.key_file.exists():
                partial = self.key_file.with_suffix(".partial")
                partial.touch(mode=0o600)
                partial.write_bytes(secrets.token_bytes(32))
                partial.rename(self.key_file)
        return self.key_file.read_bytes()
