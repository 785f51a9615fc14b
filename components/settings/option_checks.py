"""Options of airflow.cfg that would break the deployment, or put a secret where it can be read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from components.settings.errors import SettingError
from components.settings.secret_keys import CONNECTIONS, PROJECT, SECRET_OPTIONS
from components.settings.sections.exposure import Exposure
from components.settings.sections.options import AirflowOptions, Option, Reserved

OPTION_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
"""Names that can be part of an environment variable."""
SECRET_NAME: Final = re.compile(
    r"(?:.*_)?(?:password|passwd|token|secret|secret_key|private_key|api_key|access_key|dsn)"
)
"""Names of options whose value is a secret, whichever provider they belong to."""
SENSITIVE: Final = frozenset(
    {
        ("core", "asset_manager_kwargs"),
        ("database", "sql_alchemy_engine_args"),
        ("logging", "remote_task_handler_kwargs"),
        ("secrets", "backend_kwargs"),
        ("workers", "secrets_backend_kwargs"),
        ("celery_broker_transport_options", "sentinel_kwargs"),
        ("celery_result_backend_transport_options", "sentinel_kwargs"),
    }
)
"""Options that Airflow 3.3.2 and its providers mark as sensitive (config.yml, get_provider_info.py), beyond
reserved options and SECRET_NAME. Each is a JSON object, and a secret only if it contains a credential."""
SMTP_LOGIN: Final = (
    "is not read by Airflow 3, which takes the login from the connection smtp_default",
    f"set that connection: pulumi config set --secret --path '{PROJECT}:{CONNECTIONS}.smtp_default'",
)
UNREAD: Final[Mapping[Option, tuple[str, str]]] = {
    ("smtp", "smtp_password"): SMTP_LOGIN,
    ("smtp", "smtp_user"): SMTP_LOGIN,
}
"""Options that Airflow ignores, with rule and remedy, https://github.com/apache/airflow/blob/3.3.2/airflow-core/src/
airflow/cli/commands/config_command.py."""
CREDENTIAL: Final = re.compile(
    r"""["'](?:\w*_)?(?:password|passwd|token|secret|secret_id|key|sas)["']\s*:""", re.IGNORECASE
)
"""A key of a JSON object whose value is a credential."""
URL_PASSWORD: Final = re.compile(r"://[^/@\s]*:[^/@\s]+@")
SECRETS_BACKEND: Final = "https://airflow.apache.org/docs/apache-airflow/stable/howto/set-config.html"


def setting_errors(options: AirflowOptions, exposure: Exposure | None, reserved: Reserved) -> Iterator[SettingError]:
    """Errors of all options. Messages never contain values of options that may be secrets."""
    for section, chosen in options.items():
        for option, value in chosen.items():
            yield from _option_errors(section, option, value, exposure, reserved)


def owner(option: Option, reserved: Reserved) -> tuple[str, str] | None:
    """The rule and the remedy of an option that the program sets or relies on, or that Airflow ignores; None for every
    other."""
    section, name = option
    if option in UNREAD:
        return UNREAD[option]
    # Airflow also reads the value from a command or a secrets backend, under these names.
    names = (name, name.removesuffix("_cmd"), name.removesuffix("_secret"))
    owned = [(section, each) for each in names if (section, each) in reserved]
    if not owned:
        return None
    decides = reserved[owned[0]]
    if decides is None:
        return "is set by this program", "remove it"
    return f"is decided by {decides}", f"remove it, and set {decides}"


def secret_command(section: str, option: str) -> str:
    """The command that sets an option that is a secret."""
    return f"pulumi config set --secret --path '{PROJECT}:{SECRET_OPTIONS}.{section}.{option}'"


def encrypted() -> SettingError:
    """The error of encrypted options: the program would write them in clear text."""
    return SettingError(
        key=f"{PROJECT}:options",
        value=None,
        rule="has an encrypted value, and options are written in clear text to a ConfigMap",
        remedy=(
            "remove that option with `pulumi config rm --path airflow:options.SECTION.OPTION`, and set it again: "
            f"{secret_command('SECTION', 'OPTION')}"
        ),
    )


def _option_errors(
    section: str, option: str, value: str, exposure: Exposure | None, reserved: Reserved
) -> Iterator[SettingError]:
    key = f"{PROJECT}:options.{section}.{option}"
    where, name = section.lower(), option.lower()
    owned = owner((where, name), reserved)
    if not OPTION_NAME.fullmatch(section) or not OPTION_NAME.fullmatch(option):
        yield SettingError(
            key=key, value=None, rule="is not a name of a section and an option", remedy="write both as in airflow.cfg"
        )
    elif owned is not None:
        yield SettingError(key=key, value=None, rule=owned[0], remedy=owned[1])
    elif is_secret(where, name, value):
        yield SettingError(
            key=key,
            value=None,
            rule="is a secret, and options are written in clear text to a ConfigMap",
            remedy=(
                f"remove it, and set it again: {secret_command(where, name)}; or keep the value in your secrets "
                f"backend and set {name}_secret to its name there ({SECRETS_BACKEND})"
            ),
        )
    elif exposure is not None and exposure.gateway is not None and (where, name) == ("api", "base_url"):
        yield SettingError(key=key, value=None, rule="is set to the host of the exposure", remedy="remove it")
    elif (where, name) == ("api", "base_url") and urlsplit(value).path.strip("/"):
        rule = "has a path, and probes and tasks expect the API without one"
        yield SettingError(key=key, value=value, rule=rule, remedy="use a host of its own, without a path")


def is_secret(section: str, option: str, value: str) -> bool:
    """Whether the value of an option, or of any other name, is a secret by its name or by its content."""
    base = option.removesuffix("_secret")
    # Both refer to the value and do not contain it.
    if option.endswith("_cmd") or (base != option and (SECRET_NAME.fullmatch(base) or (section, base) in SENSITIVE)):
        return False
    if SECRET_NAME.fullmatch(option) or URL_PASSWORD.search(value):
        return True
    return (section, option) in SENSITIVE and CREDENTIAL.search(value) is not None
