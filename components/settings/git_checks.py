"""Checks of the credentials of git repositories. Messages never contain their text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast
from urllib.parse import urlsplit

from components.settings.errors import SettingError, nearest
from components.settings.secret_keys import GIT_CREDENTIALS, PROJECT
from components.settings.sections.dag_source import DagSource
from components.settings.sections.git_repository import GitRepository

KEY: Final = f"{PROJECT}:{GIT_CREDENTIALS}"
TOKEN: Final = "token"  # noqa: S105 - the name of a key
SSH_KEY: Final = "ssh_key"
KNOWN_HOSTS: Final = "known_hosts"
PRIVATE_KEY: Final = re.compile(r"-----BEGIN (?:OPENSSH |RSA |EC )?PRIVATE KEY-----\n")
HASHED: Final = "|1|"
"""Beginning of a host in known_hosts that only ssh can compare."""


def _command(name: str, key: str) -> str:
    source = " < FILE" if key != TOKEN else ""
    return f"pulumi config set --secret --path '{KEY}.{name}.{key}'{source}"


def setting_errors(text: str | None, sources: Sequence[DagSource] | None, *, encrypted: bool) -> Iterator[SettingError]:
    """Errors of the credentials, and of repositories that need some.

    Args:
        text: the secret `git_credentials` as JSON; None without it.
        sources: the sources of DAG files; None for an invalid section.
        encrypted: whether the stack keeps the secret encrypted.
    """
    try:
        credentials = {} if text is None else _credentials(text)
    except ValueError:
        yield SettingError(
            key=KEY,
            value=text,
            rule="is not a map of sources with a map of texts below each",
            remedy=f"set one value at a time: {_command('NAME', TOKEN)}",
            secret=True,
        )
        return
    if text is not None and not encrypted:
        yield SettingError(
            key=KEY, value=None, rule="is in the stack file in clear text", remedy="set it with --secret, and renew it"
        )
    if sources is None:
        return
    repositories = {source.name: (index, source.git) for index, source in enumerate(sources) if source.git is not None}
    for name in credentials.keys() - repositories.keys():
        remedy = f"pulumi config rm --path '{KEY}.{name}'"
        if repositories:
            remedy = f"{nearest(name, repositories)}; to remove it: {remedy}"
        yield SettingError(key=f"{KEY}.{name}", value=None, rule="belongs to no source of kind git", remedy=remedy)
    for name, (index, git) in repositories.items():
        yield from _repository_errors(f"{PROJECT}:dags[{index}]", name, git, credentials.get(name))


def _credentials(text: str) -> dict[str, dict[str, str]]:
    """The credentials by source and key.

    Raises:
        ValueError: the text is not JSON of this form.
    """
    found: Any = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("not a map")
    for entry in cast("dict[str, Any]", found).values():
        if not isinstance(entry, dict) or not all(
            isinstance(value, str) for value in cast("dict[str, Any]", entry).values()
        ):
            raise ValueError("not a map of texts")
    return cast("dict[str, dict[str, str]]", found)


def _repository_errors(
    source: str, name: str, git: GitRepository, given: Mapping[str, str] | None
) -> Iterator[SettingError]:
    """Errors of one repository and its credentials."""
    if given is None:
        if git.ssh and git.credentials_secret is None:
            yield SettingError(
                key=f"{source}.repository",
                value=git.repository,
                rule="is reached by SSH, and the stack has neither a key nor the keys of the server",
                remedy=f"{_command(name, SSH_KEY)}, and the same with {KNOWN_HOSTS}, or set credentials_secret",
            )
        return
    if git.credentials_secret is not None:
        yield SettingError(
            key=f"{KEY}.{name}",
            value=None,
            rule=f"creates a Secret, and {source}.credentials_secret names another one",
            remedy="remove one of the two",
        )
    wanted = (SSH_KEY, KNOWN_HOSTS) if git.ssh else (TOKEN,)
    protocol = "SSH" if git.ssh else "HTTPS"
    for key in given.keys() - set(wanted):
        yield SettingError(
            key=f"{KEY}.{name}.{key}",
            value=None,
            rule=f"is of no use to {source}.repository, an {protocol} URL, which takes {' and '.join(wanted)}",
            remedy=f"pulumi config rm --path '{KEY}.{name}.{key}', or change the URL",
        )
    for key in wanted:
        rule = _text_rule(git, key, given.get(key))
        if rule is not None:
            yield SettingError(
                key=f"{KEY}.{name}.{key}",
                value=given.get(key),
                rule=rule,
                remedy=f"ssh-keyscan {_host(git)[0]}, compare its answer with the keys that the server's operator "
                f"publishes, then {_command(name, key)}"
                if key == KNOWN_HOSTS
                else _command(name, key),
                secret=True,
            )


def _text_rule(git: GitRepository, key: str, text: str | None) -> str | None:
    """The rule that one value breaks; None if it is usable."""
    if text is None:
        return {
            TOKEN: "is missing",
            SSH_KEY: "is missing with an SSH URL",
            KNOWN_HOSTS: "is missing with an SSH key, and without the server's keys anyone could answer in its place",
        }[key]
    if key == TOKEN:
        return None if re.fullmatch(r"[!-~]+", text.strip()) else "is empty, or has spaces or letters outside ASCII"
    if key == SSH_KEY:
        return None if PRIVATE_KEY.match(text.lstrip()) else "is not a private key without a passphrase"
    hosts = [host for line in text.splitlines() for host in line.split(" ")[0].split(",") if not line.startswith("#")]
    entry = _host(git)[1]
    if any(host.startswith(HASHED) or host in (entry, "*") for host in hosts):
        return None
    return f"has no key of {entry}"


def _host(git: GitRepository) -> tuple[str, str]:
    """The arguments of ssh-keyscan, and the host as known_hosts has it."""
    if "://" not in git.repository:
        host = git.repository.partition("@")[2].partition(":")[0]
        return host, host
    url = urlsplit(git.repository)
    host, port = url.hostname or "", url.port or 22
    return (host, host) if port == 22 else (f"-p {port} {host}", f"[{host}]:{port}")
