"""The plugin protocol of a simulated cloud: schema, rules, inventory, time and faults in the order of a real call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import provider_pb2

from lab.clouds import backing, checking, faults, latency, life, schema
from lab.clouds.inventory import Inventory, World
from lab.clouds.kind import ApiError, Call, Function, Kind, Known
from lab.clouds.operation import AnswerLostError, HalfDoneError, Operation
from lab.clouds.schema import UnknownTypeError
from lab.clouds.schema_check import Fault
from lab.clouds.values import filled, forgotten, pruned, remembered
from lab.engine.launcher import sdk_version
from lab.engine.provider import Provider
from lab.engine.provider_diff import below, diff
from lab.engine.provider_values import UNKNOWN, marked, opened, sealed_like, secret, struct


class CloudProvider(Provider):
    """A simulated cloud: its resource types and functions, by token."""

    kinds: ClassVar[Mapping[str, Kind]] = {}
    functions: ClassVar[Mapping[str, Function]] = {}
    seconds: ClassVar[latency.Table] = {}
    patches: ClassVar[bool] = True
    """Whether an update sends only changed inputs instead of all inputs."""
    optional_unknown: ClassVar[bool] = False
    """Whether a preview also treats optional outputs as unknown."""

    def __init__(self, name: str) -> None:
        super().__init__(name, sdk_version(name))
        self.inventory = Inventory.default()
        self.backing = backing.chosen()

    # -- for subclasses -----------------------------------------------------------------------------------------------

    def described(self, op: str, call: Call, error: ApiError) -> str:
        """The plugin's message for a refusal of the cloud."""
        return f"error {error.code}: {error}"

    def completed(self, kind: Kind, inputs: dict[str, Any]) -> dict[str, Any]:
        """Marked inputs, completed by the plugin from its config at Check."""
        return inputs

    def standard_outputs(self, kind: Kind, call: Call) -> dict[str, Any]:
        """Outputs common to all types of this cloud; those that a type does not have are left out."""
        return {}

    # -- the provider resource ----------------------------------------------------------------------------------------

    def CheckConfig(  # noqa: N802 - the protocol's name
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        """Accept the inputs that the SDK's provider has."""
        known = {*schema.provider(self.name), "version", "pluginDownloadURL"}
        unknown = [key for key in request.news.fields if key not in known and not key.startswith("__")]
        failures = [(key, "is no input of this provider") for key in unknown]
        return provider_pb2.CheckResponse(inputs=request.news, failures=_failures(failures))

    def Configure(  # noqa: N802
        self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        """Store the inputs; refused if a fault simulates missing credentials."""
        response = super().Configure(request, context)
        with self.inventory.changing() as world:
            fault = faults.due(world, "configure", self.name, "")
        if fault is not None:
            self.refuse(fault.message)
        return response

    # -- resources ----------------------------------------------------------------------------------------------------

    def Check(  # noqa: N802
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        """Complete the inputs with a name and report all errors."""
        if request.type not in self.kinds:
            return provider_pb2.CheckResponse(inputs=request.news, failures=_failures([("", _unknown(request.type))]))
        kind = self.kinds[request.type]
        inputs = self.completed(kind, marked(request.news))
        inputs = checking.named(kind, inputs, opened(request.olds), request.urn, request.randomSeed)
        found = checking.resource_faults(kind, inputs, self.config)
        return provider_pb2.CheckResponse(inputs=struct(inputs), failures=_failures(found))

    def Diff(  # noqa: N802
        self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext
    ) -> provider_pb2.DiffResponse:
        """Compare inputs; a change of an immutable input replaces the resource."""
        kind = self._kind(request.type)
        old, new = kind.canonical(opened(request.old_inputs)), kind.canonical(opened(request.news))
        documented = [each.name for each in schema.resource(request.type).inputs.values() if each.replaces]
        replaces, mutable = below([*documented, *kind.immutable, *kind.replaces(old, new)]), below(kind.mutable)
        automatic = kind.name in opened(request.news).get(checking.DEFAULTS, [])
        first = kind.deletes_first(automatic=automatic)
        return diff(
            old,
            new,
            ignore_changes=request.ignoreChanges,
            replaces=lambda path: replaces(path) and not mutable(path),
            delete_before_replace=first,
        )

    def Create(  # noqa: N802
        self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CreateResponse:
        """Create a resource: accepted or refused immediately, ready after its duration."""
        kind, given = self._kind(request.type), _given(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=struct(self._previewed(kind, given, {}, {})))
        call = self._call(given, request.urn)
        with self._operation("create", kind, call, given) as operation:
            operation.ask(lambda world: life.accept(kind, call, world, given, operation.unsettled))
            operation.pass_time()
            outputs = life.settle(kind, call, self.inventory, given, self.standard_outputs(kind, call))
            self._answer(operation, outputs, given)
        return provider_pb2.CreateResponse(id=call.id, properties=struct(outputs))

    def Update(  # noqa: N802
        self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext
    ) -> provider_pb2.UpdateResponse:
        """Change a resource in place."""
        kind, given = self._kind(request.type), _given(request.news)
        if request.preview:
            held = marked(request.olds)
            added = {key: value for key, value in held.items() if key not in request.old_inputs.fields}
            return provider_pb2.UpdateResponse(properties=struct(self._previewed(kind, given, added, held)))
        call = self._call(given, request.urn, request.id, old=opened(request.old_inputs))
        with self._operation("update", kind, call, given) as operation:
            operation.ask(lambda world: life.change(kind, call, world, given, patches=self.patches))
            operation.pass_time()
            outputs = life.settle(kind, call, self.inventory, given, self.standard_outputs(kind, call))
            self._answer(operation, outputs, given)
        return provider_pb2.UpdateResponse(properties=struct(outputs))

    def Read(  # noqa: N802
        self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ReadResponse:
        """The current state of a resource; empty if it does not exist."""
        kind = self._kind(request.type)
        state, old_inputs = marked(request.properties), marked(request.inputs)
        call = self._call(old_inputs, request.urn, request.id)
        with self._operation("read", kind, call, {}) as operation:
            operation.ask(lambda world: None)
            operation.pass_time()
            self._answer(operation, {}, {})
        call.item = call.world.get(kind.token, request.id)
        if call.item is None:
            return provider_pb2.ReadResponse()
        call.inputs = call.item.inputs
        outputs = remembered({**call.item.outputs, **kind.observe(call)}, state)
        live = remembered(call.item.inputs, old_inputs)
        found = kind.told(pruned(live, old_inputs) if old_inputs else live)
        found = kind.refreshed(call, found, Known(inputs=old_inputs, before=state, now=outputs))
        found |= {key: value for key, value in old_inputs.items() if key.startswith("__")}
        return provider_pb2.ReadResponse(
            id=call.item.id,
            properties=struct(life.sealed(kind, outputs, state)),
            inputs=struct(sealed_like(found, old_inputs)),
        )

    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> Empty:  # noqa: N802
        """Delete or forget a resource; no error if it does not exist."""
        kind = self._kind(request.type)
        old = opened(request.old_inputs)
        call = self._call(marked(request.old_inputs), request.urn, request.id, old=old)
        with self._operation("delete", kind, call, {}) as operation:
            operation.ask(lambda world: life.release(kind, call, world))
            if call.item is not None and not call.item.abandoned:
                operation.pass_time()
                call.left = operation.leaves_behind
                life.remove(self.kinds, call, self.inventory)
            self._answer(operation, {}, {})
        return Empty()

    def Invoke(  # noqa: N802
        self, request: provider_pb2.InvokeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.InvokeResponse:
        """Answer a function."""
        if request.tok not in self.functions:
            self.refuse(f"the simulated cloud does not model the function {request.tok}")
        function, answered = self.functions[request.tok], dict[str, Any]()
        call = self._call(marked(request.args), "")
        if found := checking.argument_faults(function, call.inputs):
            return provider_pb2.InvokeResponse(failures=_failures(found))
        with self._operation("invoke", function, call, marked(request.args)) as operation:
            operation.ask(lambda world: answered.update(function.result(call)))
            operation.pass_time()
            self._answer(operation, {}, {})
        sealed = {key: secret(value) if key in function.secret else value for key, value in answered.items()}
        return provider_pb2.InvokeResponse(**{"return": struct(sealed)})

    # -- the parts of a call ------------------------------------------------------------------------------------------

    def _kind(self, token: str) -> Kind:
        if token not in self.kinds:
            self.refuse(_unknown(token))
        return self.kinds[token]

    def _call(self, given: Mapping[str, Any], urn: str, resource_id: str = "", **more: Any) -> Call:
        inputs = {key: value for key, value in opened(given).items() if not key.startswith("__") and value is not None}
        return Call(
            inputs=inputs, config=self.config, world=World(), urn=urn, id=resource_id, backing=self.backing, **more
        )

    @contextmanager
    def _operation(self, op: str, of: Kind | Function, call: Call, given: Mapping[str, Any]) -> Iterator[Operation]:
        """One call to the cloud: converts a refusal to the plugin's message, and writes the journal."""
        operation = Operation(
            op=op,
            token=of.token,
            call=call,
            inventory=self.inventory,
            seconds=self.seconds,
            cancelled=self.cancelled,
            given=forgotten(given, of.write_only if isinstance(of, Kind) else frozenset()),
        )
        outcome = "ok"
        try:
            yield operation
        except ApiError as error:
            outcome = self.described(op, call, error)
            self.refuse(outcome)
        except Exception as error:
            outcome = str(error)
            raise
        finally:
            operation.record(outcome)

    def _answer(self, operation: Operation, outputs: dict[str, Any], given: Mapping[str, Any]) -> None:
        try:
            operation.answer()
        except AnswerLostError as error:
            self.refuse(str(error))
        except HalfDoneError as error:
            if operation.op in ("create", "update"):
                self.init_failed(operation.call.id, struct(outputs), struct(given), [str(error)])
            self.refuse(str(error))

    def _previewed(
        self, kind: Kind, given: dict[str, Any], added: Mapping[str, Any], held: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The outputs known in a preview: the inputs and previous outputs.

        `added` are the previous outputs that were not inputs, `held` are all previous outputs.
        """
        known = schema.resource(kind.token).outputs
        result = {**added, **given}
        for name, declared in known.items():
            if name not in result and (declared.required or self.optional_unknown):
                result[name] = UNKNOWN
        for path in kind.computed:
            result = filled(result, path, held)
        return {key: value for key, value in result.items() if key in known}


def _given(properties: Struct) -> dict[str, Any]:
    return {key: value for key, value in marked(properties).items() if value is not None}


def _failures(found: list[Fault]) -> list[provider_pb2.CheckFailure]:
    return [provider_pb2.CheckFailure(property=path, reason=f"{path} {reason}".strip()) for path, reason in found]


def _unknown(token: str) -> str:
    try:
        schema.resource(token)
    except UnknownTypeError as error:
        return str(error)
    return f"the simulated cloud does not model the resource type {token}"
