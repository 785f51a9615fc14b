"""Plugins that the language host runs as children: streams of their output, and the proxy of a policy pack."""

from __future__ import annotations

import json
import queue
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any, Final

import grpc
from pulumi.runtime.proto import analyzer_pb2

from lab.engine import serving

START_SECONDS: Final = 120.0
"""Timeout until a policy pack prints its port."""
_SERVICE: Final = "/pulumirpc.Analyzer/"


@dataclass(frozen=True)
class Output:
    """A piece of a child's output, or its end."""

    stdout: bytes = b""
    stderr: bytes = b""
    exitcode: int | None = None


def streamed(child: subprocess.Popen[bytes]) -> Iterator[Output]:
    """The output of a child as it is written, then its exit code; the child ends when the consumer stops."""
    pieces: queue.Queue[Output | None] = queue.Queue()
    _copy(child, pieces)
    open_streams = 2
    try:
        while open_streams:
            piece = pieces.get()
            if piece is None:
                open_streams -= 1
            else:
                yield piece
        yield Output(exitcode=child.wait())
    finally:
        # Without this the child would stay a zombie until this process ends.
        child.kill()
        child.wait()


def _copy(child: subprocess.Popen[bytes], pieces: queue.Queue[Output | None]) -> None:
    """Put both streams into the queue, and None at the end of each."""

    def copy(stream: IO[bytes], output: Callable[[bytes], Output]) -> None:
        with stream:
            for line in stream:
                pieces.put(output(line))
        pieces.put(None)

    assert child.stdout is not None
    assert child.stderr is not None
    for stream, output in ((child.stdout, lambda b: Output(stdout=b)), (child.stderr, lambda b: Output(stderr=b))):
        threading.Thread(target=copy, args=(stream, output), daemon=True).start()


class _PolicyProxy(grpc.GenericRpcHandler):
    """Answers Handshake and ConfigureStack, and forwards every other call to the policy pack.

    A Python policy pack reads stack and config from environment variables, so it can start only after ConfigureStack,
    but the engine needs a port before that.
    """

    def __init__(self) -> None:
        self.stack: analyzer_pb2.AnalyzerStackConfigureRequest | None = None
        self.asked = threading.Event()
        """Set when the pack must start, with or without a stack."""
        self._pack: grpc.Channel | None = None
        self._failure = ""
        self._settled = threading.Event()

    def attach(self, port: int) -> None:
        """Forward the waiting calls to the pack."""
        self._pack = serving.channel(f"127.0.0.1:{port}")
        if self.stack is not None:
            try:
                self._forward("ConfigureStack", self.stack.SerializeToString())
            except grpc.RpcError as error:
                # Packs of an older SDK do not have this call, and do not need it.
                if error.code() is not grpc.StatusCode.UNIMPLEMENTED:  # type: ignore[attr-defined]
                    self.fail(f"the policy pack refused the stack's configuration: {error.details()}")  # type: ignore[attr-defined]
        self._settled.set()

    def fail(self, why: str) -> None:
        """Answer the waiting calls with an error."""
        self._failure = why
        self._settled.set()

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        """The handler of one method, with raw bytes as messages."""
        method = str(handler_call_details.method)  # type: ignore[attr-defined]
        if not method.startswith(_SERVICE):
            return None
        name = method.removeprefix(_SERVICE)
        return grpc.unary_unary_rpc_method_handler(lambda request, context: self._answer(name, request, context))

    def _answer(self, name: str, request: bytes, context: grpc.ServicerContext) -> bytes:
        if name == "Handshake":
            return analyzer_pb2.AnalyzerHandshakeResponse().SerializeToString()
        if name == "ConfigureStack":
            self.stack = analyzer_pb2.AnalyzerStackConfigureRequest.FromString(request)
            self.asked.set()
            return analyzer_pb2.AnalyzerStackConfigureResponse().SerializeToString()
        self.asked.set()
        if not self._settled.wait(START_SECONDS):
            context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, f"the policy pack did not start in {START_SECONDS:.0f} s")
        if self._failure:
            context.abort(grpc.StatusCode.UNKNOWN, self._failure)
        try:
            return self._forward(name, request)
        except grpc.RpcError as error:
            context.abort(error.code(), error.details())  # type: ignore[attr-defined]
            raise

    def _forward(self, name: str, request: bytes) -> bytes:
        assert self._pack is not None
        answer: Any = self._pack.unary_unary(_SERVICE + name)(request)
        return bytes(answer)

    def variables(self) -> dict[str, str]:
        """The environment variables about the stack that the pack's SDK reads."""
        stack = self.stack
        if stack is None:
            return {}
        return {
            "PULUMI_ORGANIZATION": stack.organization,
            "PULUMI_PROJECT": stack.project,
            "PULUMI_STACK": stack.stack,
            "PULUMI_DRY_RUN": "true" if stack.dry_run else "false",
            "PULUMI_CONFIG": json.dumps(dict(stack.config)),
        }


def policy_pack(
    start: Callable[[dict[str, str]], subprocess.Popen[bytes]], context: grpc.ServicerContext
) -> Iterator[Output]:
    """Serve a policy pack behind a proxy: the proxy's port first, then the pack's output, then its exit code.

    `start` starts the pack with additional variables. The pack prints its own port as the first line.
    """
    proxy = _PolicyProxy()
    server, port = serving.started(lambda server: server.add_generic_rpc_handlers((proxy,)))
    context.add_callback(proxy.asked.set)
    try:
        yield Output(stdout=f"{port}\n".encode())
        proxy.asked.wait()
        if not context.is_active():
            return
        child = start(proxy.variables())
        attached = False
        for output in streamed(child):
            first = re.fullmatch(rb"(\d+)\s*", output.stdout)
            if not attached and first:
                attached = True
                threading.Thread(target=proxy.attach, args=(int(first[1]),), daemon=True).start()
            else:
                if output.exitcode is not None:
                    proxy.fail(f"the policy pack ended with exit code {output.exitcode}")
                yield output
    finally:
        # Time for the waiting calls to report the error.
        server.stop(grace=1)
