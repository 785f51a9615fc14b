"""A secrets backend on the simulated Azure: a vault of the stack comes, is read by three identities, and goes."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from lab.clouds.azure.authorization import ASSIGNMENT
from lab.clouds.azure.key_vault import VAULT
from lab.testing.cluster import TestCluster
from lab.testing.engine import Engine
from tests.engine.cloud_stacks import CloudLife, Clouds, altered, furnished

READER = "4633458b-17de-408a-b874-0445c86b69e6"
"""Key Vault Secrets User."""


@pytest.fixture(scope="module")
def life(
    cluster: TestCluster, engine: Engine, python: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> CloudLife:
    """The stack, deployed once without a backend, once with it, and destroyed."""
    variables = furnished(cluster, engine.tools, tmp_path_factory.mktemp("vault"), python)
    clouds = Clouds(cluster, variables, tmp_path_factory)
    found = clouds.born("azure-celery", namespace="secrets-backend")
    found.run("up", "up")
    backend = found.with_config(altered(found.config, secrets_backend={"kind": "key_vault"}), "vault")
    found.run("vault", "up", *backend)
    found.run("again", "up", *backend)
    found.run("destroy", "destroy")
    return found


def test_a_backend_adds_a_vault_and_the_rights_of_its_readers_alone(life: CloudLife) -> None:
    run = life.runs["vault"]
    assert (run.code, run.messages()) == (0, [])
    created = run.changes()["create"]
    assert "azure-celery-cloud-vault-vault" in created
    roles = {name for name in created if name.endswith("-secrets-role")}
    readers = ("api-server", "dag-processor", "triggerer")
    assert roles == {f"azure-celery-cloud-identities-{reader}-secrets-role" for reader in readers}
    [vault] = life.held["vault"].of(VAULT)
    assignments = life.held["vault"].of(ASSIGNMENT)
    granted = [item for item in assignments if str(item.inputs["roleDefinitionId"]).endswith(READER)]
    assert [item.inputs["scope"] for item in granted] == [vault.id] * len(readers)


def test_the_next_up_changes_nothing_and_destroy_leaves_no_vault(life: CloudLife) -> None:
    assert (life.runs["again"].code, life.runs["again"].changes()) == (0, {})
    assert life.runs["destroy"].code == 0
    assert life.held["destroy"].of(VAULT) == []
