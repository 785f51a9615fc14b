"""The JSON Schema of stack files, made from the settings' models: `python -m docs.schema`, or `make schema`.

Editors complete keys, show descriptions and mark errors with it. It uses draft 7, which the YAML language server
supports (https://github.com/redhat-developer/yaml-language-server). A choice by `kind` becomes a condition for each
kind: an error then names the wrong key, where `oneOf` would only say that no alternative fits.
"""

from __future__ import annotations

import argparse
import json
import os
import re
from pathlib import Path
from typing import Any, Final, cast

from pydantic.json_schema import GenerateJsonSchema

from components.settings import postgres_versions
from components.settings.azure import catalogue, tags
from components.settings.gcp import machines, sql_tiers
from components.settings.gcp.bigquery import MULTI_REGIONS
from components.settings.gcp.regions import ZONES
from components.settings.secret_keys import (
    GIT_CREDENTIALS,
    PROJECT,
    PROJECT_SECRETS,
    SECRET_ENVIRONMENT,
    SECRET_OPTIONS,
    SECRET_VARIABLES,
    SECRETS,
    USER_PASSWORDS,
)
from components.settings.sections import git_repository
from components.settings.stack import Settings
from components.settings.types import IMAGE

FILE: Final = Path(__file__).parent / "stack.schema.json"
POINTER: Final = Path(__file__).parent / "stacks/docs/stack.schema.json"
"""The samples in docs/stacks/ name `docs/stack.schema.json`, which is right when they are copied to the top; where they
are, this file is it."""
DRAFT: Final = "http://json-schema.org/draft-07/schema#"
Schema = dict[str, Any]
PRIVATE: Final = r"^(10|172\.(1[6-9]|2\d|3[01])|192\.168|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\.[\d.]+(/\d{1,2})?$"
"""The ranges of components.settings.cidr.PRIVATE."""
SHARED_CORES: Final = "|".join(sql_tiers.SHARED_CORE_MIB)
FAMILIES: Final = "|".join(machines.FAMILIES)
SERVERS: Final = "|".join(f"{family}({'|'.join(map(str, cpus))})" for family, cpus in catalogue.DATABASE_CPUS.items())
FORMS: Final[dict[str, Schema]] = {
    "region of Google Cloud": {"enum": sorted(ZONES)},
    "region of Google Cloud, EU or US": {"enum": [*sorted(ZONES), *MULTI_REGIONS]},
    "region of Azure": {"enum": sorted(catalogue.REGIONS)},
    "machine type of Compute Engine": {
        "pattern": rf"^({FAMILIES})-(?!micro$|small$)[a-z]+(-(?!micro$|small$|metal$)[a-z0-9]+)*$"
    },
    "size of virtual machines": {"pattern": r"^Standard_[A-Z]+(?!1(?!\d))\d+(-\d+)?[a-z]*(_[A-Z]\w*)?(_v\d+)?$"},
    "size of Flexible Server": {
        "pattern": f"^Standard_(B({'|'.join(catalogue.BURSTABLE_GIB)})|({SERVERS})(s_v3|a?ds_v[45]))$"
    },
    "tier of Cloud SQL": {"pattern": rf"^({SHARED_CORES}|{sql_tiers.CUSTOM.pattern}|{sql_tiers.PREDEFINED.pattern})$"},
    ", ".join(map(str, catalogue.DATABASE_DISKS_GIB)): {"enum": list(catalogue.DATABASE_DISKS_GIB)},
    f"{postgres_versions.OLDEST} to {postgres_versions.NEWEST}": {
        "minimum": postgres_versions.OLDEST,
        "maximum": postgres_versions.NEWEST,
    },
    "list of up to three zones": {"uniqueItems": True},
    'list of up to three of "1", "2", "3"': {"uniqueItems": True},
    "tag, text": {
        "maxProperties": tags.TAGS_MAX,
        "propertyNames": {"pattern": r"^[^<>%&\\?/]+$", "maxLength": tags.NAME_MAX},
        "additionalProperties": {"type": "string", "maxLength": tags.VALUE_MAX},
    },
    "flag, text": {"propertyNames": {"pattern": r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?$"}},
    "image with tag or digest": {"pattern": f"^{IMAGE.pattern}$"},
    "HTTPS or SSH URL without credentials": {
        "pattern": f"^({git_repository.HTTPS.pattern}|{git_repository.SSH.pattern})$"
    },
    "private IPv4 range in CIDR form": {"pattern": PRIVATE},
    "IPv4 range in CIDR form": {"pattern": r"^\d{1,3}(\.\d{1,3}){3}(/(?!0$)\d{1,2})?$"},
}
"""Rules of validators, which pydantic's schema does not have, by the title of the type."""
KEYS: Final[dict[str, Schema]] = {
    "DagProcessor.replicas": {"maximum": 1},
    "Image.reference": {"pattern": f"^(?!(.*/)?apache/airflow:slim-){IMAGE.pattern}$"},
    "Image.version": {"pattern": r"^([3-9]|[1-9]\d+)\.\d+\.\d+$"},
    "namespace": {"pattern": r"^(?!default$|kube-)[a-z]([-a-z0-9]*[a-z0-9])?$"},
}
"""The same for single keys: model and field, or a top-level key."""
SECURE: Final[Schema] = {
    "type": "object",
    "properties": {"secure": {"type": "string", "description": "The encrypted value: `pulumi config set --secret`."}},
    "required": ["secure"],
    "additionalProperties": False,
}
SECRET_MAPS: Final = frozenset({GIT_CREDENTIALS, PROJECT_SECRETS, SECRET_OPTIONS})
"""Secret keys whose values are texts by two names."""
FLAT_SECRET_MAPS: Final = frozenset({SECRET_ENVIRONMENT, SECRET_VARIABLES, USER_PASSWORDS})
"""Secret keys whose values are texts by one name."""
PLAIN: Final = "options"
"""The key that settings refuse to read encrypted, because a ConfigMap holds it."""
SWITCH_TEXTS: Final = ("true", "false")
"""`pulumi config set KEY true` writes the value as text."""


class _WithoutTitles(GenerateJsonSchema):
    """Leaves out the titles that pydantic makes from names; those that the settings give stay."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def schema() -> Schema:
    """The schema of a stack file."""
    found = Settings.model_json_schema(schema_generator=_WithoutTitles)
    definitions = {name: _model(name, body) for name, body in found.pop("$defs").items()}
    sections = {
        f"{PROJECT}:{name}": _section(name, {**_converted(body), **KEYS.get(name, {})})
        for name, body in found["properties"].items()
    }
    secrets = {f"{PROJECT}:{name}": _secret_schema(name) for name in sorted(SECRETS)}
    config: Schema = {
        "type": "object",
        "properties": {**sections, **secrets},
        # Keys of providers and of other projects.
        "patternProperties": {f"^(?!{PROJECT}:)": {}},
        "additionalProperties": False,
        "required": [f"{PROJECT}:{name}" for name in found["required"]],
    }
    return {
        "$schema": DRAFT,
        "title": "Stack file of Apache Airflow on Kubernetes",
        "description": "Pulumi.NAME.yaml: settings under `config`, each with the prefix `airflow:`.",
        "type": "object",
        "properties": {"config": config},
        # An environment of Pulumi ESC can hold the settings instead.
        "if": {"not": {"required": ["environment"]}},
        "then": {"required": ["config"]},
        "definitions": definitions,
    }


def _model(name: str, body: Schema) -> Schema:
    """The definition of a model."""
    result = _converted(body, model=True)
    for key in result["properties"]:
        result["properties"][key] |= KEYS.get(f"{name}.{key}", {})
    return result


def _section(name: str, body: Schema) -> Schema:
    """A top-level key: plain, or encrypted as a whole."""
    if name == PLAIN:
        return body
    if body.get("type") == "boolean":
        body = {**body, "type": ["boolean", "string"], "enum": [True, False, *SWITCH_TEXTS]}
    texts = {key: body[key] for key in ("description", "default") if key in body}
    encrypted = {"type": "object", "required": ["secure"], "properties": {"secure": {"type": "string"}}}
    plain = {key: value for key, value in body.items() if key not in texts}
    return {**texts, "if": encrypted, "then": SECURE, "else": plain}


def _secret_schema(name: str) -> Schema:
    """The schema of a secret key by its form."""
    if name in SECRET_MAPS:
        return _secret_map("two names", {"type": "object", "additionalProperties": SECURE})
    return _secret_map("name", SECURE) if name in FLAT_SECRET_MAPS else _secret()


def _secret() -> Schema:
    text = "A secret: set it with `pulumi config set --secret`."
    return {"description": text, "if": {"type": "object"}, "then": SECURE, "else": {"type": "string"}}


def _secret_map(names: str, by_name: Schema) -> Schema:
    """Texts by names, each encrypted, or all encrypted as a whole.

    Args:
        names: the number of names, in words.
        by_name: the schema of what one name stands for.
    """
    text = f"Secrets by {names}: set each with `pulumi config set --secret --path`."
    encrypted = {"required": ["secure"], "properties": {"secure": {"type": "string"}}}
    return {
        "description": text,
        "type": "object",
        "if": encrypted,
        "then": SECURE,
        "else": {"additionalProperties": by_name},
    }


def _converted(body: Schema, *, model: bool = False) -> Schema:
    """A part of pydantic's schema in draft 7, with conditions in place of alternatives.

    Raises:
        ValueError: an alternative that is neither a kind nor null, which has no condition to decide it.
    """
    if "$ref" in body:
        reference = {"$ref": body["$ref"].replace("#/$defs/", "#/definitions/")}
        others = _converted({key: value for key, value in body.items() if key != "$ref"})
        # Draft 7 ignores what stands beside a reference.
        return {**others, "allOf": [reference]} if others else reference
    if "oneOf" in body:
        return _by_kind(body)
    if "anyOf" in body:
        return _optional(body)
    result = {key: value for key, value in body.items() if key != "title"}
    if "description" in result:
        result["description"] = " ".join(result["description"].split())
    if isinstance(result.get("default"), dict | list) or result.get("default", ...) is None:
        # Defaults of a section are those of its keys; null stands for "not set".
        del result["default"]
    if "pattern" in result:
        result["pattern"] = _pattern(result["pattern"])
    if not model and (title := body.get("title")):
        result |= {key: _pattern(value) if key == "pattern" else value for key, value in FORMS.get(title, {}).items()}
        result["description"] = f"{result.get('description', '')} Value: {title}.".strip()
    if "patternProperties" in result:
        # A map whose keys have a pattern. By names of properties a key that does not match is refused.
        [(expression, value)] = result.pop("patternProperties").items()
        result |= {"propertyNames": {"pattern": _pattern(expression)}, "additionalProperties": value}
    if "properties" in result:
        result["properties"] = {name: _converted(inner) for name, inner in result["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(result.get(key), dict):
            result[key] = _converted(cast(Schema, result[key]))
    return result


def _by_kind(body: Schema) -> Schema:
    """A choice by `kind`: one condition for each."""
    mapping: dict[str, str] = body["discriminator"]["mapping"]
    rest = {key: value for key, value in body.items() if key not in ("oneOf", "discriminator")}
    conditions = [
        {
            "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
            "then": {"$ref": reference.replace("#/$defs/", "#/definitions/")},
        }
        for kind, reference in mapping.items()
    ]
    return {
        **_converted(rest),
        "type": "object",
        "properties": {"kind": {"enum": list(mapping)}},
        "required": ["kind"],
        "allOf": conditions,
    }


def _optional(body: Schema) -> Schema:
    """A value or null."""
    [value] = [part for part in body["anyOf"] if part != {"type": "null"}]
    rest = {key: part for key, part in body.items() if key != "anyOf"}
    converted = _converted({**value, **({"title": body["title"]} if "title" in body else {})})
    return {**_converted(rest), "if": {"not": {"type": "null"}}, "then": converted}


def _pattern(expression: str) -> str:
    """A regular expression that Python and JavaScript read alike: the end of text is `$`, and groups have no names."""
    return re.sub(r"\(\?P<\w+>", "(", expression.replace(r"\Z", "$"))


def files() -> dict[Path, str]:
    """The content of each file."""
    pointer = {"$schema": DRAFT, "$ref": os.path.relpath(FILE, POINTER.parent)}
    return {FILE: _text(schema()), POINTER: _text(pointer)}


def _text(content: Schema) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the files, or compare them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only; exit code 1 if a file is out of date")
    check = bool(parser.parse_args().check)
    for file, text in files().items():
        if not check:
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
        elif not file.exists() or file.read_text() != text:
            parser.exit(1, f"{file.name} is out of date: make schema\n")


if __name__ == "__main__":
    main()
