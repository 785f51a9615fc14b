"""Checks of accounts and roles, and of the secrets that logins need. Messages never contain the text of a secret."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from components.settings.errors import SettingError, nearest
from components.settings.secret_keys import AUTH_BIND_PASSWORD, AUTH_CLIENT_SECRET, PROJECT, USER_PASSWORDS
from components.settings.secret_maps import json_map
from components.settings.sections.accounts import BUILTIN_ROLES, Accounts, ExternalLogin
from components.settings.sections.admin import Admin
from components.settings.sections.options import AirflowOptions

KEY: Final = f"{PROJECT}:auth"
PASSWORDS_KEY: Final = f"{PROJECT}:{USER_PASSWORDS}"
PASSWORD_CHARACTERS_MIN: Final = 12
LOGIN_SECRETS: Final = (AUTH_CLIENT_SECRET, AUTH_BIND_PASSWORD)
CONFIG_FILE: Final = ("fab", "config_file")
SESSION_OPTIONS: Final = (("fab", "session_lifetime_minutes"), ("api_auth", "jwt_expiration_time"))


def setting_errors(
    auth: Accounts, admin: Admin, options: AirflowOptions, texts: Mapping[str, str], secret: Collection[str]
) -> Iterator[SettingError]:
    """Errors between accounts, roles, options and secrets.

    Args:
        auth: the section.
        admin: the first user.
        options: additional options of airflow.cfg.
        texts: the text of each secret of the stack, by its key.
        secret: the keys that the stack keeps encrypted.
    """
    yield from _user_errors(auth, admin)
    yield from _role_errors(auth)
    yield from _option_errors(auth, options)
    yield from _password_errors(auth, texts.get(USER_PASSWORDS), encrypted=USER_PASSWORDS in secret)
    for key in LOGIN_SECRETS:
        yield from _login_secret_errors(key, auth.external, texts.get(key), encrypted=key in secret)


def _user_errors(auth: Accounts, admin: Admin) -> Iterator[SettingError]:
    """Accounts of one name or of one e-mail address; Airflow compares names without regard to case."""
    names = {admin.username.lower(): f"{PROJECT}:admin"}
    emails = {admin.email.lower(): f"{PROJECT}:admin"}
    for index, user in enumerate(auth.users):
        key = f"{KEY}.users[{index}]"
        if (other := names.setdefault(user.username.lower(), key)) != key:
            rule = f"is also the login name of {other}, and Airflow does not distinguish upper and lower case"
            yield SettingError(key=f"{key}.username", value=user.username, rule=rule, remedy="choose another name")
        if (other := emails.setdefault(user.email.lower(), key)) != key:
            rule = f"is also the e-mail address of {other}, and each account has its own"
            yield SettingError(key=f"{key}.email", value=user.email, rule=rule, remedy="use another address")
        yield from _unknown_role(f"{key}.role", user.role, auth)


def _role_errors(auth: Accounts) -> Iterator[SettingError]:
    for role in auth.custom_roles:
        if role in BUILTIN_ROLES:
            yield SettingError(
                key=f"{KEY}.custom_roles.{role}",
                value=None,
                rule="is a role of Airflow itself, whose permissions each new version sets again",
                remedy="choose another name",
            )

    for group, role in auth.group_roles.items():
        yield from _unknown_role(f"{KEY}.roles.{group}", role, auth)
    if auth.external is not None and not auth.group_roles:
        rule = "is missing, and so is member_role: nobody could log in"
        yield SettingError(key=f"{KEY}.roles", value=None, rule=rule, remedy="set one of the two")


def _unknown_role(key: str, role: str, auth: Accounts) -> Iterator[SettingError]:
    if role not in auth.role_names:
        rule = "is neither a role of Airflow nor one of custom_roles"
        yield SettingError(key=key, value=role, rule=rule, remedy=nearest(role, auth.role_names))


def _option_errors(auth: Accounts, options: AirflowOptions) -> Iterator[SettingError]:
    """Options of airflow.cfg that say the same as the section."""
    decided = {
        **(dict.fromkeys(SESSION_OPTIONS, "session_minutes") if auth.session_minutes is not None else {}),
        **({CONFIG_FILE: "kind"} if auth.external is not None else {}),
    }
    for where, chosen in options.items():
        for name in chosen:
            decides = decided.get((where.lower(), name.lower()))
            if decides is not None:
                rule = f"is decided by {KEY}.{decides}"
                key = f"{PROJECT}:options.{where}.{name}"
                yield SettingError(key=key, value=None, rule=rule, remedy="remove one of the two")


def _login_secret_errors(
    name: str, login: ExternalLogin | None, text: str | None, *, encrypted: bool
) -> Iterator[SettingError]:
    """A secret that the login needs and the stack lacks, and one that nothing reads."""
    key, command = f"{PROJECT}:{name}", f"pulumi config set --secret {name}"
    used = login is not None and login.secret_key == name
    if text is None:
        if login is not None and used and login.existing_secret is None:
            rule = f"is missing, and {KEY} logs in with it"
            yield SettingError(key=key, value=None, rule=rule, remedy=f"{command}, or name an existing Secret")
        return
    if not encrypted:
        rule = "is in the stack file in clear text"
        yield SettingError(key=key, value=None, rule=rule, remedy=f"renew it, and set it again: {command}")
    if login is None or not used:
        rule = f"is used by no login of this kind of {KEY}"
        yield SettingError(key=key, value=None, rule=rule, remedy=f"pulumi config rm {name}, or change the kind")
    elif login.existing_secret is not None:
        rule = f"creates a Secret, and {KEY} names another one"
        yield SettingError(key=key, value=None, rule=rule, remedy="remove one of the two")
    elif not text.strip():
        yield SettingError(key=key, value=None, rule="is empty", remedy=command)


def _password_errors(auth: Accounts, text: str | None, *, encrypted: bool) -> Iterator[SettingError]:
    if text is None:
        return
    found = json_map(text)
    if found is None:
        rule = "is not a map of login names and passwords"
        yield SettingError(key=PASSWORDS_KEY, value=None, rule=rule, remedy=f"set one at a time: {_command('NAME')}")
        return
    if not encrypted:
        rule = "is in the stack file in clear text"
        yield SettingError(key=PASSWORDS_KEY, value=None, rule=rule, remedy="set it with --secret, and renew it")
    names = [user.username for user in auth.users]
    for name, password in found.items():
        yield from _one_password(name, password, names)


def _one_password(name: str, password: object, names: Collection[str]) -> Iterator[SettingError]:
    key = f"{PASSWORDS_KEY}.{name}"
    if name not in names:
        remedy = f"pulumi config rm --path '{key}'"
        if names:
            remedy = f"{nearest(name, names)}; to remove it: {remedy}"
        yield SettingError(key=key, value=None, rule=f"belongs to no account of {KEY}.users", remedy=remedy)
    elif not isinstance(password, str) or len(password) < PASSWORD_CHARACTERS_MIN:
        rule = f"is not a text of at least {PASSWORD_CHARACTERS_MIN} characters"
        yield SettingError(key=key, value=None, rule=rule, remedy=_command(name))


def _command(name: str) -> str:
    return f"pulumi config set --secret --path '{PASSWORDS_KEY}.{name}'"
