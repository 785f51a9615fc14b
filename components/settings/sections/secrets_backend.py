"""A service of the cloud in which Airflow looks for connections and variables first."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from components.settings.types import Model

PREFIX: Final = r"^[A-Za-z0-9_-]*[A-Za-z0-9_]\Z"
"""SECRET_ID_PATTERN in airflow/providers/google/cloud/_internal_client/secret_manager_client.py, 22.5.0; a dash follows
the prefix."""

VAULT_PREFIX: Final = r"^[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]\Z"
"""https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates#object-identifiers."""


class _SecretsBackend(Model):
    """Common interface of all backends, so that no other module distinguishes them."""

    CLOUD: ClassVar[str]
    """The kind of cloud that has the service."""

    connections_prefix: str
    variables_prefix: str

    @property
    def prefixes(self) -> tuple[str, str]:
        """Beginnings of the names of all secrets that Airflow reads, with the separator."""
        return f"{self.connections_prefix}-", f"{self.variables_prefix}-"


class SecretManager(_SecretsBackend):
    """Secret Manager of Google Cloud, in the stack's own project."""

    CLOUD: ClassVar[str] = "gcp"

    kind: Literal["secret_manager"]
    connections_prefix: Annotated[str, Field(pattern=PREFIX, max_length=100, title="prefix")] = "airflow-connections"
    """Beginning of the names of connections: the secret `PREFIX-ID` is the connection `ID`, as a URI or as JSON."""
    variables_prefix: Annotated[str, Field(pattern=PREFIX, max_length=100, title="prefix")] = "airflow-variables"
    """Beginning of the names of variables: the secret `PREFIX-KEY` is the variable `KEY`."""


class KeyVault(_SecretsBackend):
    """Key Vault of Azure: a vault of the stack, which only Airflow reads and to which you write."""

    CLOUD: ClassVar[str] = "azure"

    kind: Literal["key_vault"]
    connections_prefix: Annotated[str, Field(pattern=VAULT_PREFIX, max_length=60, title="prefix")] = (
        "airflow-connections"
    )
    """Beginning of the names of connections: the secret `PREFIX-ID` is the connection `ID`, as a URI or as JSON; dashes
    stand for the underscores of `ID`."""
    variables_prefix: Annotated[str, Field(pattern=VAULT_PREFIX, max_length=60, title="prefix")] = "airflow-variables"
    """Beginning of the names of variables: the secret `PREFIX-KEY` is the variable `KEY`; dashes stand for the
    underscores of `KEY`."""


SecretsBackend = Annotated[SecretManager | KeyVault, Field(discriminator="kind")]
