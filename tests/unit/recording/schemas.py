"""The strict JSON schemas of Kubernetes' objects, version by version, from the package kubernetes-validate."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import jsonschema
from kubernetes_validate.utils import all_versions, schema_contents
from referencing import Registry, Resource

VERSIONS: Final = ("1.34", "1.35", "1.36")


@cache
def _folder(version: str) -> str:
    [full] = {known for known in all_versions() if known.startswith(f"{version}.")}
    return f"kubernetes-json-schema/v{full}-local-strict"


@cache
def _definitions(version: str) -> Any:
    return Resource.from_contents(schema_contents(f"{_folder(version)}/_definitions.json", version))


@cache
def _validator(kind: str, api_version: str, version: str) -> Any:
    group = re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", api_version)
    schema = schema_contents(f"{_folder(version)}/{kind.lower()}-{group}.json", version)
    registry: Any = _definitions(version) @ (Resource.from_contents(schema) @ Registry())
    return jsonschema.validators.Draft202012Validator(schema, registry=registry)


def violations(document: Mapping[str, Any], version: str) -> list[str]:
    """Fields and values of an object that this Kubernetes version would refuse."""
    validator = _validator(document["kind"], document["apiVersion"], version)
    return [
        f"{'.'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in validator.iter_errors(document)
    ]
