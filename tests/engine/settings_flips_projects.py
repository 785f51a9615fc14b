"""Effects of each single setting of projects, on Google Cloud: see settings_flips_gcp.py for the stack."""

from __future__ import annotations

from typing import Final

from tests.engine.settings_effects import Changes, Flip, Flips, Protected, Refused

FACTS: Final = Changes(
    updates={"dag-processor", "scheduler", "triggerer", "worker"}, replaces={"project-package", "task-template"}
)
"""The file with the facts of projects, and the pods that mount it."""
ENTRIES: Final = Changes(replaces={"entries-job"})
"""The Job that writes pools and variables."""
READERS: Final = ("api-server", "dag-processor", "triggerer")
PREFIX: Final = Changes(
    # The annotation of an account waits for the rights of its identity.
    updates={*READERS, *(f"access-{reader}-account" for reader in READERS)},
    replaces={
        *(f"{reader}-options" for reader in READERS),
        *(f"cloud-identities-{reader}-secrets" for reader in READERS),
    },
)
"""Those that read the secrets backend, and their rights on secrets."""
BUCKET: Final = Protected({"cloud-projects-sales-bucket"})
FLIPS: Final[Flips] = {
    "projects[].name": Flip("weather", BUCKET),
    "projects[].config": Flip({"UNIT": "dollar"}, Changes(replaces={"project-sales-config"})),
    "projects[].secrets": Flip(
        ["BIG_SECRET"], Refused("project_secrets.sales.BIG_SECRET is missing, and airflow:projects lists it")
    ),
    "projects[].dags": Flip("other", Refused("projects[0].dags: 'other' is not the name of a source in airflow:dags")),
    "projects[].data.kind": Flip({"kind": "none"}, BUCKET),
    "projects[].data.size_gib": Flip(
        5, Refused("projects[0].data.size_gib: 5 belongs to a key that is not known here")
    ),
    "projects[].data.storage_class": Flip(
        "fast", Refused("projects[0].data.storage_class: 'fast' belongs to a key that is not known here")
    ),
    "projects[].data.access_mode": Flip(
        "ReadWriteMany",
        Refused("projects[0].data.access_mode: 'ReadWriteMany' belongs to a key that is not known here"),
    ),
    "projects[].pool.slots": Flip(8, ENTRIES),
    "pools[].name": Flip("other", ENTRIES),
    "pools[].slots": Flip(8, ENTRIES),
    "pools[].description": Flip("of the night", ENTRIES),
    "pools[].include_deferred": Flip(True, ENTRIES),
    "variables": Flip({"region": "asia"}, ENTRIES),
    "secrets_backend.kind": Flip(
        {"kind": "key_vault"},
        Refused("secrets_backend.kind: 'key_vault' is a service of cloud 'azure', and the cloud is 'gcp'"),
    ),
    "secrets_backend.connections_prefix": Flip("team-connections", PREFIX),
    "secrets_backend.variables_prefix": Flip("team-variables", PREFIX),
    "existing_secrets.fernet.name": Flip("mine", Protected({"secrets-fernet-key"})),
    "existing_secrets.fernet.key": Flip("mine", Refused("existing_secrets.fernet.name is missing")),
    "existing_secrets.jwt.name": Flip("mine", Protected({"secrets-jwt-key"})),
    "existing_secrets.jwt.key": Flip("mine", Refused("existing_secrets.jwt.name is missing")),
    "existing_secrets.api.name": Flip("mine", Protected({"secrets-api-key"})),
    "existing_secrets.api.key": Flip("mine", Refused("existing_secrets.api.name is missing")),
    "projects[].node_selector": Flip({"disk": "fast"}, FACTS),
    "projects[].toleration.key": Flip("tpu", FACTS),
    "projects[].toleration.value": Flip("a100", FACTS),
    "projects[].toleration.effect": Flip("NoExecute", FACTS),
    "projects[].image": Flip("registry.example.org/task:1", FACTS),
}
