"""The messages and services of the Container Storage Interface, from the descriptor in its Go module."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import grpc
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

REGISTRATION: Final = "pluginregistration.Registration"
"""The protocol by which a driver registers with the kubelet, k8s.io/kubelet/pkg/apis/pluginregistration/v1."""

_STRING: Final = FieldDescriptorProto.TYPE_STRING
_BOOL: Final = FieldDescriptorProto.TYPE_BOOL
_MESSAGES: Final[Mapping[str, tuple[tuple[str, FieldDescriptorProto.Type.ValueType, bool], ...]]] = {
    "PluginInfo": (
        ("type", _STRING, False),
        ("name", _STRING, False),
        ("endpoint", _STRING, False),
        ("supported_versions", _STRING, True),
    ),
    "RegistrationStatus": (("plugin_registered", _BOOL, False), ("error", _STRING, False)),
    "RegistrationStatusResponse": (),
    "InfoRequest": (),
}
_METHODS: Final = {
    "GetInfo": ("InfoRequest", "PluginInfo"),
    "NotifyRegistrationStatus": ("RegistrationStatus", "RegistrationStatusResponse"),
}


class Messages:
    """Message classes and services, by name."""

    def __init__(self, descriptors: bytes) -> None:
        self._pool = DescriptorPool()
        for file in FileDescriptorSet.FromString(descriptors).file:
            self._pool.Add(file)
        self._pool.Add(_registration())

    @classmethod
    def of(cls, program: Path) -> Messages:
        """The messages and services of the descriptor that a program prints."""
        return cls(subprocess.run([program], check=True, capture_output=True).stdout)

    def make(self, name: str, /, **fields: Any) -> Any:
        """A message; `name` is the full name, for example `csi.v1.NodeGetInfoResponse`."""
        return GetMessageClass(self._pool.FindMessageTypeByName(name))(**fields)

    def enumeration(self, name: str) -> dict[str, int]:
        """The numbers of an enumeration, by name."""
        return {value.name: value.number for value in self._pool.FindEnumTypeByName(name).values}

    def handler(self, service: str, methods: Mapping[str, Callable[[Any], Any]]) -> grpc.GenericRpcHandler:
        """A gRPC handler of a service: methods by name, from request to response. Other methods are unimplemented."""
        described = self._pool.FindServiceByName(service)
        handlers = {}
        for method in described.methods:
            if method.name in methods:
                handlers[method.name] = grpc.unary_unary_rpc_method_handler(
                    _served(methods[method.name]),
                    request_deserializer=GetMessageClass(method.input_type).FromString,
                    response_serializer=GetMessageClass(method.output_type).SerializeToString,
                )
        return grpc.method_handlers_generic_handler(service, handlers)

    def call(self, channel: grpc.Channel, service: str, method: str, request: Any) -> Any:
        """Call a method of a server.

        Raises:
            grpc.RpcError: the server refused the call.
        """
        described = self._pool.FindServiceByName(service).methods_by_name[method]
        stub = channel.unary_unary(
            f"/{service}/{method}",
            request_serializer=GetMessageClass(described.input_type).SerializeToString,
            response_deserializer=GetMessageClass(described.output_type).FromString,
        )
        return stub(request, timeout=30)


class RefusedError(Exception):
    """A call that a driver refuses."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code


def _served(method: Callable[[Any], Any]) -> Callable[[Any, grpc.ServicerContext], Any]:
    def serve(request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method(request)
        except RefusedError as refused:
            context.abort(refused.code, str(refused))

    return serve


def _registration() -> FileDescriptorProto:
    file = FileDescriptorProto(name="registration.proto", package="pluginregistration", syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, (field, kind, repeated) in enumerate(fields, 1):
            label = FieldDescriptorProto.LABEL_REPEATED if repeated else FieldDescriptorProto.LABEL_OPTIONAL
            message.field.add(name=field, number=number, type=kind, label=label)
    service = file.service.add(name="Registration")
    for name, (asked, answered) in _METHODS.items():
        service.method.add(
            name=name, input_type=f".pluginregistration.{asked}", output_type=f".pluginregistration.{answered}"
        )
    return file
