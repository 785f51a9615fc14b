"""A plugin of a simulated cloud, called with the engine's protocol but without an engine."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from lab.clouds.faults import FAULTS_VARIABLE
from lab.clouds.inventory import FOLDER_VARIABLE, Inventory
from lab.clouds.journal import Journal
from lab.clouds.latency import SPEED_VARIABLE
from lab.clouds.provider import CloudProvider
from lab.engine.provider_values import marked, struct
from lab.engine.serving import CallError

KINDS = {value: name.lower().replace("_", "-") for name, value in provider_pb2.PropertyDiff.Kind.items()}


@dataclass
class Made:
    """One resource in the engine's state."""

    token: str
    name: str
    id: str
    inputs: dict[str, Any]
    """Marked inputs, completed by Check."""
    outputs: dict[str, Any]

    @property
    def urn(self) -> str:
        return f"urn:pulumi:test::trial::{self.token}::{self.name}"

    def __getitem__(self, key: str) -> Any:
        return self.outputs[key]


class CheckFailedError(Exception):
    """Check reported errors; `faults` maps paths to reasons."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__(str(dict(faults)))
        self.faults = dict(faults)


@dataclass
class Plugin:
    """Calls of one plugin; refusals raise CallError, faults of inputs CheckFailedError."""

    provider: CloudProvider
    faults_file: Path

    @property
    def inventory(self) -> Inventory:
        return self.provider.inventory

    @property
    def journal(self) -> Journal:
        return Journal(self.inventory.folder)

    def plan(self, *faults: Mapping[str, Any]) -> None:
        """Request exactly these faults."""
        self.faults_file.write_text(json.dumps(faults))

    def configure(self, **config: str) -> None:
        """Add values to its configuration."""
        args = struct({**self.provider.config, **config})
        self.provider.Configure(provider_pb2.ConfigureRequest(args=args), None)  # type: ignore[arg-type]

    def check(
        self, token: str, inputs: Mapping[str, Any], old: Mapping[str, Any] | None = None, name: str = "it"
    ) -> Any:
        request = provider_pb2.CheckRequest(
            type=token,
            urn=f"urn:pulumi:test::trial::{token}::{name}",
            news=struct(inputs),
            olds=struct(old or {}),
            randomSeed=name.encode(),
        )
        response = self.provider.Check(request, None)  # type: ignore[arg-type]
        if response.failures:
            raise CheckFailedError({failure.property: failure.reason for failure in response.failures})
        return marked(response.inputs)

    def faults(self, token: str, inputs: Mapping[str, Any]) -> dict[str, str]:
        """What Check objects to, by path."""
        try:
            self.check(token, inputs)
        except CheckFailedError as error:
            return error.faults
        return {}

    def create(self, token: str, inputs: Mapping[str, Any], name: str = "it") -> Made:
        made = Made(token, name, "", self.check(token, inputs, name=name), {})
        request = provider_pb2.CreateRequest(urn=made.urn, type=token, properties=struct(made.inputs))
        response = self.provider.Create(request, None)  # type: ignore[arg-type]
        made.id, made.outputs = response.id, marked(response.properties)
        return made

    def preview(self, token: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The outputs of a preview of a create."""
        checked = self.check(token, inputs)
        request = provider_pb2.CreateRequest(type=token, urn="a::b::c::it", properties=struct(checked), preview=True)
        response = self.provider.Create(request, None)  # type: ignore[arg-type]
        assert response.id == ""
        return marked(response.properties)

    def diff(self, made: Made, inputs: Mapping[str, Any], ignore: Sequence[str] = ()) -> provider_pb2.DiffResponse:
        news = self.check(made.token, inputs, made.inputs, made.name)
        request = provider_pb2.DiffRequest(
            id=made.id,
            urn=made.urn,
            type=made.token,
            olds=struct(made.outputs),
            old_inputs=struct(made.inputs),
            news=struct(news),
            ignoreChanges=ignore,
        )
        return self.provider.Diff(request, None)  # type: ignore[arg-type]

    def changes(self, made: Made, inputs: Mapping[str, Any], ignore: Sequence[str] = ()) -> dict[str, str]:
        """The effects of changed inputs, by path."""
        return {path: KINDS[entry.kind] for path, entry in self.diff(made, inputs, ignore).detailedDiff.items()}

    def update(self, made: Made, inputs: Mapping[str, Any]) -> Made:
        news = self.check(made.token, inputs, made.inputs, made.name)
        request = provider_pb2.UpdateRequest(
            id=made.id,
            urn=made.urn,
            type=made.token,
            olds=struct(made.outputs),
            old_inputs=struct(made.inputs),
            news=struct(news),
        )
        response = self.provider.Update(request, None)  # type: ignore[arg-type]
        return Made(made.token, made.name, made.id, news, marked(response.properties))

    def read(self, made: Made) -> Made | None:
        """What a refresh finds."""
        request = provider_pb2.ReadRequest(
            id=made.id, urn=made.urn, type=made.token, properties=struct(made.outputs), inputs=struct(made.inputs)
        )
        found = self.provider.Read(request, None)  # type: ignore[arg-type]
        if not found.id:
            return None
        return Made(made.token, made.name, found.id, marked(found.inputs), marked(found.properties))

    def delete(self, made: Made) -> None:
        request = provider_pb2.DeleteRequest(
            id=made.id, urn=made.urn, type=made.token, properties=struct(made.outputs), old_inputs=struct(made.inputs)
        )
        self.provider.Delete(request, None)  # type: ignore[arg-type]

    def invoke(self, token: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        request = provider_pb2.InvokeRequest(tok=token, args=struct(arguments))
        response = self.provider.Invoke(request, None)  # type: ignore[arg-type]
        if response.failures:
            raise CheckFailedError({failure.property: failure.reason for failure in response.failures})
        return marked(getattr(response, "return"))

    def refused(self, call: Any, *arguments: Any, **rest: Any) -> str:
        """The error message of a refused call."""
        with pytest.raises(CallError) as caught:
            call(*arguments, **rest)
        return str(caught.value)


def plugin(
    kind: type[CloudProvider], folder: Path, monkeypatch: pytest.MonkeyPatch, config: Mapping[str, Any]
) -> Iterator[Plugin]:
    """A configured plugin with clouds in a folder, without simulated time."""
    faults = folder / "faults.json"
    faults.write_text("[]")
    for variable, value in ((FOLDER_VARIABLE, folder / "clouds"), (SPEED_VARIABLE, "inf"), (FAULTS_VARIABLE, faults)):
        monkeypatch.setenv(variable, str(value))
    provider = kind()  # type: ignore[call-arg]
    provider.Configure(provider_pb2.ConfigureRequest(args=struct(config)), None)  # type: ignore[arg-type]
    yield Plugin(provider, faults)
    provider.cancelled.set()
