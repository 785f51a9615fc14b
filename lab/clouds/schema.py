"""Schemas of a cloud SDK's resource types and functions: inputs, outputs and their types.

Everything is read lazily from the installed SDK; nothing comes from the program.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final, Literal

from lab.clouds import schema_text

Shape = Literal["string", "integer", "number", "boolean", "any", "list", "map", "object", "enum", "either"]

_PLAIN: Final[Mapping[str, Shape]] = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}
_LISTED: Final = re.compile(
    r"(?:[Pp]ossible values(?: are)?|[Ee]ach value may be one of): "
    r"((?:`[^`]+`(?:, | and | or |, and |, or )?)+)\.?(?= |$)"
)
_LISTED_JSON: Final = re.compile(r"[Pp]ossible values: \[((?:\"[^\"]+\"(?:, )?)+)\]")
_REPLACES: Final = re.compile(r"[Cc]hanging this (?:value |field )?forces a new|[Cc]hanging this will force recreation")


@dataclass(frozen=True, kw_only=True)
class Type:
    """The type of a value."""

    shape: Shape
    of: Type | None = None
    """Type of the entries of a list or map."""
    module: Path | None = None
    name: str = ""
    """Name of the class of an object or enum, in `module`."""
    options: tuple[Type, ...] = ()
    """Alternatives of an `either`."""

    def properties(self) -> Mapping[str, Property]:
        """The properties of an object."""
        return _properties(self.module, self.name) if self.module else {}

    def values(self) -> tuple[object, ...]:
        """The values of an enum."""
        return schema_text.enum_values(schema_text.class_text(self.module, self.name)) if self.module else ()


@dataclass(frozen=True, kw_only=True)
class Property:
    """One property of a resource, a function or a nested type."""

    name: str
    type: Type
    required: bool
    listed: tuple[str, ...] = ()
    """The possible values in the documentation; empty if it lists none."""
    replaces: bool = False
    """Whether the documentation says that a change replaces the resource; False means that it does not say so."""


@dataclass(frozen=True, kw_only=True)
class ResourceSchema:
    """The SDK's schema of a resource type."""

    token: str
    inputs: Mapping[str, Property]
    outputs: Mapping[str, Property]
    """All outputs, including returned inputs; one that is not required may be absent."""
    secrets: frozenset[str]
    """Outputs that are always secret."""


@dataclass(frozen=True, kw_only=True)
class FunctionSchema:
    """The SDK's schema of a function."""

    token: str
    inputs: Mapping[str, Property]
    outputs: Mapping[str, Property] = field(default_factory=dict[str, Property])


class UnknownTypeError(Exception):
    """The SDK has no such resource type or function."""


@cache
def resource(token: str) -> ResourceSchema:
    """The schema of a resource type such as `gcp:sql/user:User` or `azure-native:storage:BlobContainer`.

    Raises:
        UnknownTypeError: the SDK has no such type.
    """
    folder, name = _place(token)
    path = schema_text.resource_module(folder, name)
    if path is None:
        raise UnknownTypeError(f"the SDK has no resource type {token}")
    text = schema_text.class_text(path, name)
    return ResourceSchema(
        token=token,
        # InitArgs if a nested type already has the shorter name.
        inputs=_properties(path, f"{name}Args") or _properties(path, f"{name}InitArgs"),
        outputs=_properties(path, name),
        secrets=schema_text.secret_outputs(text),
    )


@cache
def function(token: str) -> FunctionSchema:
    """The schema of a function such as `gcp:compute/getZones:getZones`.

    Raises:
        UnknownTypeError: the SDK has no such function.
    """
    folder, name = _place(token)
    path = schema_text.function_module(folder, token, name)
    if path is None:
        raise UnknownTypeError(f"the SDK has no function {token}")
    text = schema_text.text_of(path)
    inputs = {
        # There every argument is declared optional, even if it is required.
        wire: Property(name=wire, type=_type(annotation, path)[0], required=False)
        for wire, annotation in schema_text.arguments(text, schema_text.snake(name)).items()
    }
    return FunctionSchema(token=token, inputs=inputs, outputs=_properties(path, f"{name[0].upper()}{name[1:]}Result"))


@cache
def provider(package: str) -> Mapping[str, Property]:
    """The inputs of an SDK's provider resource."""
    return _properties(schema_text.package_folder(package) / "provider.py", "ProviderArgs")


def _place(token: str) -> tuple[Path, str]:
    package, middle, name = token.split(":")
    # gcp:container/cluster:Cluster, azure-native:network:Subnet and azure-native:authorization/v20200501:Lock.
    parts = middle.split("/")
    if package == "gcp":
        parts = parts[:1]
    return schema_text.package_folder(package).joinpath(*(part.replace("-", "") for part in parts)), name


@cache
def _properties(module: Path, class_name: str) -> Mapping[str, Property]:
    found: dict[str, Property] = {}
    for getter in schema_text.getters(schema_text.class_text(module, class_name)):
        kind, optional = _type(getter.annotation, module)
        found[getter.name] = Property(
            name=getter.name,
            type=kind,
            required=not optional,
            listed=_listed(getter.doc),
            replaces=_REPLACES.search(getter.doc) is not None,
        )
    return found


def _listed(doc: str) -> tuple[str, ...]:
    values: list[str] = []
    if found := _LISTED.search(doc):
        values = re.findall(r"`([^`]+)`", found[1])
    elif found := _LISTED_JSON.search(doc):
        values = re.findall(r'"([^"]+)"', found[1])
    # A single value is an example rather than a list.
    return tuple(value.strip('"') for value in values) if len(values) > 1 else ()


def _type(annotation: ast.expr, module: Path) -> tuple[Type, bool]:
    """The type of an annotation, and whether it is optional."""
    match annotation:
        case ast.Constant(value=str(name)):
            return _named(name, module), False
        case ast.Attribute(attr=name) if name in _PLAIN:
            return Type(shape=_PLAIN[name]), False
        case ast.Subscript(value=ast.Name(id="Optional"), slice=inner):
            return _type(inner, module)[0], True
        case ast.Subscript(value=ast.Attribute(attr="Input" | "Output"), slice=inner):
            return _type(inner, module)
        case ast.Subscript(value=ast.Name(id="Sequence"), slice=inner):
            return Type(shape="list", of=_type(inner, module)[0]), False
        case ast.Subscript(value=ast.Name(id="Mapping"), slice=ast.Tuple(elts=[_, inner])):
            return Type(shape="map", of=_type(inner, module)[0]), False
        case ast.Subscript(value=ast.Name(id="Union"), slice=ast.Tuple(elts=options)):
            found = tuple(_type(option, module)[0] for option in options)
            enums = [option for option in found if option.shape == "enum"]
            # An enum with a plain string as alternative may grow; the cloud accepts the SDK's values today.
            return enums[0] if enums else Type(shape="either", options=found), False
        case _:
            return Type(shape="any"), False


def _named(name: str, module: Path) -> Type:
    folder = module.parent
    prefix, _, short = name.rpartition(".")
    if prefix.endswith("outputs") or (module.name == "outputs.py" and not prefix):
        return Type(shape="object", module=folder / "outputs.py", name=short)
    if schema_text.class_text(folder / "_enums.py", short):
        return Type(shape="enum", module=folder / "_enums.py", name=short)
    if schema_text.class_text(folder / "_inputs.py", short):
        return Type(shape="object", module=folder / "_inputs.py", name=short)
    return Type(shape="any")
