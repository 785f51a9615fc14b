"""Login by an identity provider or a directory: FAB's configuration, its secret, and the redirect URI to register."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

import pulumi
from pulumi_kubernetes.core.v1 import SecretVolumeSourceArgs, VolumeArgs, VolumeMountArgs

from components.airflow.context import InstanceContext
from components.airflow.feature import Feature, PodOverlay
from components.airflow.network.external_access import base_url
from components.airflow.pods.scripts import script
from components.airflow.secrets.provided import create_secret
from components.airflow.volumes import create_files
from components.contract.workloads import Workload
from components.settings.auth_checks import CONFIG_FILE
from components.settings.loader import required_secret
from components.settings.sections.accounts import ExternalLogin
from components.settings.sections.options import Reserved
from components.settings.stack import Settings

FOLDER: Final = "/opt/airflow-login"
"""The folder of FAB's configuration in the api-server. Not below Airflow's own folder, where images have theirs."""
SECRETS_FOLDER: Final = "/etc/airflow-login"
FAB_CONFIG: Final = "webserver_config.py"
CA_FILE: Final = "ca.pem"
READERS: Final[frozenset[Workload]] = frozenset({"api-server"})

RESERVED: Final[Reserved] = {}
"""Accounts with a password need no file, and an image may have one of its own; the settings refuse both together."""


def create_feature(context: InstanceContext) -> Feature:
    """The files and the secret of the api-server; empty where the database has all accounts."""
    login = context.settings.auth.external
    if login is None:
        return Feature()
    mount = VolumeMountArgs(name="login", mount_path=FOLDER, read_only=True)
    files = {FAB_CONFIG: script(FAB_CONFIG), "login.json": login_json(context.settings, login)}
    if login.ca_certificate is not None:
        files[CA_FILE] = login.ca_certificate
    overlays = [
        PodOverlay(workloads=READERS, default_options={CONFIG_FILE: f"{FOLDER}/{FAB_CONFIG}"}),
        *create_files(context, "login", volume="login", owner="login", files=files, workloads=READERS, mounts=[mount]),
        *_secret(context, login),
    ]
    outputs: dict[str, pulumi.Input[str]] = {}
    if login.provider is not None:
        outputs["auth_redirect_uri"] = f"{base_url(context.settings)}/auth/oauth-authorized/{login.provider}"
    return Feature(overlays=overlays, outputs=outputs)


def login_json(settings: Settings, login: ExternalLogin) -> str:
    """The values of webserver_config.py; no secret is among them."""
    values = {
        **login.config,
        "roles": dict(settings.auth.group_roles),
        "local_users": sorted({settings.admin.username.lower(), *settings.auth.local_names}),
        "secrets": SECRETS_FOLDER,
        "ca_file": "" if login.ca_certificate is None else f"{FOLDER}/{CA_FILE}",
    }
    return json.dumps(values, sort_keys=True, indent=1)


def _secret(context: InstanceContext, login: ExternalLogin) -> Sequence[PodOverlay]:
    """The volume with the login's secret, in the api-server alone."""
    volume, mounts = "login-secret", [VolumeMountArgs(name="login-secret", mount_path=SECRETS_FOLDER, read_only=True)]
    if login.existing_secret is not None:
        source = SecretVolumeSourceArgs(secret_name=login.existing_secret, default_mode=0o440)
        return [
            PodOverlay(workloads=READERS, volumes=[VolumeArgs(name=volume, secret=source)], mounts=mounts),
        ]
    content = {login.secret_key.replace("_", "-"): required_secret(login.secret_key).apply(_line)}
    return create_secret(context, "login", content, READERS).overlays(volume, mounts)


def _line(text: str) -> str:
    """The text without the line break at its end that a file of a secret often has."""
    return text.rstrip("\r\n")
