"""The base of all provider stand-ins: property values, differences, and a server with errors in the protocol's form."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from google.rpc import status_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from lab.engine import serving
from lab.engine.launcher import PLUGINS_VARIABLE
from lab.engine.provider import Provider
from lab.engine.provider_diff import below, diff, path_of, text_of
from lab.engine.provider_values import (
    UNKNOWN,
    has_unknown,
    is_unknown,
    marked,
    opened,
    sealed_like,
    secret,
    struct,
)
from lab.offline_pulumi import stand_ins

KINDS = {value: name.lower().replace("_", "-") for name, value in provider_pb2.PropertyDiff.Kind.items()}


def shown(old: dict[str, Any], new: dict[str, Any], **rules: Any) -> dict[str, str]:
    return {path: KINDS[entry.kind] for path, entry in diff(struct(old), struct(new), **rules).detailedDiff.items()}


# -- values -----------------------------------------------------------------------------------------------------------


def test_properties_survive_the_way_to_protobuf_and_back() -> None:
    values = {
        "n": 1,
        "f": 1.5,
        "t": "a",
        "b": True,
        "no": None,
        "l": [1, [], {}],
        "m": {"x": {}},
        "s": secret([UNKNOWN]),
    }
    assert marked(struct(values)) == values


def test_opening_reaches_secrets_at_any_depth() -> None:
    assert opened(struct({"a": secret({"b": [secret("c")]})})) == {"a": {"b": ["c"]}}


def test_an_unknown_is_found_inside_secrets_and_lists() -> None:
    assert has_unknown({"a": [secret({"b": UNKNOWN})]})
    assert not has_unknown({"a": [secret({"b": "known"})]})
    assert is_unknown(secret(UNKNOWN))
    assert not is_unknown([UNKNOWN])


@pytest.mark.parametrize(
    ("value", "pattern", "expected"),
    [
        ({"a": 1, "b": 2}, {"a": secret(0)}, {"a": secret(1), "b": 2}),
        ({"a": {"x": 1}, "b": 2}, {"a": {"x": secret(0)}}, {"a": {"x": secret(1)}, "b": 2}),
        ({"a": [1, 2, 3]}, {"a": [0, secret(0)]}, {"a": [1, secret(2), 3]}),
        ({"a": {"x": 1}}, {"a": secret({"y": 1})}, {"a": secret({"x": 1})}),
        ({"a": {"x": 1}}, {"a": "other"}, {"a": {"x": 1}}),
        ({"a": {"x": secret(1)}}, {"a": secret(0)}, {"a": secret({"x": 1})}),
    ],
)
def test_what_went_in_secret_comes_out_secret(value: Any, pattern: Any, expected: Any) -> None:
    assert sealed_like(value, struct(pattern)) == expected


# -- differences ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["a", "a.b[0].c", 'a["x.y/z"].b', 'a["it\\"s"]', "[0][1]"])
def test_a_path_is_written_as_it_was_read(text: str) -> None:
    assert text_of(path_of(text)) == text


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": 1}, {"a": 1}, {}),
        ({"a": 1}, {"a": 2}, {"a": "update"}),
        ({}, {"a": {"b": 1}}, {"a": "add"}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, {"a.c": "delete"}),
        ({"a": [1, 2]}, {"a": [1, 3, 4]}, {"a[1]": "update", "a[2]": "add"}),
        ({"a": [1, 2]}, {"a": [1]}, {"a[1]": "delete"}),
        ({"a": {"x.y": "1"}}, {"a": {"x.y": "2"}}, {'a["x.y"]': "update"}),
        ({"a": None}, {}, {}),
        ({"a": {"b": 1}}, {"a": UNKNOWN}, {"a": "update"}),
        ({"a": UNKNOWN}, {"a": UNKNOWN}, {"a": "update"}),
        ({"a": "x"}, {"a": secret("x")}, {}),
        ({"a": True}, {"a": 1}, {"a": "update"}),
        ({"a": 1}, {"a": 1, "__defaults": ["b"]}, {}),
    ],
)
def test_differences_are_shown_at_the_deepest_path(
    old: dict[str, Any], new: dict[str, Any], expected: dict[str, str]
) -> None:
    assert shown(old, new) == expected


def test_a_replacing_path_covers_what_is_below_it_and_nothing_beside_it() -> None:
    old = {"spec": {"selector": {"a": "1"}, "ports": [{"name": "x", "port": 1}]}, "other": 1}
    new = {"spec": {"selector": {"a": "2"}, "ports": [{"name": "y", "port": 2}]}, "other": 2}
    rules = ["spec.selector", "spec.ports[*].name"]
    assert shown(old, new, replaces=rules) == {
        "spec.selector.a": "update-replace",
        "spec.ports[0].name": "update-replace",
        "spec.ports[0].port": "update",
        "other": "update",
    }
    answer = diff(struct(old), struct(new), replaces=below(rules), delete_before_replace=True)
    assert list(answer.replaces) == ["spec.ports[0].name", "spec.selector.a"]
    assert list(answer.diffs) == ["other", "spec"]
    assert answer.deleteBeforeReplace


@pytest.mark.parametrize(("rule", "kind"), [("spec.selector", "replace"), ("spec.other", "")])
def test_what_comes_or_goes_as_a_whole_replaces_when_a_replacing_path_is_inside(rule: str, kind: str) -> None:
    whole = {"spec": {"selector": [{"a": 1}]}}
    assert shown(whole, {}, replaces=[rule]) == {"spec": f"delete-{kind}".strip("-")}
    assert shown({}, whole, replaces=[rule]) == {"spec": f"add-{kind}".strip("-")}


def test_nothing_is_deleted_first_when_nothing_is_replaced() -> None:
    answer = diff(struct({"a": 1}), struct({"a": 2}), delete_before_replace=True)
    assert not answer.deleteBeforeReplace


def test_an_ignored_path_hides_only_itself_and_what_is_below() -> None:
    assert shown({"a": {"b": 1}, "ab": 1}, {"a": {"b": 2}, "ab": 2}, ignore_changes=["a"]) == {"ab": "update"}
    assert shown({"a": 1}, {"a": 2}, ignore_changes=["*"]) == {}


# -- the server -------------------------------------------------------------------------------------------------------


class Troubled(Provider):
    """A provider with every kind of failure."""

    def Create(self, request: provider_pb2.CreateRequest, context: Any) -> provider_pb2.CreateResponse:
        match request.name:
            case "refused":
                self.refuse("the name is taken")
            case "half":
                self.init_failed("id-1", struct({"a": 1}), struct({"b": 2}), ["pod is crashing", "and again"])
            case "broken":
                raise KeyError("surprise")
        return provider_pb2.CreateResponse(id="fine")


@pytest.fixture
def stub() -> Iterator[provider_pb2_grpc.ResourceProviderStub]:
    server, port = serving.started(
        lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(Troubled("troubled", "1.2.3"), server)
    )
    with serving.channel(f"127.0.0.1:{port}") as channel:
        yield provider_pb2_grpc.ResourceProviderStub(channel)
    server.stop(grace=0)


def create(stub: provider_pb2_grpc.ResourceProviderStub, name: str) -> Any:
    with pytest.raises(grpc.RpcError) as failed:
        stub.Create(provider_pb2.CreateRequest(name=name))
    return failed.value


def test_a_refusal_arrives_as_its_message_and_nothing_else(stub: provider_pb2_grpc.ResourceProviderStub) -> None:
    error = create(stub, "refused")
    assert (error.code(), error.details()) == (grpc.StatusCode.UNKNOWN, "the name is taken")


def test_a_half_made_resource_arrives_with_its_id_state_and_reasons(
    stub: provider_pb2_grpc.ResourceProviderStub,
) -> None:
    error = create(stub, "half")
    assert error.details() == "pod is crashing; and again"
    status = status_pb2.Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"])
    detail = provider_pb2.ErrorResourceInitFailed()
    assert status.details[0].Unpack(detail)
    assert (detail.id, marked(detail.properties), marked(detail.inputs)) == ("id-1", {"a": 1}, {"b": 2})
    assert list(detail.reasons) == ["pod is crashing", "and again"]


def test_a_defect_names_itself_and_the_next_call_works(
    stub: provider_pb2_grpc.ResourceProviderStub, capfd: pytest.CaptureFixture[str]
) -> None:
    error = create(stub, "broken")
    assert (error.code(), error.details()) == (grpc.StatusCode.INTERNAL, "KeyError: 'surprise'")
    assert "Traceback" in capfd.readouterr().err
    assert stub.Create(provider_pb2.CreateRequest(name="ok")).id == "fine"


def test_what_is_not_there_is_unimplemented(stub: provider_pb2_grpc.ResourceProviderStub) -> None:
    with pytest.raises(grpc.RpcError) as failed:
        stub.Parameterize(provider_pb2.ParameterizeRequest())
    assert failed.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_provider_that_changes_its_config_is_not_replaced(stub: provider_pb2_grpc.ResourceProviderStub) -> None:
    request = provider_pb2.DiffRequest(old_inputs=struct({"kubeconfig": "a"}), news=struct({"kubeconfig": "b"}))
    answer = stub.DiffConfig(request)
    assert list(answer.diffs) == ["kubeconfig"]
    assert list(answer.replaces) == []


@pytest.fixture(params=["started anew", "preloaded"])
def launcher(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """The executable of a plugin, and its environment."""
    path = tmp_path / "pulumi-resource-random"
    stand_ins.install_random_plugin(path)
    if request.param == "preloaded":
        with stand_ins.preloaded_plugins(tmp_path) as python:
            yield path, {PLUGINS_VARIABLE: str(python)}
    else:
        yield path, {}


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_plugin_prints_its_port_answers_and_ends_quietly(
    launcher: tuple[Path, dict[str, str]], sent: signal.Signals
) -> None:
    path, env = launcher
    with subprocess.Popen([path], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as plugin:
        try:
            assert plugin.stdout is not None
            port = int(plugin.stdout.readline())
            with serving.channel(f"127.0.0.1:{port}") as channel:
                info = provider_pb2_grpc.ResourceProviderStub(channel).GetPluginInfo(Empty())
            assert info.version.count(".") == 2
            plugin.send_signal(sent)
            out, err = plugin.communicate(timeout=10)
        finally:
            plugin.kill()
    assert (plugin.returncode, out, err) == (0, "", "")


def test_a_plugin_whose_parent_is_gone_ends_by_itself(launcher: tuple[Path, dict[str, str]]) -> None:
    """The engine may be killed: no process must remain."""
    path, env = launcher
    script = (
        "import subprocess\n"
        f"child = subprocess.Popen([{str(path)!r}], stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
        "print(child.pid, flush=True)\n"
    )
    shown = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=30)
    pid = int(shown.stdout)
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    if Path(f"/proc/{pid}").exists():
        os.kill(pid, signal.SIGKILL)
        pytest.fail("the plugin outlived its parent by 10 s")
