"""A service of the cloud in which Airflow looks for connections and variables first."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from components.settings.types import Model

PREFIX: Final = r"^[A-Za-z0-9_-]*[A-Za-z0-9_]\Z"
"""SECRET_ID_PATTERN in airflow/providers/google/cloud/_internal_client/secret_manager_client.py, 22.5.0; a dash follows
the prefix."""


class SecretManager(Model):
    """Secret Manager of Google Cloud, in the stack's own project."""

    kind: Literal["secret_manager"]
    connections_prefix: Annotated[str, Field(pattern=PREFIX, max_length=100, title="prefix")] = "airflow-connections"
    """Beginning of the names of connections: the secret `PREFIX-ID` is the connection `ID`, as a URI or as JSON."""
    variables_prefix: Annotated[str, Field(pattern=PREFIX, max_length=100, title="prefix")] = "airflow-variables"
    """Beginning of the names of variables: the secret `PREFIX-KEY` is the variable `KEY`."""

    @property
    def prefixes(self) -> tuple[str, str]:
        """Beginnings of the names of all secrets that Airflow reads, with the separator."""
        return f"{self.connections_prefix}-", f"{self.variables_prefix}-"


SecretsBackend = SecretManager
