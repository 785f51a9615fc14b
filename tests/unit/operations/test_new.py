"""The command `new`: valid stack files from at most six answers, and one message for each answer that is not valid."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from components.airflow.instance import RESERVED_OPTIONS
from components.settings import parser
from components.settings.azure.catalogue import REGIONS
from components.settings.gcp.regions import ZONES
from docs import schema
from operations import new, profiles
from operations.commands import main
from operations.errors import OperationError
from tests.unit.pricing.stacks import SHIPPED
from tests.unit.recording.stacks import ROOT

ACCOUNTS = {"gcp": "simulated-project", "azure": "11111111-2222-3333-4444-555555555555"}
EXECUTORS = ("celery", "kubernetes", "celery+kubernetes")
HOST = "airflow.simulated.test"
EVERY = [
    {"cloud": cloud, "account": ACCOUNTS[cloud], "executor": executor, "profile": profile, "host": host}
    for cloud, executor, profile, host in itertools.product(ACCOUNTS, EXECUTORS, profiles.PROFILES, ("", HOST))
]
VALIDATOR = jsonschema.Draft7Validator(schema.schema())


class Terminal:
    """A person who answers at a terminal, line by line."""

    def __init__(self, *lines: str) -> None:
        self.lines = iter(lines)
        self.questions: list[str] = []

    def answer(self, question: str) -> str:
        self.questions.append(question)
        return next(self.lines)


@pytest.fixture
def at_terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Terminal]:
    def person(*lines: str) -> Terminal:
        terminal = Terminal(*lines)
        monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
        monkeypatch.setattr("builtins.input", terminal.answer)
        return terminal

    return person


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False)


def written(folder: Path, name: str = "x") -> dict[str, Any]:
    """The values in the stack file, without the project's name."""
    config = yaml.safe_load((folder / f"Pulumi.{name}.yaml").read_text())["config"]
    return {key.partition(":")[2]: value for key, value in config.items()}


@pytest.mark.parametrize("given", EVERY, ids=lambda given: "-".join(filter(None, given.values())))
def test_every_combination_is_a_valid_stack_file(given: dict[str, str], tmp_path: Path) -> None:
    assert new.run("x", given, folder=tmp_path) == 0
    settings = parser.parse(written(tmp_path), reserved=RESERVED_OPTIONS)
    assert settings.executor.kind == given["executor"]
    assert settings.protect == (given["profile"] == "prod")
    assert (settings.exposure.gateway is not None) == bool(given["host"])
    content = yaml.safe_load((tmp_path / "Pulumi.x.yaml").read_text())
    assert [error.message for error in VALIDATOR.iter_errors(content)] == []
    assert (
        (tmp_path / "Pulumi.x.yaml").read_text().startswith("# yaml-language-server: $schema=docs/stack.schema.json\n")
    )


@pytest.mark.parametrize("profile", profiles.PROFILES)
@pytest.mark.parametrize("cloud", ACCOUNTS)
def test_every_region_of_a_cloud_gets_what_it_offers(cloud: str, profile: profiles.Profile) -> None:
    for region in ZONES if cloud == "gcp" else REGIONS:
        parser.parse(
            profiles.sections(cloud=cloud, account=ACCOUNTS[cloud], region=region, executor="celery", profile=profile),
            reserved=RESERVED_OPTIONS,
        )


@pytest.mark.parametrize("executor", EXECUTORS)
def test_an_existing_cluster_needs_three_answers(
    executor: str, tmp_path: Path, at_terminal: Callable[..., Terminal]
) -> None:
    terminal = at_terminal("existing", "", executor)
    new.run("x", {}, folder=tmp_path)
    assert len(terminal.questions) == 3
    settings = parser.parse(written(tmp_path), reserved=RESERVED_OPTIONS)
    assert settings.existing_cluster


def test_a_cloud_needs_six_answers_and_an_invalid_one_is_asked_again(
    tmp_path: Path, at_terminal: Callable[..., Terminal], capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ("aws", "gcp", "my-project", "simulated-project", "europe-west", "", "selery", "", "big", "prod", "x", HOST)
    terminal = at_terminal(*lines)
    new.run("x", {}, folder=tmp_path)
    assert len(terminal.questions) - 6 == 6, "six questions, and six of them again"
    out = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[2].split(" ")[0].rstrip(":") for line in out if line.startswith("airflow:")] == [
        "cloud.kind",
        "cloud.project",
        "cloud.region",
        "executor.kind",
        "exposure.host",
    ]
    assert "profile: 'big' is not known here; choose one of dev, prod." in out
    settings = written(tmp_path)
    assert settings["cloud"]["region"] == "europe-west1"
    assert settings["executor"]["kind"] == "celery"
    assert settings["exposure"]["host"] == HOST


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["../x", "--cloud", "gcp"], "'../x' is not a name of a stack: up to 100 letters"),
        ([".x"], "'.x' is not a name of a stack"),
        (["a/b"], "'a/b' is not a name of a stack"),
        (["x" * 101], "is not a name of a stack"),
        (["dev", "--cloud", "gcp"], "Pulumi.dev.yaml exists; choose another name, or edit the file."),
        (["x"], "--cloud is required without a terminal: gcp, azure or existing."),
        (["x", "--cloud", "gcp"], "--account is required without a terminal"),
        (["x", "--cloud", "aws"], "airflow:cloud.kind: 'aws' is not a known kind; choose one of"),
        (["x", "--cloud", "gcp", "--account", "my-project"], "airflow:cloud.project: 'my-project' is the example"),
        (["x", "--cloud", "azure", "--account", "abc"], "airflow:cloud.subscription_id: 'abc' does not match"),
        (["x", "--cloud", "existing", "--region", "europe-west1"], "--region has no meaning with --cloud existing"),
    ],
)
def test_a_mistake_is_one_message_and_writes_nothing(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Pulumi.yaml").write_text("name: airflow\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {}\n")
    assert main(["new", *arguments]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.startswith("error: ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Pulumi.dev.yaml", "Pulumi.yaml"]
    assert (tmp_path / "Pulumi.dev.yaml").read_text() == "config: {}\n"


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"cloud": "gcp", "account": ACCOUNTS["gcp"], "profile": "prod"}, "gcp-prod"),
        ({"cloud": "existing"}, "existing"),
    ],
)
def test_a_stack_without_a_name_is_named_for_its_cloud_and_size(
    given: dict[str, str], name: str, tmp_path: Path
) -> None:
    new.run(None, given, folder=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [f"Pulumi.{name}.yaml"]
    with pytest.raises(OperationError, match=f"{name}.yaml exists; choose another name"):
        new.run(None, given, folder=tmp_path)


@pytest.mark.parametrize("end", [EOFError, KeyboardInterrupt])
def test_an_end_of_the_dialogue_is_one_message_and_writes_nothing(
    end: type[BaseException], tmp_path: Path, at_terminal: Callable[..., Terminal], monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(_: str) -> str:
        raise end

    at_terminal()
    monkeypatch.setattr("builtins.input", ended)
    with pytest.raises(OperationError, match="There is no answer to --cloud; nothing was written"):
        new.run("x", {}, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match=r"Pulumi\.x\.yaml cannot be written: No such file or directory\."):
        new.run("x", {"cloud": "existing"}, folder=tmp_path / "none")


@pytest.mark.parametrize(
    ("cloud", "lines"),
    [
        (
            "gcp",
            ["price --file Pulumi.x.yaml", "gcloud auth application-default login", "stack init x", "preflight -s x"],
        ),
        ("azure", ["price --file Pulumi.x.yaml", "az login", "stack init x", "preflight -s x"]),
        ("existing", ["stack init x"]),
    ],
)
def test_the_next_commands_are_printed(
    cloud: str, lines: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"cloud": cloud, **({"account": ACCOUNTS[cloud]} if cloud in ACCOUNTS else {})}
    new.run("x", given, folder=tmp_path)
    first, _, *commands = capsys.readouterr().out.splitlines()
    assert first == "Wrote Pulumi.x.yaml. Next:"
    assert "authorized_ranges" not in " ".join(commands)
    assert [any(line in command for command in commands) for line in lines] == [True] * len(lines)
    assert commands[-1] == "  pulumi up -s x"
    assert len(commands) == len(lines) + 1


def test_production_on_azure_is_told_to_restrict_the_clusters_api(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The ranges of operators are no question, and the policy pack wants them."""
    new.run("x", {"cloud": "azure", "account": ACCOUNTS["azure"], "profile": "prod"}, folder=tmp_path)
    assert "airflow:cloud.cluster.endpoint to kind authorized_ranges" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "file", "differences"),
    [
        ({"cloud": "gcp", "profile": "dev"}, SHIPPED["dev"], set()),
        ({"cloud": "azure", "profile": "dev"}, SHIPPED["azure-celery"], {"dags", "cloud.storage"}),
        (
            {"cloud": "azure", "profile": "prod", "executor": "kubernetes"},
            SHIPPED["prod"],
            {"cloud.cluster.endpoint"},
        ),
        (
            {"cloud": "gcp", "profile": "prod", "executor": "kubernetes", "host": HOST},
            SHIPPED["gcp-kubernetes"],
            set(),
        ),
        ({"cloud": "existing", "executor": "celery+kubernetes"}, "Pulumi.local.yaml", set()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_profile_has_the_settings_of_the_shipped_file(
    given: dict[str, str], file: str, differences: set[str], tmp_path: Path
) -> None:
    """Differences are settings with examples in the shipped file, which the command does not ask for."""
    account = {"account": ACCOUNTS[given["cloud"]]} if given["cloud"] in ACCOUNTS else {}
    new.run("x", {**given, **account}, folder=tmp_path)
    from_file = yaml.safe_load((ROOT / file).read_text())["config"]
    shipped = parser.examine({key.partition(":")[2]: value for key, value in from_file.items()})[0]
    own = parser.parse(written(tmp_path), reserved=RESERVED_OPTIONS)
    assert shipped is not None
    account_keys = {"cloud.project", "cloud.subscription_id", "exposure.host"}
    changed = set(_changed(own.model_dump(), shipped.model_dump(), ""))
    assert {key for key in changed if not any(key.startswith(known) for known in account_keys | differences)} == set()
    assert {known for known in differences if not any(key.startswith(known) for key in changed)} == set()


def _changed(one: Any, other: Any, key: str) -> Iterator[str]:
    """The keys in which two dumped settings differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in one.keys() | other.keys():
            yield from _changed(one.get(name), other.get(name), f"{key}.{name}".strip("."))
    elif one != other:
        yield key
