"""The random plugin: values are generated once, kept, secret, and replaced by changed inputs."""

from __future__ import annotations

import base64
import json
import string
from collections import Counter
from collections.abc import Callable
from typing import Any

import bcrypt
import grpc
import pytest
from pulumi.runtime.proto import provider_pb2

from lab.engine.provider_values import UNKNOWN, has_secret, is_secret, marked, opened, secret, struct
from lab.engine.serving import CallError
from lab.engine.stack import Stack
from lab.offline_pulumi.random_provider import RandomProvider

PASSWORD = "random:index/randomPassword:RandomPassword"
STRING = "random:index/randomString:RandomString"
ID = "random:index/randomId:RandomId"
BYTES = "random:index/randomBytes:RandomBytes"

ALL = """
import pulumi
import pulumi_random as random

password = random.RandomPassword("password", length=24, min_special=4, min_numeric=3, override_special="-_")
text = random.RandomString("text", length=12, special=False, upper=False)
identifier = random.RandomId("identifier", byte_length=4, prefix="run-")
octets = random.RandomBytes("octets", length=32)
pulumi.export("password", password.result)
pulumi.export("hash", password.bcrypt_hash)
pulumi.export("text", text.result)
pulumi.export("identifier", identifier.hex)
pulumi.export("octets", octets.base64)
"""

context: Any = None
"""The provider's methods use no call context."""


@pytest.fixture
def provider() -> RandomProvider:
    return RandomProvider("random", "4.21.0")


def drawn(provider: RandomProvider, token: str, **inputs: Any) -> provider_pb2.CreateResponse:
    return provider.Create(provider_pb2.CreateRequest(type=token, properties=struct(inputs)), context)


def faults(provider: RandomProvider, token: str, **inputs: Any) -> dict[str, str]:
    answer = provider.Check(provider_pb2.CheckRequest(type=token, news=struct(inputs)), context)
    return {failure.property: failure.reason for failure in answer.failures}


def replaced(provider: RandomProvider, token: str, old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    answer = provider.Diff(provider_pb2.DiffRequest(type=token, old_inputs=struct(old), news=struct(new)), context)
    return list(answer.replaces)


# -- through the engine -----------------------------------------------------------------------------------------------


def test_results_are_drawn_once_and_survive_a_second_up_and_a_refresh(project: Callable[..., Stack]) -> None:
    stack = project(ALL)
    stack.up()
    results = stack.outputs()
    assert stack.up("--expect-no-changes").changes() == {}
    stack.refresh("--expect-no-changes")
    assert stack.outputs() == results
    assert len(base64.b64decode(results["octets"])) == 32
    assert bcrypt.checkpw(results["password"].encode(), results["hash"].encode())
    assert results["identifier"].startswith("run-")


def test_secret_results_are_ciphertext_in_state_and_hidden_in_what_is_printed(project: Callable[..., Stack]) -> None:
    stack = project(ALL)
    printed = stack.up().stdout
    results = stack.outputs()
    stored = json.dumps(stack.state())
    hidden = {name: results[name] for name in ("password", "hash", "octets")}
    assert [name for name, value in hidden.items() if value in printed or value in stored] == []
    assert results["text"] in stored


def test_a_changed_keeper_replaces_exactly_its_resource(project: Callable[..., Stack]) -> None:
    program = """
        import pulumi
        import pulumi_random as random
        pulumi.export("a", random.RandomBytes("a", length=8, keepers={"turn": "one"}).hex)
        pulumi.export("b", random.RandomBytes("b", length=8, keepers={"turn": "one"}).hex)
        """
    stack = project(program)
    stack.up()
    before = stack.outputs()
    run = project(program.replace("one", "two", 1)).up()
    after = stack.outputs()
    assert {step.name for step in run.steps("create-replacement")} == {"a"}
    assert run.steps("replace")[0].differences == {"keepers.turn": "update-replace"}
    assert before["b"] == after["b"]
    assert before["a"] != after["a"]


def test_a_wrong_input_stops_the_run_before_anything_is_drawn(project: Callable[..., Stack]) -> None:
    run = project("import pulumi_random as r\nr.RandomString('text', length=2, min_lower=3)\n").up(check=False)
    assert run.code != 0
    assert "below 3, the sum of" in "\n".join(run.messages())
    assert run.changes() == {}


def test_an_unsupported_resource_is_refused_with_those_that_exist(project: Callable[..., Stack]) -> None:
    run = project("import pulumi_random as r\nr.RandomPet('pet')\n").preview(check=False)
    assert run.code != 0
    assert "RandomPassword, RandomString, RandomId, RandomBytes" in "\n".join(run.messages())


def test_import_is_refused_with_the_way_that_works(project: Callable[..., Stack]) -> None:
    run = project("").pulumi("import", PASSWORD, "password", "letmein", "--stack", "test", "--yes", check=False)
    assert run.code != 0
    assert "LAB_TOOLS=official" in run.stdout + run.stderr


# -- the provider alone -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inputs", "alphabet", "least"),
    [
        ({}, string.ascii_letters + string.digits + "!@#$%&*()-_=+[]{}<>:?", {}),
        ({"special": False}, string.ascii_letters + string.digits, {}),
        ({"special": False, "upper": False, "numeric": False}, string.ascii_lowercase, {}),
        ({"number": False, "special": False, "lower": False}, string.ascii_uppercase, {}),
        ({"overrideSpecial": "~"}, string.ascii_letters + string.digits + "~", {}),
        ({"minSpecial": 30, "overrideSpecial": "~"}, string.ascii_letters + string.digits + "~", {"~": 30}),
        (
            {"minUpper": 40},
            string.ascii_letters + string.digits + "!@#$%&*()-_=+[]{}<>:?",
            {string.ascii_uppercase: 40},
        ),
        (
            {"upper": False, "minUpper": 40, "special": False},
            string.ascii_letters + string.digits,
            {string.ascii_uppercase: 40},
        ),
    ],
)
@pytest.mark.parametrize("token", [STRING, PASSWORD])
def test_a_text_has_its_length_its_alphabet_and_the_least_of_each_class(
    provider: RandomProvider, token: str, inputs: dict[str, Any], alphabet: str, least: dict[str, int]
) -> None:
    seen: Counter[str] = Counter()
    free = 50 - sum(least.values())
    for _ in range(1 if token == PASSWORD else 3000 // free):
        result = opened(drawn(provider, token, length=50, **inputs).properties)["result"]
        assert len(result) == 50
        assert [kind for kind, count in least.items() if sum(result.count(sign) for sign in kind) < count] == []
        seen.update(result)
    assert set(seen) - set(alphabet) == set()
    if token == STRING:
        assert set(alphabet) - set(seen) == set(), "a sign of the alphabet never came in 3000 free draws"


def test_the_least_of_a_class_comes_at_no_fixed_place(provider: RandomProvider) -> None:
    inputs = {"length": 20, "minUpper": 1, "upper": False, "numeric": False, "special": False}
    results = [opened(drawn(provider, STRING, **inputs).properties)["result"] for _ in range(30)]
    places = {next(place for place, sign in enumerate(result) if sign.isupper()) for result in results}
    assert len(places) > 5


@pytest.mark.parametrize(
    ("token", "inputs", "hidden", "seen"),
    [
        (PASSWORD, {"length": 9}, {"result", "bcryptHash"}, set()),
        (STRING, {"length": 9}, set(), {"result"}),
        (ID, {"byteLength": 9}, set(), {"b64Std", "b64Url", "dec", "hex"}),
        (BYTES, {"length": 9}, {"base64", "hex"}, set()),
    ],
)
def test_each_resource_answers_its_outputs_secret_where_the_official_plugin_does(
    provider: RandomProvider, token: str, inputs: dict[str, Any], hidden: set[str], seen: set[str]
) -> None:
    answer = drawn(provider, token, **inputs)
    outputs = marked(answer.properties)
    assert {name for name, value in outputs.items() if is_secret(value)} == hidden
    assert seen <= set(outputs)
    secrets = [opened(outputs[name]) for name in hidden]
    assert answer.id != ""
    assert answer.id not in secrets, "an id is never encrypted"


def test_a_preview_answers_no_id_and_unknown_results(provider: RandomProvider) -> None:
    request = provider_pb2.CreateRequest(type=BYTES, properties=struct({"length": 3}), preview=True)
    answer = provider.Create(request, context)
    assert answer.id == ""
    assert opened(answer.properties)["hex"] == UNKNOWN


def test_a_secret_keeper_stays_secret_among_the_outputs(provider: RandomProvider) -> None:
    answer = drawn(provider, BYTES, length=3, keepers={"of": secret("gold")})
    assert has_secret(marked(answer.properties)["keepers"])


def test_the_notations_of_an_identifier_are_the_same_bytes_each_with_the_prefix(provider: RandomProvider) -> None:
    answer = drawn(provider, ID, byteLength=5, prefix="a-")
    outputs = opened(answer.properties)
    octets = bytes.fromhex(outputs["hex"].removeprefix("a-"))
    assert outputs["dec"] == f"a-{int.from_bytes(octets, 'big')}"
    assert outputs["b64Std"] == f"a-{base64.b64encode(octets).decode()}"
    assert outputs["b64Url"] == f"a-{base64.urlsafe_b64encode(octets).decode().rstrip('=')}"
    assert answer.id == outputs["b64Url"].removeprefix("a-")


@pytest.mark.parametrize(
    ("token", "inputs", "property_", "reason"),
    [
        (STRING, {}, "length", "missing"),
        (STRING, {"length": 0}, "length", "below 1"),
        (STRING, {"length": "8"}, "length", "not a whole number"),
        (STRING, {"length": 8.5}, "length", "not a whole number"),
        (STRING, {"length": True}, "length", "not a whole number"),
        (STRING, {"length": 8, "minUpper": -1}, "minUpper", "below 0"),
        (STRING, {"length": 3, "minUpper": 2, "minLower": 2}, "length", "below 4, the sum"),
        (STRING, {"length": 8, "size": 1}, "size", "unknown input"),
        (STRING, {"length": 8, "special": "no"}, "special", "not a boolean"),
        (
            STRING,
            {"length": 8, "lower": False, "upper": False, "numeric": False, "special": False},
            "lower",
            "no class",
        ),
        (PASSWORD, {"length": 8, "keepers": "x"}, "keepers", "not a map"),
        (PASSWORD, {"length": secret(0)}, "length", "below 1"),
        (ID, {"length": 8}, "length", "unknown input"),
        (ID, {"byteLength": 0}, "byteLength", "below 1"),
        (ID, {"byteLength": 4, "prefix": 1}, "prefix", "not a string"),
        (BYTES, {"length": 0}, "length", "below 1"),
    ],
)
def test_a_wrong_input_is_named_with_its_reason(
    provider: RandomProvider, token: str, inputs: dict[str, Any], property_: str, reason: str
) -> None:
    assert reason in faults(provider, token, **inputs)[property_]


@pytest.mark.parametrize(
    "inputs",
    [
        {"length": UNKNOWN, "minUpper": 9},
        {"length": 8, "minUpper": 8, "lower": False, "numeric": False, "special": False},
        {"length": 8, "keepers": {"of": UNKNOWN}},
        {"length": 8, "overrideSpecial": None},
        {"length": 8, "__defaults": []},
    ],
)
def test_what_is_right_or_not_known_yet_is_not_objected_to(provider: RandomProvider, inputs: dict[str, Any]) -> None:
    assert faults(provider, STRING, **inputs) == {}


@pytest.mark.parametrize(
    ("old", "new", "paths"),
    [
        ({"length": 8}, {"length": 9}, ["length"]),
        ({"length": 8}, {"length": 8, "special": False}, ["special"]),
        ({"length": 8}, {"length": 8, "special": True, "minLower": 0, "keepers": {}}, []),
        ({"length": 8, "number": False}, {"length": 8, "numeric": False}, []),
        ({"length": 8, "keepers": {"a": "1"}}, {"length": 8, "keepers": {"a": "1", "b": "2"}}, ["keepers.b"]),
        ({"length": 8, "keepers": {"a": "1"}}, {"length": 8}, ["keepers"]),
        ({"length": 8, "keepers": {"a": "1"}}, {"length": 8, "keepers": {"a": secret("1")}}, []),
        ({"length": 8, "keepers": {"a": "1"}}, {"length": 8, "keepers": {"a": UNKNOWN}}, ["keepers.a"]),
        ({"length": 8, "overrideSpecial": "-"}, {"length": 8, "overrideSpecial": "_"}, ["overrideSpecial"]),
    ],
)
def test_every_changed_input_replaces_and_a_written_default_does_not(
    provider: RandomProvider, old: dict[str, Any], new: dict[str, Any], paths: list[str]
) -> None:
    assert replaced(provider, PASSWORD, old, new) == paths


def test_an_ignored_change_is_no_change(provider: RandomProvider) -> None:
    request = provider_pb2.DiffRequest(
        type=STRING,
        old_inputs=struct({"length": 8, "keepers": {"a": "1"}}),
        news=struct({"length": 9, "keepers": {"a": "2"}}),
        ignoreChanges=["length", "keepers.a"],
    )
    assert provider.Diff(request, context).changes == provider_pb2.DiffResponse.DIFF_NONE


def test_an_unknown_function_is_an_error(provider: RandomProvider) -> None:
    with pytest.raises(CallError, match="no function 'random:index/dice:Dice'") as refused:
        provider.Invoke(provider_pb2.InvokeRequest(tok="random:index/dice:Dice"), context)
    assert refused.value.code is grpc.StatusCode.UNKNOWN
