"""A cluster that refuses every connection, and a home without settings of the machine's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

CONTEXT = "test"


def kubeconfig_text(server: str, **cluster: object) -> str:
    """A kubeconfig with one context."""
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "cluster", "cluster": {"server": server, **cluster}}],
            "users": [{"name": "user", "user": {}}],
            "contexts": [{"name": CONTEXT, "context": {"cluster": "cluster", "user": "user"}}],
            "current-context": CONTEXT,
        }
    )


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for the whole run: what is recorded in one module is compared with what another one recorded."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module", autouse=True)
def _unreachable_cluster(empty_home: Path) -> Iterator[None]:
    # Not for the whole run: tests of other levels need the home with the lab's caches.
    file = empty_home / "kubeconfig"
    # Reading the machine's certificates takes longer than being refused.
    file.write_text(kubeconfig_text("https://127.0.0.1:1", **{"insecure-skip-tls-verify": True}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", str(file))
        patch.setenv("HOME", str(empty_home))
        for variable in ("PULUMI_CONFIG", "PULUMI_CONFIG_SECRET_KEYS"):
            patch.delenv(variable, raising=False)
        yield
