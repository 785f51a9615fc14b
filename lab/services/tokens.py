"""Access tokens of the simulated clouds: JSON Web Tokens, signed with a key of the node."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.lock import locked


class InvalidTokenError(Exception):
    """The token has a wrong signature or audience, or has expired."""


@dataclass(frozen=True)
class Tokens:
    """Issues and verifies tokens; the key is in a file, so that tokens stay valid after a restart."""

    key_file: Path

    def issue(self, audience: str, *, seconds: int, **claims: Any) -> str:
        """A JSON Web Token for an audience."""
        now = int(time.time())
        body = {"aud": audience, "iat": now, "nbf": now - 60, "exp": now + seconds, **claims}
        text = f"{_encoded({'alg': 'HS256', 'typ': 'JWT'})}.{_encoded(body)}"
        return f"{text}.{_base64(self._signature(text))}"

    def read(self, token: str, audience: str) -> dict[str, Any]:
        """A token's claims.

        Raises:
            InvalidTokenError: the token is invalid.
        """
        text, _, signature = token.rpartition(".")
        if not hmac.compare_digest(_base64(self._signature(text)), signature):
            raise InvalidTokenError("the token's signature is wrong")
        body = text.partition(".")[2]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        if claims["aud"] != audience:
            raise InvalidTokenError(f"the token is for {claims['aud']}")
        if claims["exp"] < time.time():
            raise InvalidTokenError("the token has expired")
        return claims

    def _signature(self, text: str) -> bytes:
        return hmac.new(self._key(), text.encode(), hashlib.sha256).digest()

    def _key(self) -> bytes:
        with locked(self.key_file.with_suffix(".lock")):
            if not self.key_file.exists():
                partial = self.key_file.with_suffix(".partial")
                partial.touch(mode=0o600)
                partial.write_bytes(secrets.token_bytes(32))
                partial.rename(self.key_file)
        return self.key_file.read_bytes()


def _encoded(value: dict[str, Any]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
