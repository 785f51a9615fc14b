"""Simulated Cloud SQL instances for cluster tests."""

from __future__ import annotations

from lab.services import database


def requiring_connectors(project: str, name: str) -> database.Server:
    """An instance that only connectors with a certificate reach."""
    return database.Server(
        name=name,
        administrator="boss",
        password="secret",
        cloud_role="cloudsqlsuperuser",
        hosts=[f"{name}.sql.goog"],
        common_name=f"{project}:{name}",
        public_authority=False,
        connectors="required",
    )
