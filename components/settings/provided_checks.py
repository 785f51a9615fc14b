"""Checks of secrets that contain registry credentials or a certificate. Messages never contain their text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from components.settings.errors import SettingError
from components.settings.secret_keys import IMAGE_PULL_CONFIG, PROJECT, TLS_CERTIFICATE, TLS_PRIVATE_KEY
from components.settings.sections.exposure import Exposure
from components.settings.sections.image import Image

SET_PULL_CONFIG: Final = f"pulumi config set --secret {IMAGE_PULL_CONFIG} < ~/.docker/config.json"
PEM: Final = {
    TLS_CERTIFICATE: (("-----BEGIN CERTIFICATE-----",), "certificate, its chain below it"),
    TLS_PRIVATE_KEY: (
        ("-----BEGIN PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----", "-----BEGIN EC PRIVATE KEY-----"),
        "private key without a passphrase",
    ),
}
"""Beginnings of the text of each key, and its description."""


def setting_errors(texts: Mapping[str, str], image: Image | None, exposure: Exposure | None) -> Iterator[SettingError]:
    """Errors of the secrets, and of settings that need them.

    Args:
        texts: the text of each secret of the stack, by its key.
        image, exposure: the sections; None for an invalid one.
    """
    if (content := texts.get(IMAGE_PULL_CONFIG)) is not None:
        yield from _pull_errors(content, image)
    yield from _tls_errors(texts, exposure)


def _pull_errors(content: str, image: Image | None) -> Iterator[SettingError]:
    key = f"{PROJECT}:{IMAGE_PULL_CONFIG}"
    if image is not None and image.pull_secret is not None:
        rule = f"creates a Secret, and {PROJECT}:image.pull_secret names another one"
        yield SettingError(key=key, value=None, rule=rule, remedy="remove one of the two")
    if (rule := _login_rule(content)) is not None:
        yield SettingError(key=key, value=content, rule=rule, remedy=SET_PULL_CONFIG, secret=True)


def _login_rule(content: str) -> str | None:
    """The rule that a Docker configuration breaks, if any."""
    try:
        config: Any = json.loads(content)
    except ValueError:
        return "is not the JSON of a Docker configuration file"
    entries: Any = cast("dict[str, Any]", config).get("auths") if isinstance(config, dict) else None
    if not isinstance(entries, dict) or not entries:
        return "has no credentials under `auths`"
    logins = cast("dict[str, Any]", entries)
    empty = [name for name, login in logins.items() if not isinstance(login, dict) or not _has_login(login)]  # pyright: ignore[reportUnknownArgumentType]
    if empty:
        return f"has no credentials for {', '.join(empty)}: a credential store of this machine keeps them"
    return None


def _has_login(login: dict[str, Any]) -> bool:
    return bool(login.get("auth") or (login.get("username") and login.get("password")))


def _tls_errors(texts: Mapping[str, str], exposure: Exposure | None) -> Iterator[SettingError]:
    used = exposure is not None and exposure.gateway is not None and exposure.gateway.tls.from_stack
    for key, (beginnings, what) in PEM.items():
        full, text = f"{PROJECT}:{key}", texts.get(key)
        remedy = f"pulumi config set --secret {key} < FILE"
        if text is None:
            if used:
                rule = "is missing with a certificate of your own"
                yield SettingError(key=full, value=None, rule=rule, remedy=remedy)
        elif exposure is not None and not used:
            rule = 'belongs to a Gateway with tls of kind "secret" and without a name'
            yield SettingError(
                key=full, value=None, rule=rule, remedy=f"pulumi config rm {key}, or change the exposure"
            )
        elif not text.strip().startswith(beginnings):
            rule = f"is not a PEM file with a {what}"
            yield SettingError(key=full, value=text, rule=rule, remedy=remedy, secret=True)
