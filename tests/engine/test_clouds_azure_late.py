"""Changes that become effective late in the simulated Azure, call by call."""

from __future__ import annotations

import pytest

from components.cloud.azure import lateness
from components.cloud.azure.database import BUSY
from lab.clouds.latency import SPEED_VARIABLE
from lab.testing.azure import Azure
from lab.testing.azure_examples import NODES, ROLE


@pytest.fixture(autouse=True)
def time_passes(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fast, but not without simulated time: then nothing would be late."""
    monkeypatch.setenv(SPEED_VARIABLE, "1e9")


def test_a_new_server_refuses_what_comes_right_behind_it(azure: Azure) -> None:
    """Although it is reported as ready, https://github.com/Azure/azure-postgresql/issues/134."""
    azure.make("server")
    assert BUSY.refused(azure.refused("database"))
    azure.make("database")
    azure.update("server", storage__storageSizeGB=256)
    azure.make("parameter")


def test_a_role_that_was_just_given_is_not_known_everywhere(azure: Azure) -> None:
    """AKS checks the permissions of the cluster's identity on the nodes' subnet; the program retries."""
    for name in ("identity", "nodes"):
        azure.make(name)
    network = f"{ROLE}/4d97b98b-1d4f-4787-a291-c67834d212e7"
    azure.another("role", scope=NODES, roleDefinitionId=network)
    assert lateness.ROLE.refused(azure.refused("cluster"))
    azure.make("cluster")
