"""The secrets backend: a service of the cloud in which Airflow looks for connections and variables first.

Tasks do not read it: they ask the api-server, which does. The triggerer and the dag-processor answer the same questions
of their own processes: `get_connection_from_secrets` in airflow/models/connection.py, `handle_get_connection` in
airflow/jobs/triggerer_job_runner.py and airflow/dag_processing/processor.py, 3.3.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pulumi

from components.airflow.context import InstanceContext
from components.airflow.feature import Feature, Options, PodOverlay
from components.contract.requirements import SECRET_READERS
from components.settings.sections.options import Reserved

SECRET_MANAGER: Final = "airflow.providers.google.cloud.secrets.secret_manager.CloudSecretManagerBackend"  # noqa: S105

KEY_VAULT: Final = "airflow.providers.microsoft.azure.secrets.key_vault.AzureKeyVaultBackend"

RESERVED: Final[Reserved] = {}


def create_feature(context: InstanceContext) -> Feature:
    """The backend's options for the workloads that read it; empty where the stack has none."""
    store, backend = context.cloud.secret_store, context.settings.secrets_backend
    if store is None or backend is None:
        return Feature()
    common = {
        "connections_prefix": backend.connections_prefix,
        "variables_prefix": backend.variables_prefix,
        # No option of airflow.cfg is looked for.
        "config_prefix": None,
    }
    match store.kind:
        case "secret_manager":
            return _feature(SECRET_MANAGER, {**common, "project_id": store.location})
        case "key_vault":
            return _feature(KEY_VAULT, {**common, "vault_url": store.location})


def _feature(name: str, arguments: Mapping[str, pulumi.Input[str] | None]) -> Feature:
    """The options of a backend, for the workloads that read it."""
    options: Options = {
        ("secrets", "backend"): name,
        ("secrets", "backend_kwargs"): pulumi.Output.json_dumps(arguments),
    }
    return Feature(overlays=[PodOverlay(workloads=SECRET_READERS, default_options=options)])
