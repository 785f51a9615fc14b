"""The rules of both simulated clouds name properties that the official SDKs have."""

from __future__ import annotations

from typing import Any, Final

import pytest

from lab.clouds.azure.provider import KINDS as AZURE
from lab.clouds.gcp.catalogue import KINDS as GCP
from lab.clouds.schema import resource

PATHS_OF_NAMES: Final = {token: [kind.name, *kind.parameters] for token, kind in AZURE.items()}
"""In Azure, a resource's name and those of its parents are inputs as well."""


@pytest.mark.parametrize("token", sorted({**AZURE, **GCP}))
def test_a_kinds_rules_name_properties_that_the_sdk_has(token: str) -> None:
    kind, known = {**AZURE, **GCP}[token], resource(token)
    paths = [*kind.immutable, *kind.mutable, *kind.required, *kind.values, *kind.defaults, *kind.write_only]
    paths += [reference.path for reference in kind.references]
    paths += PATHS_OF_NAMES.get(token, [])
    assert [path for path in paths if not _reaches(known.inputs, path)] == []
    assert [path for path in kind.computed if not _reaches(known.outputs, path)] == []


def _reaches(properties: Any, path: str) -> bool:
    for step in path.replace("[*]", "").split("."):
        if step not in properties:
            return False
        kind = properties[step].type
        while kind.of is not None:
            kind = kind.of
        properties = kind.properties()
    return True
