"""Runs the real program against a simulated engine that records every registration and contacts nothing."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import hashlib
import json
import runpy
import string
import threading
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final

import pulumi
from google.protobuf import json_format, struct_pb2
from pulumi.runtime import mocks, rpc, stack
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import SETTINGS

from tests.unit.recording import recorder_azure, recorder_gcp, recorder_sdk

PROGRAM: Final = Path(__file__).resolve().parents[3] / "__main__.py"
PROJECT: Final = "airflow"
STACK: Final = "test"
CLOUDS: Final = ("gcp:", "azure-native:")
"""Prefixes of cloud types: Google's `Service` is an API, and its `Secret` is not a Kubernetes object."""
SIGNATURE: Final = rpc._special_sig_key
SECRET: Final = rpc._special_secret_sig
ALPHABET: Final = string.ascii_letters + string.digits

Config = Mapping[str, Any]
"""A stack file's `config`: text, or objects as YAML gives them; `{"secure": text}` is a secret."""


@dataclass(frozen=True)
class Secret:
    """A value that is marked as secret."""

    value: Any


@dataclass(frozen=True, kw_only=True)
class Registration:
    """One request to register a resource, as received by the engine."""

    type: str
    name: str
    urn: str
    parent: str
    provider: str
    custom: bool
    inputs: dict[str, Any]
    """In the form of the API, secrets wrapped in Secret."""
    dependencies: frozenset[str]
    protect: bool
    deleted_with: str
    delete_before_replace: bool
    create_before_delete: bool
    """Whether the program requires that the replacement is created first."""
    retain_on_delete: bool
    timeouts: dict[str, str]
    ignore_changes: tuple[str, ...]
    replace_on_changes: tuple[str, ...]
    aliases: tuple[str, ...]
    error_hooks: tuple[str, ...]
    """Names of the error hooks."""
    outputs: dict[str, Any]
    """Outputs of the simulated provider."""

    @cached_property
    def plain(self) -> dict[str, Any]:
        """The inputs without marks."""
        return plain(self.inputs)

    @property
    def kind(self) -> str:
        """The last part of the type: Deployment, RandomPassword, Airflow."""
        return self.type.rpartition(":")[2]

    @property
    def object_name(self) -> str:
        """The Kubernetes object's own name."""
        return self.outputs["metadata"]["name"]

    @property
    def namespace(self) -> str | None:
        """The Kubernetes object's namespace."""
        return self.plain["metadata"].get("namespace")


@dataclass(frozen=True, kw_only=True, eq=False)
class Recording:
    """Resources and exports of one run of the program."""

    config: Config
    registrations: tuple[Registration, ...]
    """In the order of their URNs; without the stack itself."""
    outputs: dict[str, Any]
    """The stack's exports, secrets wrapped in Secret."""
    error: Exception | None = None
    """The error that ended the program."""

    def of_type(self, *types: str) -> list[Registration]:
        """The registrations whose type ends in one of the given names; a cloud's own are not among them."""
        return [found for found in self.registrations if found.kind in types and not found.type.startswith(CLOUDS)]

    def of_cloud(self, *types: str) -> list[Registration]:
        """A cloud's own resources whose type ends in one of the given names."""
        return [found for found in self.registrations if found.kind in types and found.type.startswith(CLOUDS)]

    @cached_property
    def objects(self) -> list[Registration]:
        """Every Kubernetes object."""
        return [found for found in self.registrations if found.type.startswith("kubernetes:")]

    @cached_property
    def by_urn(self) -> dict[str, Registration]:
        """The registrations by URN."""
        return {found.urn: found for found in self.registrations}

    def the(self, kind: str, name: str) -> Registration:
        """The one registration of a kind and a logical name."""
        [found] = [found for found in self.registrations if (found.kind, found.name) == (kind, name)]
        return found


def plain(value: Any) -> Any:
    """The value without marks of secrecy."""
    match value:
        case Secret():
            return plain(value.value)
        case dict():
            return {key: plain(part) for key, part in value.items()}
        case list():
            return [plain(part) for part in value]
        case _:
            return value


def walk(value: Any, path: str = "", *, secret: bool = False) -> Iterator[tuple[str, Any, bool]]:
    """Every leaf of a value: its path, the leaf, and whether it is marked as secret."""
    match value:
        case Secret():
            yield from walk(value.value, path, secret=True)
        case dict():
            for key, part in value.items():
                yield from walk(part, f"{path}.{key}", secret=secret)
        case list():
            for index, part in enumerate(value):
                yield from walk(part, f"{path}[{index}]", secret=secret)
        case _:
            yield path, value, secret


def decoded(value: Any) -> Any:
    """A value from the protocol, with secrets as Secret and whole numbers as int."""
    if isinstance(value, dict):
        if value.get(SIGNATURE) == SECRET:
            return Secret(decoded(value["value"]))
        assert SIGNATURE not in value, f"the recorder does not know this kind of value: {value}"
        return {key: decoded(part) for key, part in value.items()}
    if isinstance(value, list):
        return [decoded(part) for part in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def encoded_secret(text: str) -> dict[str, str]:
    """A secret in the protocol's form."""
    return {SIGNATURE: SECRET, "value": text}


def random_bytes(*seed: object, length: int) -> bytes:
    """Pseudo-random bytes, derived from a seed."""
    return hashlib.shake_256(repr(seed).encode()).digest(length)


@dataclass
class Monitor(mocks.MockMonitor):
    """A simulated engine: computes outputs of providers, and records every request."""

    preview: bool
    seed: str
    seen: dict[str, Registration] = field(default_factory=dict)
    stack_outputs: dict[str, Any] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def RegisterResource(self, request: Any) -> Any:
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == "pulumi:pulumi:Stack":
            return resource_pb2.RegisterResourceResponse(urn=urn)
        sent = json_format.MessageToDict(request.object)
        answered = {**sent, **self._computed(request.type, urn, request.name, sent)}
        registration = Registration(
            type=request.type,
            name=request.name,
            urn=urn,
            parent=request.parent,
            provider=request.provider,
            custom=request.custom,
            inputs=decoded(sent),
            dependencies=frozenset(request.dependencies),
            protect=request.protect,
            deleted_with=request.deletedWith,
            delete_before_replace=request.deleteBeforeReplace,
            create_before_delete=request.deleteBeforeReplaceDefined and not request.deleteBeforeReplace,
            retain_on_delete=request.retainOnDelete,
            timeouts={
                key: value for key in ("create", "update", "delete") if (value := getattr(request.customTimeouts, key))
            },
            ignore_changes=tuple(request.ignoreChanges),
            replace_on_changes=tuple(request.replaceOnChanges),
            aliases=tuple(map(str, request.aliases)),
            error_hooks=tuple(request.hooks.on_error),
            outputs=plain(decoded(answered)),
        )
        with self.lock:
            if urn in self.seen:
                raise AssertionError(f"two resources with one URN: {urn}")
            self.seen[urn] = registration
        return resource_pb2.RegisterResourceResponse(
            urn=urn,
            id=self._id(request) if request.custom else "",
            object=json_format.ParseDict(answered, struct_pb2.Struct()),
        )

    def _id(self, request: Any) -> str:
        if request.type == "azure-native:resources:ResourceGroup":
            return recorder_azure.group_id(request.name)
        return f"{request.name}-id"

    def _computed(self, type_: str, urn: str, name: str, sent: Mapping[str, Any]) -> dict[str, Any]:
        """A provider's outputs in addition to the inputs; in a preview only the generated names."""
        if type_.startswith("kubernetes:"):
            metadata = sent.get("metadata", {})
            # An object under a chosen name gets a new one when its content changes, as a replaced object does.
            suffix = random_bytes(urn, json.dumps(plain(decoded(dict(sent))), sort_keys=True), length=4).hex()
            return {"metadata": {"name": f"{name}-{suffix}", **metadata}}
        if self.preview or type_.startswith(("pulumi:providers:", "airflow:")):
            return recorder_azure.previewed(type_, sent)
        if type_.startswith("gcp:"):
            return recorder_gcp.computed(type_, sent)
        if type_.startswith("azure-native:"):
            return recorder_azure.computed(type_, name, sent)
        if type_ == "random:index/randomId:RandomId":
            return {"hex": random_bytes(self.seed, urn, length=int(sent["byteLength"])).hex()}
        length = int(sent["length"])
        made = random_bytes(self.seed, urn, length=length)
        match type_:
            case "random:index/randomPassword:RandomPassword":
                return {"result": encoded_secret("".join(ALPHABET[byte % len(ALPHABET)] for byte in made))}
            case "random:index/randomBytes:RandomBytes":
                return {"base64": encoded_secret(b64encode(made).decode()), "hex": encoded_secret(made.hex())}
            case _:
                raise AssertionError(f"the recorder does not know what {type_} computes")

    def RegisterResourceOutputs(self, request: Any) -> Any:
        if "::pulumi:pulumi:Stack::" in request.urn:
            self.stack_outputs = decoded(json_format.MessageToDict(request.outputs))
        return super().RegisterResourceOutputs(request)

    def Invoke(self, request: Any) -> Any:
        cloud = recorder_gcp if request.tok.startswith("gcp:") else recorder_azure
        answer = cloud.invoked(request.tok, json_format.MessageToDict(request.args))
        return resource_pb2.ResourceInvokeResponse(**{"return": json_format.ParseDict(answer, struct_pb2.Struct())})

    def ReadResource(self, request: Any) -> Any:
        raise AssertionError(f"the program reads a resource: {request.type}")


class _NoMocks(mocks.Mocks):
    """Never called: Monitor answers everything itself."""

    def call(self, args: mocks.MockCallArgs) -> Any:
        raise AssertionError(args.token)

    def new_resource(self, args: mocks.MockResourceArgs) -> Any:
        raise AssertionError(args.typ)


def raw(config: Config) -> tuple[dict[str, str], list[str]]:
    """Config in the form that the engine passes to a program: only text, and the list of secret keys."""
    texts: dict[str, str] = {}
    secrets: list[str] = []
    for key, value in config.items():
        match value:
            case {"secure": text}:
                texts[key] = text
                secrets.append(key)
            case str():
                texts[key] = value
            case _:
                texts[key] = json.dumps(value)
    return texts, secrets


def run(config: Config, *, preview: bool = False, seed: str = "seed", program: Path = PROGRAM) -> Recording:
    """Run the program for a stack's config.

    Args:
        config: the stack file's `config`.
        preview: leave out outputs that are known only after creation.
        seed: source of generated values; another seed results in other passwords.
        program: its main module; default: the project's own.
    """
    monitor = Monitor(preview=preview, seed=seed)
    mocks.MockMonitor.__init__(monitor, _NoMocks())
    # A run creates many small objects that live until its end: garbage collection takes a third of its time.
    gc.disable()
    try:
        error = contextvars.Context().run(_run, config, monitor, preview=preview, program=program)
    finally:
        _leave_out_what_is_loaded()
        gc.enable()
    registrations = tuple(monitor.seen[urn] for urn in sorted(monitor.seen))
    return Recording(config=config, registrations=registrations, outputs=monitor.stack_outputs, error=error)


@cache
def _leave_out_what_is_loaded() -> None:
    """After the first run: the loaded SDKs stay, and collecting them takes longer than a test."""
    gc.collect()
    gc.freeze()


def _run(config: Config, monitor: Monitor, *, preview: bool, program: Path) -> Exception | None:
    async def started() -> Exception | None:
        features = set(monitor.GetDeploymentInfo(None).supportedFeatures)
        pulumi.runtime.settings.configure(
            mocks.MockSettings(
                monitor=monitor,
                monitor_features=features,
                engine=mocks.MockEngine(None),
                project=PROJECT,
                stack=STACK,
                dry_run=preview,
                organization=None,
                callbacks=None,
            )
        )
        SETTINGS.outputs.clear()
        texts, secrets = raw(config)
        pulumi.runtime.set_all_config(texts, secrets)
        asyncio.get_running_loop().set_default_executor(recorder_sdk.CallerThread())

        async def main() -> None:
            runpy.run_path(str(program), run_name="__main__")
            await recorder_sdk.settled()

        try:
            with recorder_sdk.shortened():
                await stack.run_in_stack(main)
        except pulumi.RunError as refused:
            return refused
        return None

    return asyncio.run(started())
