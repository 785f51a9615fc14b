"""All rules of the pack."""

from __future__ import annotations

from typing import Final

from policies.rule import Rule
from policies.rules import (
    azure_cluster,
    azure_database,
    azure_network,
    azure_storage,
    exposure,
    gcp_cluster,
    gcp_database,
    gcp_network,
    gcp_storage,
    kubernetes_pods,
    protection,
    secrets,
)

RULES: Final[tuple[Rule, ...]] = (
    *gcp_cluster.RULES,
    *gcp_database.RULES,
    *gcp_network.RULES,
    *gcp_storage.RULES,
    *azure_cluster.RULES,
    *azure_database.RULES,
    *azure_network.RULES,
    *azure_storage.RULES,
    *kubernetes_pods.RULES,
    *exposure.RULES,
    *secrets.RULES,
    *protection.RULES,
)
