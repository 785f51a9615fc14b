"""Checks of the secrets backend, and of connections that something else hides."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from components.settings.errors import SettingError
from components.settings.secret_keys import CONNECTIONS, PROJECT
from components.settings.sections.cloud import Cloud
from components.settings.sections.logs import Logs
from components.settings.sections.options import AirflowOptions
from components.settings.sections.secrets_backend import SecretsBackend

KEY: Final = f"{PROJECT}:secrets_backend"
OPTIONS: Final = ("backend", "backend_kwargs")
BY_IDENTITY: Final = {"gcp": ("google_cloud_default",), "azure": ("azure_default",), "existing": ()}
"""Connections that the program sets as variables of the environment, by kind of cloud."""
LOG_STORE: Final = "wasb_default"
"""The connection to the log store on Azure."""


def setting_errors(
    backend: SecretsBackend | None, cloud: Cloud | None, options: AirflowOptions
) -> Iterator[SettingError]:
    """Errors of the backend.

    Args:
        backend: the section; None without it.
        cloud: the cloud; None is unknown.
        options: additional options of airflow.cfg.
    """
    if backend is None:
        return
    if cloud is not None and cloud.kind != backend.CLOUD:
        rule = f"is a service of cloud {backend.CLOUD!r}, and the cloud is {cloud.kind!r}"
        remedy = f"choose the service of the cloud, or set the options of a backend in {PROJECT}:options.secrets"
        yield SettingError(key=f"{KEY}.kind", value=backend.kind, rule=rule, remedy=remedy)
    first, second = backend.prefixes
    if first.startswith(second) or second.startswith(first):
        rule = "begins like the other prefix, and one name would be a connection and a variable"
        yield SettingError(
            key=f"{KEY}.variables_prefix", value=backend.variables_prefix, rule=rule, remedy="choose another one"
        )
    for option in OPTIONS:
        if option in options.get("secrets", {}):
            rule = f"is decided by {KEY}"
            yield SettingError(
                key=f"{PROJECT}:options.secrets.{option}", value=None, rule=rule, remedy="remove one of the two"
            )


def hidden_errors(connections: str | None, cloud: Cloud | None, logs: Logs | None) -> Iterator[SettingError]:
    """Errors of connections that have no effect, because a variable of the environment has the same name.

    Args:
        connections: the text of the secret; None without it.
        cloud: the cloud; None is unknown.
        logs: storage of task logs; None is the default.
    """
    if connections is None or cloud is None:
        return
    try:
        values: Any = json.loads(connections)
    except ValueError:
        return
    hidden = [*BY_IDENTITY[cloud.kind]]
    if cloud.kind == "azure" and (logs is None or logs.store is not None):
        hidden.append(LOG_STORE)
    for name in hidden:
        if isinstance(values, dict) and name in values:
            rule = "is the connection that pods have by their identity, which takes precedence"
            yield SettingError(key=f"{PROJECT}:{CONNECTIONS}.{name}", value=None, rule=rule, remedy="choose another id")
