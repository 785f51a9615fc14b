"""The engine, and the lives of stacks that go on beside the tests; see `lab.testing.engine`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pytest

from lab.paths import PROJECT
from lab.testing import load
from tests.engine.cloud_lives import (  # noqa: F401 - fixtures and hooks are known by name here
    azure_celery_life,
    azure_mixed_life,
    cloud_life,
    cloud_lives,
    dev_life,
    gcp_kubernetes_life,
    gcp_mixed_life,
    prod_life,
)
from tests.engine.program_lives import _changing, _other, _unlucky, life, lives  # noqa: F401
from tests.engine.settings_flips import flip_clouds, flips  # noqa: F401
from tests.engine.side_by_side import lives_begin, pytest_collection_modifyitems, side_by_side  # noqa: F401

# fmt: off
GCP_PARTS: Final = [
    "artifactregistry", "certificatemanager", "compute", "container", "filestore", "iap", "projects", "serviceaccount",
    "servicenetworking", "sql", "storage",
]
AZURE_PARTS: Final = [
    "authorization", "compute", "containerregistry", "containerservice", "dbforpostgresql", "managedidentity",
    "monitor", "network", "operationalinsights", "privatedns", "resources", "storage",
]
# fmt: on
SDKS: Final = (
    "pydantic",
    "pulumi",
    "pulumi_random",
    *(f"pulumi_kubernetes.{group}" for group in ("apps.v1", "batch.v1", "core.v1", "rbac.v1", "apiextensions")),
    *(f"pulumi_gcp.{part}" for part in GCP_PARTS),
    *(f"pulumi_azure_native.{part}" for part in AZURE_PARTS),
)
"""Slow imports of the program."""
OWN_PARTS: Final = (
    str(PROJECT),
    *(f"components.cloud.{name}.layer" for name in ("azure", "gcp", "existing")),
    "components.outputs",
)
"""Modules of the program that import all others."""


def pytest_configure(config: pytest.Config) -> None:
    """Load the fixtures that the lab provides."""
    load(config, "engine", "clouds")


@pytest.fixture(scope="session")
def preloaded_modules() -> Sequence[str]:
    """The project, and what its program loads."""
    return (*SDKS, *OWN_PARTS)
