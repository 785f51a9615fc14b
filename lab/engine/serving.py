"""A gRPC server as the engine expects it of a plugin: port on stdout, quiet shutdown, errors with a code."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any, Final

import grpc
from google.protobuf.message import Message
from google.rpc import status_pb2

MESSAGE_BYTES: Final = 400 * 1024 * 1024
"""The largest message; the engine's own limit."""
THREADS: Final = 256
"""Maximum of concurrent calls: an await blocks its thread for minutes, and the engine's parallelism is unlimited."""
OPTIONS: Final = [("grpc.max_receive_message_length", MESSAGE_BYTES), ("grpc.max_send_message_length", MESSAGE_BYTES)]
PARENT_POLL_SECONDS: Final = 1.0


class CallError(Exception):
    """An error answer to a call, with a message for the user of `pulumi`.

    The default code is the one of Go plugins for an ordinary error. `detail` is a protobuf message that the engine
    reads in addition to the text, such as the state of a resource whose creation failed half-way.
    """

    def __init__(
        self, message: str, *, code: grpc.StatusCode = grpc.StatusCode.UNKNOWN, detail: Message | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.detail = detail


class _ErrorsToStatus(grpc.ServerInterceptor):
    """Converts exceptions to a status, so that no traceback is printed to the plugin's stderr."""

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler:
        """Wrap the handler of one method."""
        handler: Any = continuation(handler_call_details)
        if handler is None:
            return handler
        coding = {
            "request_deserializer": handler.request_deserializer,
            "response_serializer": handler.response_serializer,
        }

        def stream(request: Any, context: grpc.ServicerContext) -> Any:
            try:
                yield from handler.unary_stream(request, context)
            except CallError as error:
                _abort(context, error)

        if handler.unary_stream is not None:
            return grpc.unary_stream_rpc_method_handler(stream, **coding)

        def call(request: Any, context: grpc.ServicerContext) -> Any:
            try:
                return handler.unary_unary(request, context)
            except CallError as error:
                _abort(context, error)
            except NotImplementedError:
                context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{handler_call_details.method} is not implemented")
            except Exception as error:
                if context.code() is not None:  # aborted on purpose further down
                    raise
                traceback.print_exc()
                _abort(context, CallError(f"{type(error).__name__}: {error}", code=grpc.StatusCode.INTERNAL))

        return grpc.unary_unary_rpc_method_handler(call, **coding)


def _abort(context: grpc.ServicerContext, error: CallError) -> None:
    if error.detail is not None:
        status = status_pb2.Status(code=error.code.value[0], message=str(error))
        status.details.add().Pack(error.detail)
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(error.code, str(error))


def serve(register: Callable[[grpc.Server], None], *, on_stop: Callable[[], None] = lambda: None) -> None:
    """Serve on a free loopback port until SIGINT, SIGTERM or the end of the parent; then exit with code 0.

    Prints the port as the first line of stdout. `on_stop` runs once before the server closes, and ends waiting calls.
    Does not return.
    """
    stop = threading.Event()

    def quiet(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGINT, quiet)
    signal.signal(signal.SIGTERM, quiet)
    parent = os.getppid()
    server, port = started(register)
    print(port, flush=True)
    while not stop.wait(PARENT_POLL_SECONDS):
        if os.getppid() != parent:
            break
    on_stop()
    server.stop(grace=0.5).wait(1)
    sys.stdout.flush()
    # Not sys.exit, which would wait for threads of abandoned calls.
    os._exit(0)


def started(register: Callable[[grpc.Server], None]) -> tuple[grpc.Server, int]:
    """A running server and its free loopback port."""
    server = grpc.server(
        ThreadPoolExecutor(max_workers=THREADS),
        options=OPTIONS,
        interceptors=[_ErrorsToStatus()],
        maximum_concurrent_rpcs=None,
    )
    register(server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def channel(address: str) -> grpc.Channel:
    """A channel to the engine or to a plugin on this machine, with the maximum message size."""
    return grpc.insecure_channel(address, options=OPTIONS)
