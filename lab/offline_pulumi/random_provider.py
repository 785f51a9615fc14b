"""The stand-in for the random plugin: passwords, strings, identifiers and bytes, generated once and stored in state.

Deliberately not supported: import, and resources that no stack uses (pets, shuffles, integers, UUIDs).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import provider_pb2

from lab.engine.launcher import sdk_version
from lab.engine.provider import Provider, serve
from lab.engine.provider_diff import diff
from lab.engine.provider_values import UNKNOWN, is_unknown, marked, opened, secret, struct
from lab.offline_pulumi import random_values

_TEXT_DEFAULTS: Final[dict[str, Any]] = {
    "length": None,
    "keepers": None,
    "lower": True,
    "upper": True,
    "numeric": True,
    "number": None,
    "special": True,
    "minLower": 0,
    "minUpper": 0,
    "minNumeric": 0,
    "minSpecial": 0,
    "overrideSpecial": None,
}
_KINDS: Final[dict[str, tuple[type, str]]] = {
    **dict.fromkeys(
        ["length", "byteLength", "minLower", "minUpper", "minNumeric", "minSpecial"], (int, "a whole number")
    ),
    **dict.fromkeys(["lower", "upper", "numeric", "number", "special"], (bool, "a boolean")),
    **dict.fromkeys(["overrideSpecial", "prefix"], (str, "a string")),
    "keepers": (dict, "a map"),
}


@dataclass(frozen=True, kw_only=True)
class _Resource:
    """One resource type."""

    defaults: dict[str, Any]
    """All inputs with their defaults."""
    size: str
    """The required input: the size of the result, at least 1."""
    draw: Callable[[dict[str, Any]], dict[str, str]]
    outputs: tuple[str, ...]
    secret: frozenset[str] = field(default=frozenset())
    id_of: Callable[[dict[str, str], dict[str, Any]], str] = lambda _drawn, _inputs: "none"


_RESOURCES: Final = {
    "random:index/randomPassword:RandomPassword": _Resource(
        defaults=_TEXT_DEFAULTS,
        size="length",
        draw=random_values.password,
        outputs=("result", "bcryptHash"),
        secret=frozenset({"result", "bcryptHash"}),
    ),
    "random:index/randomString:RandomString": _Resource(
        defaults=_TEXT_DEFAULTS,
        size="length",
        draw=lambda inputs: {"result": random_values.text(inputs)},
        outputs=("result",),
        id_of=lambda drawn, _inputs: drawn["result"],
    ),
    "random:index/randomId:RandomId": _Resource(
        defaults={"byteLength": None, "keepers": None, "prefix": None},
        size="byteLength",
        draw=random_values.identifier,
        outputs=("b64Std", "b64Url", "dec", "hex"),
        id_of=lambda drawn, inputs: drawn["b64Url"].removeprefix(inputs["prefix"] or ""),
    ),
    "random:index/randomBytes:RandomBytes": _Resource(
        defaults={"length": None, "keepers": None},
        size="length",
        draw=random_values.octets,
        outputs=("base64", "hex"),
        secret=frozenset({"base64", "hex"}),
    ),
}


class RandomProvider(Provider):
    """The random provider: every change of an input replaces the resource, which generates a new value."""

    def Check(  # noqa: N802 - the protocol's name
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        """Report all errors of the inputs at once; the inputs are not changed."""
        resource = self._resource(request.type)
        failures = [
            provider_pb2.CheckFailure(property=name, reason=reason)
            for name, reason in _faults(resource, marked(request.news))
        ]
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    def Diff(  # noqa: N802
        self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext
    ) -> provider_pb2.DiffResponse:
        """Every difference replaces the resource; an explicit default value is not a difference."""
        resource = self._resource(request.type)
        return diff(
            _complete(resource, opened(request.old_inputs)),
            _complete(resource, opened(request.news)),
            ignore_changes=request.ignoreChanges,
            replaces=resource.defaults,
        )

    def Create(  # noqa: N802
        self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CreateResponse:
        """Generate the result; it is unknown in a preview."""
        resource = self._resource(request.type)
        inputs = _complete(resource, opened(request.properties))
        drawn = dict.fromkeys(resource.outputs, UNKNOWN) if request.preview else resource.draw(inputs)
        outputs = {key: value for key, value in inputs.items() if value is not None} | marked(request.properties)
        outputs |= {name: secret(value) if name in resource.secret else value for name, value in drawn.items()}
        return provider_pb2.CreateResponse(
            id="" if request.preview else resource.id_of(drawn, inputs), properties=struct(outputs)
        )

    def Read(  # noqa: N802
        self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ReadResponse:
        """Return the state: the resource exists only there."""
        self._resource(request.type)
        if not request.properties.fields:
            self.refuse("the random plugin's stand-in has no import; use the official plugin (LAB_TOOLS=official)")
        return provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)

    def Update(  # noqa: N802
        self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext
    ) -> provider_pb2.UpdateResponse:
        """Keep the generated values and store the new inputs."""
        return provider_pb2.UpdateResponse(properties=struct(marked(request.olds) | marked(request.news)))

    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> Empty:  # noqa: N802
        """Do nothing: the resource exists only in state."""
        return Empty()

    def _resource(self, token: str) -> _Resource:
        resource = _RESOURCES.get(token)
        if resource is None:
            known = ", ".join(name.rsplit(":", 1)[1] for name in _RESOURCES)
            self.refuse(f"the random plugin's stand-in has no resource {token!r}; it has {known}")
        return resource


def _complete(resource: _Resource, inputs: dict[str, Any]) -> dict[str, Any]:
    """All inputs, completed with defaults; `number` is the old name of `numeric`, an empty map counts as missing."""
    complete = resource.defaults | {key: value for key, value in inputs.items() if value not in (None, {})}
    if complete.get("number") is not None:
        complete["numeric"] = complete["number"]
    if "number" in complete:
        complete["number"] = complete["numeric"]
    return complete


def _faults(resource: _Resource, news: dict[str, Any]) -> list[tuple[str, str]]:
    """Each invalid input with the reason; unknown values are not checked."""
    faults = [(key, "unknown input") for key in news if key not in resource.defaults and not key.startswith("__")]
    known = {key: opened(value) for key, value in news.items() if not is_unknown(value)}
    for key, value in known.items():
        wanted, described = _KINDS.get(key, (object, ""))
        if value is not None and (not isinstance(value, wanted) or (wanted is int and isinstance(value, bool))):
            faults.append((key, f"is {value!r}, not {described}"))
    if faults:
        return faults
    if news.get(resource.size) is None:
        return [(resource.size, "missing: it says how much is drawn")]
    inputs = _complete(resource, known)
    numbers = [key for key in inputs if key.startswith("min")]
    faults += [(key, f"is {inputs[key]}, below 0") for key in numbers if inputs[key] < 0]
    if resource.size not in known:
        return faults
    size = inputs[resource.size]
    if size < 1:
        faults.append((resource.size, f"is {size}, below 1"))
    least = sum(max(0, inputs[key]) for key in numbers)
    if least > size >= 1:
        faults.append((resource.size, f"is {size}, below {least}, the sum of {', '.join(numbers)}"))
    if numbers and least < size and not any(inputs[key] for key in ("lower", "upper", "numeric", "special")):
        faults.append(("lower", "no class of characters is allowed"))
    return faults


if __name__ == "__main__":
    serve(RandomProvider("random", sdk_version("random")))
