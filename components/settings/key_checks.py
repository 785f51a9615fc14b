"""Checks of the keys and passwords that a stack brings instead of generated ones. Messages never contain their text."""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64decode
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from components.settings.errors import SettingError
from components.settings.secret_keys import API_SECRET_KEY, BROKER_PASSWORD, FERNET_KEY, JWT_SECRET, PROJECT
from components.settings.sections.executor import Executor
from components.settings.sections.existing_secrets import ExistingSecrets

FERNET_BYTES: Final = 32
"""https://github.com/fernet/spec/blob/master/Spec.md#key-format."""
GENERATE: Final = {
    FERNET_KEY: "openssl rand -base64 32 | tr '+/' '-_'",
    JWT_SECRET: "openssl rand -hex 64",
    API_SECRET_KEY: "openssl rand -hex 64",
    BROKER_PASSWORD: "openssl rand -hex 32",
}
"""Commands that write a good value."""
CHARACTERS_MIN: Final = {JWT_SECRET: 64, API_SECRET_KEY: 32, BROKER_PASSWORD: 32}
"""Tokens are signed with HS512, whose key has as many bytes as its hash, 64:
https://www.rfc-editor.org/rfc/rfc7518#section-3.2. A hash of each value is in the cluster in clear text, so that its
readers restart when it changes: a shorter one could be guessed."""


def setting_errors(
    texts: Mapping[str, str], existing: ExistingSecrets | None, executor: Executor | None, *, secret: Collection[str]
) -> Iterator[SettingError]:
    """Errors of the keys.

    Args:
        texts: the text of each secret of the stack, by its key.
        existing, executor: the sections; None for an invalid one.
        secret: the keys that the stack keeps encrypted.
    """
    for name, generate in GENERATE.items():
        if (text := texts.get(name)) is None:
            continue
        key, remedy = f"{PROJECT}:{name}", f"{generate} | pulumi config set --secret {name}"
        if (rule := _rule(name, text)) is not None:
            yield SettingError(key=key, value=text, rule=rule, remedy=remedy, secret=True)
        if name not in secret:
            rule = "is in clear text in the stack file"
            yield SettingError(key=key, value=None, rule=rule, remedy=f"choose a new one: {remedy}")
    if BROKER_PASSWORD in texts and executor is not None and executor.celery is None:
        rule = "is the password of a broker, which this stack does not have"
        remedy = f"pulumi config rm {BROKER_PASSWORD}, or choose an executor with Celery"
        yield SettingError(key=f"{PROJECT}:{BROKER_PASSWORD}", value=None, rule=rule, remedy=remedy)
    if existing is not None:
        found = {FERNET_KEY: existing.fernet, JWT_SECRET: existing.jwt, API_SECRET_KEY: existing.api}
        for (name, named), field in zip(found.items(), ("fernet", "jwt", "api"), strict=True):
            if named is not None and name in texts:
                rule = f"has the value that {PROJECT}:existing_secrets.{field} reads from another Secret"
                yield SettingError(key=f"{PROJECT}:{name}", value=None, rule=rule, remedy="remove one of the two")


def _rule(name: str, text: str) -> str | None:
    """The rule that a value breaks, if any."""
    text = text.strip()
    if name == FERNET_KEY:
        valid = all(_is_fernet(key) for key in text.split(","))
        return None if valid else "is not a Fernet key, 32 bytes in URL-safe base64, nor several with commas"
    if len(text) < CHARACTERS_MIN[name] or not re.fullmatch(r"[!-~]+", text):
        return f"has fewer than {CHARACTERS_MIN[name]} characters, spaces, or characters outside ASCII"
    if name == BROKER_PASSWORD and not re.fullmatch(r"[A-Za-z0-9_-]+", text):
        return "has characters other than letters, digits, _ and -, and would change the broker's configuration and URL"
    return None


def _is_fernet(key: str) -> bool:
    try:
        return re.fullmatch(r"[\w=-]+", key, re.ASCII) is not None and len(urlsafe_b64decode(key)) == FERNET_BYTES
    except binascii.Error:
        return False
