"""Keys of the instance that are in Secrets which exist outside the stack."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from components.settings.types import KubernetesName, Model

SecretKey = Annotated[str, Field(pattern=r"^[-._a-zA-Z0-9]+\Z", max_length=253, title="key of a Secret")]
"""https://kubernetes.io/docs/concepts/configuration/secret/#restriction-names-data."""


class ExistingSecret(Model):
    """One key of a Secret in the instance's namespace."""

    name: KubernetesName
    """Name of the Secret in the instance's namespace. Pods wait until it exists."""
    key: SecretKey = "key"
    """Key of the value in that Secret."""


class ExistingSecrets(Model):
    """Keys that the stack does not generate, because a Secret has them."""

    fernet: ExistingSecret | None = None
    """The Fernet key, or several with commas; default: generated."""
    jwt: ExistingSecret | None = None
    """The key that signs tokens of the API and of tasks; default: generated."""
    api: ExistingSecret | None = None
    """The key of sessions of the UI and of log servers; default: generated."""
