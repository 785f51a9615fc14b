"""All rules of the pack."""

from __future__ import annotations

from collections.abc import Mapping
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

AREAS: Final[Mapping[str, tuple[Rule, ...]]] = {
    "GKE": gcp_cluster.RULES,
    "Cloud SQL": gcp_database.RULES,
    "Network on Google Cloud": gcp_network.RULES,
    "Storage and roles on Google Cloud": gcp_storage.RULES,
    "AKS": azure_cluster.RULES,
    "Azure Database for PostgreSQL": azure_database.RULES,
    "Network and roles on Azure": azure_network.RULES,
    "Storage and locks on Azure": azure_storage.RULES,
    "Pods, namespaces and roles in the cluster": kubernetes_pods.RULES,
    "External access": exposure.RULES,
    "Secrets in clear": secrets.RULES,
    "Protection and labels": protection.RULES,
}
"""The rules by what they are about."""
RULES: Final[tuple[Rule, ...]] = tuple(rule for rules in AREAS.values() for rule in rules)
