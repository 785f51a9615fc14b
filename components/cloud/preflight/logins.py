"""Tokens of the logins that the engine's plugins use: Application Default Credentials, and the Azure CLI or Entra.

The libraries take about a second to load, so they are imported only when a preflight runs.
"""

from __future__ import annotations

import os
from typing import Any, Final, cast

from components.cloud.preflight.management import RefusedError

GOOGLE_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform.read-only"
GOOGLE_TOKEN_VARIABLES: Final = ("GOOGLE_OAUTH_ACCESS_TOKEN", "CLOUDSDK_AUTH_ACCESS_TOKEN")
"""Environment variables with a token; the plugin also reads the first,
https://www.pulumi.com/registry/packages/gcp/installation-configuration/."""
AZURE_SCOPE: Final = "https://management.azure.com/.default"
AZURE_TOKEN_VARIABLE: Final = "AZURE_ACCESS_TOKEN"  # noqa: S105 - the name of a variable
"""Environment variable with a token for the management API."""


def google_token() -> str:
    """A token of the Application Default Credentials.

    Raises:
        RefusedError: there are none, or they are not accepted.
    """
    if token := next(filter(None, map(os.environ.get, GOOGLE_TOKEN_VARIABLES)), None):
        return token
    import google.auth  # pyright: ignore[reportMissingTypeStubs]
    from google.auth.exceptions import GoogleAuthError  # pyright: ignore[reportMissingTypeStubs]
    from google.auth.transport.requests import Request  # pyright: ignore[reportMissingTypeStubs]

    try:
        credentials = cast("Any", google.auth).default(scopes=[GOOGLE_SCOPE])[0]
        credentials.refresh(Request())
    except GoogleAuthError as error:
        raise RefusedError(f"no usable Application Default Credentials ({error})", 401) from None
    return str(credentials.token)


def azure_token() -> str:
    """A token of the service principal in ARM_* variables, else of the Azure CLI, a managed or a workload identity.

    Raises:
        RefusedError: there is no login, or it is not accepted.
    """
    if token := os.environ.get(AZURE_TOKEN_VARIABLE):
        return token
    from azure.core.exceptions import ClientAuthenticationError
    from azure.identity import ClientSecretCredential, CredentialUnavailableError, DefaultAzureCredential

    tenant, client, secret = (os.environ.get(f"ARM_{name}") for name in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET"))
    try:
        if tenant and client and secret:
            return ClientSecretCredential(tenant, client, secret).get_token(AZURE_SCOPE).token
        return DefaultAzureCredential().get_token(AZURE_SCOPE).token
    except (ClientAuthenticationError, CredentialUnavailableError) as error:
        reason = str(error).splitlines()[0]
        raise RefusedError(f"no usable login to Azure ({reason})", 401) from None
