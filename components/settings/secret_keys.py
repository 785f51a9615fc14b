"""Names of the secret keys in a stack's config."""

from __future__ import annotations

from typing import Final

PROJECT: Final = "airflow"
METADATA_URL: Final = "metadata_database_url"
RESULT_URL: Final = "result_database_url"
IMAGE_PULL_CONFIG: Final = "image_pull_config"
GIT_CREDENTIALS: Final = "git_credentials"
TLS_CERTIFICATE: Final = "tls_certificate"
TLS_PRIVATE_KEY: Final = "tls_private_key"
PROJECT_SECRETS: Final = "project_secrets"
"""A map: values by project and name."""
AUTH_CLIENT_SECRET: Final = "auth_client_secret"  # noqa: S105 - the name of a key
AUTH_BIND_PASSWORD: Final = "auth_bind_password"  # noqa: S105 - the name of a key
USER_PASSWORDS: Final = "user_passwords"
"""A map: passwords by login name."""
CONNECTIONS: Final = "connections"
"""A map: URI or fields by id."""
SECRET_VARIABLES: Final = "secret_variables"  # noqa: S105 - the name of a key
"""A map: text by key."""
SECRET_ENVIRONMENT: Final = "secret_environment"  # noqa: S105 - the name of a key
"""A map: values by name of the variable."""
FERNET_KEY: Final = "fernet_key"
JWT_SECRET: Final = "jwt_secret"  # noqa: S105 - the name of a key
API_SECRET_KEY: Final = "api_secret_key"  # noqa: S105 - the name of a key
BROKER_PASSWORD: Final = "broker_password"  # noqa: S105 - the name of a key
SECRET_OPTIONS: Final = "secret_options"  # noqa: S105 - the name of a key
"""A map: values by section and option of airflow.cfg."""
SECRETS: Final = frozenset(
    {
        METADATA_URL,
        RESULT_URL,
        IMAGE_PULL_CONFIG,
        TLS_CERTIFICATE,
        TLS_PRIVATE_KEY,
        PROJECT_SECRETS,
        GIT_CREDENTIALS,
        USER_PASSWORDS,
        CONNECTIONS,
        SECRET_VARIABLES,
        SECRET_ENVIRONMENT,
        SECRET_OPTIONS,
        FERNET_KEY,
        JWT_SECRET,
        API_SECRET_KEY,
        BROKER_PASSWORD,
        AUTH_CLIENT_SECRET,
        AUTH_BIND_PASSWORD,
    }
)
"""Secret keys of the stack: read where they are used, checked with the settings, and not part of them."""
