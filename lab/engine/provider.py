"""Base class of provider stand-ins: the resource-independent part of the plugin protocol."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from typing import Any, NoReturn

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import (
    engine_pb2,
    engine_pb2_grpc,
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
)

from lab.engine import serving
from lab.engine.provider_diff import diff
from lab.engine.provider_values import opened
from lab.engine.serving import CallError

Severity = engine_pb2.LogSeverity


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """A provider plugin; a subclass answers Check, Diff, Create, Read, Update and Delete for its resources.

    Methods receive and return the protocol's messages, and raise CallError (or call `refuse`, `init_failed`) on
    failure. The request's `type` is the resource's type token. Properties are protobuf structs: values that are
    returned unchanged keep their secrets and unknowns; `provider_values` converts, `provider_diff.diff` compares.
    """

    def __init__(self, name: str, version: str) -> None:
        self.name = name
        self.version = version
        """At least the SDK's version: the engine refuses an older plugin."""
        self.config: dict[str, Any] = {}
        """The provider's inputs with secrets opened, set by Configure."""
        self.cancelled = threading.Event()
        """Set when the engine cancels or the plugin must end, so that waiting calls stop."""
        self._engine: engine_pb2_grpc.EngineStub | None = None

    # -- the plugin ---------------------------------------------------------------------------------------------------

    def Handshake(  # noqa: N802 - the protocol's name
        self, request: provider_pb2.ProviderHandshakeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ProviderHandshakeResponse:
        """Negotiate features: accept secrets, but no resource references and output values."""
        self._connect(request.engine_address)
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def Attach(self, request: plugin_pb2.PluginAttach, context: grpc.ServicerContext) -> Empty:  # noqa: N802
        """Store the address of the engine that this plugin serves from now on."""
        self._connect(request.address)
        return Empty()

    def GetPluginInfo(self, request: Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:  # noqa: N802
        """The plugin's version."""
        return plugin_pb2.PluginInfo(version=self.version)

    def Cancel(self, request: Empty, context: grpc.ServicerContext) -> Empty:  # noqa: N802
        """End waiting calls."""
        self.cancelled.set()
        return Empty()

    # -- the provider resource ----------------------------------------------------------------------------------------

    def CheckConfig(  # noqa: N802
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        """Accept the provider's inputs unchanged."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(  # noqa: N802
        self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext
    ) -> provider_pb2.DiffResponse:
        """Differences of the provider's inputs; none of them replaces it."""
        return diff(request.old_inputs, request.news, ignore_changes=request.ignoreChanges)

    def Configure(  # noqa: N802
        self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        """Store the provider's inputs; also called in previews, where some may be unknown."""
        self.config = opened(request.args)
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    # -- resources ----------------------------------------------------------------------------------------------------

    def Check(  # noqa: N802
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        """Accept the resource's inputs unchanged."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def Invoke(  # noqa: N802
        self, request: provider_pb2.InvokeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.InvokeResponse:
        """Refuse all functions; subclasses may implement some."""
        self.refuse(f"{self.name} has no function {request.tok!r}")

    # -- for subclasses -----------------------------------------------------------------------------------------------

    def refuse(self, message: str) -> NoReturn:
        """Answer the call with an error.

        Raises:
            CallError: always.
        """
        raise CallError(message)

    def init_failed(
        self, resource_id: str, properties: Struct, inputs: Struct, reasons: Sequence[str], message: str = ""
    ) -> NoReturn:
        """Answer Create, Update or Read with a partial failure: the resource exists with this state, but is incomplete.

        The engine keeps it in state and tries to update it next time instead of creating it again.

        Raises:
            CallError: always.
        """
        detail = provider_pb2.ErrorResourceInitFailed(
            id=resource_id, properties=properties, inputs=inputs, reasons=list(reasons)
        )
        raise CallError(message or "; ".join(reasons), detail=detail)

    def log(
        self, message: str, *, urn: str = "", severity: Severity.ValueType = engine_pb2.INFO, status: bool = False
    ) -> None:
        """Show a message to the user of `pulumi`; a `status` is shown only during the operation on the resource."""
        if self._engine is not None:
            self._engine.Log(
                engine_pb2.LogRequest(severity=severity, message=message, urn=urn, ephemeral=status), timeout=10
            )

    def _connect(self, engine_address: str) -> None:
        self._engine = engine_pb2_grpc.EngineStub(serving.channel(engine_address))


def serve(provider: Provider) -> NoReturn:
    """Serve the provider until the engine ends it. The engine's address is the last argument of the command, if any."""
    if len(sys.argv) > 1 and ":" in sys.argv[-1]:
        provider._connect(sys.argv[-1])
    serving.serve(
        lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server),
        on_stop=provider.cancelled.set,
    )
    raise AssertionError("serving does not return")
