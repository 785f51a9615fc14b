"""The command `new`: ask for the decisions that a stack needs, and write its stack file."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import yaml

from components.airflow.instance import RESERVED_OPTIONS
from components.settings import parser
from components.settings.errors import SettingError, SettingsError
from components.settings.secret_keys import PROJECT
from operations import profiles
from operations.errors import OperationError

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
"""Names of stacks, https://www.pulumi.com/docs/iac/concepts/stacks/#stack-name-restrictions; a dot at the beginning
would hide nothing but confuse."""
Answers = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Question:
    """One decision. Its option has the same name."""

    name: str
    text: Callable[[Answers], str]
    key: Callable[[Answers], str]
    """The setting that the answer becomes, whose rules decide whether it is valid."""
    default: Callable[[Answers], str | None]
    """The answer to an empty line; None: an answer is required."""
    asked: Callable[[Answers], bool] = lambda _: True


def _on_a_cloud(answers: Answers) -> bool:
    return answers["cloud"] != "existing"


ACCOUNTS: Final = {
    "gcp": ("Project of Google Cloud (gcloud config get-value project)", "cloud.project"),
    "azure": ("Subscription of Azure (az account show --query id --output tsv)", "cloud.subscription_id"),
    "existing": ("Context of your kubeconfig (empty: the current one)", "cloud.context"),
}
REGIONS: Final = {"gcp": "europe-west1", "azure": "swedencentral", "existing": ""}
QUESTIONS: Final = (
    Question(
        name="cloud",
        text=lambda _: "Cloud: gcp, azure, or existing (a cluster of your kubeconfig)",
        key=lambda _: "cloud.kind",
        default=lambda _: None,
    ),
    Question(
        name="account",
        text=lambda answers: ACCOUNTS[answers["cloud"]][0],
        key=lambda answers: ACCOUNTS[answers["cloud"]][1],
        default=lambda answers: None if _on_a_cloud(answers) else "",
    ),
    Question(
        name="region",
        text=lambda _: "Region",
        key=lambda _: "cloud.region",
        default=lambda answers: REGIONS[answers["cloud"]],
        asked=_on_a_cloud,
    ),
    Question(
        name="executor",
        text=lambda _: "Executor: celery, kubernetes, or celery+kubernetes",
        key=lambda _: "executor.kind",
        default=lambda _: "celery",
    ),
    Question(
        name="profile",
        text=lambda _: "Size: dev (smallest, deleted by one command) or prod (several zones, protected)",
        key=lambda _: "",
        default=lambda _: "dev",
        asked=_on_a_cloud,
    ),
    Question(
        name="host",
        text=lambda _: "DNS name of the UI (empty: kubectl port-forward only)",
        key=lambda _: "exposure.host",
        default=lambda _: "",
        asked=_on_a_cloud,
    ),
)


def add(command: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    command.description = "Asks at most six questions and writes Pulumi.NAME.yaml. An option answers its question."
    command.add_argument("name", metavar="NAME", nargs="?", help="name of the new stack; default: cloud and size")
    for question in QUESTIONS:
        command.add_argument(f"--{question.name}", help=_help(question.name))
    command.set_defaults(run=_run)


def _help(name: str) -> str:
    return {
        "cloud": "gcp, azure or existing",
        "account": "the project of Google Cloud, the subscription of Azure, or the context of a kubeconfig",
        "region": "the cloud's region",
        "executor": "celery, kubernetes or celery+kubernetes",
        "profile": "dev or prod",
        "host": 'DNS name of the UI; "" for none',
    }[name]


def _run(options: argparse.Namespace) -> int:
    given = {question.name: getattr(options, question.name) for question in QUESTIONS}
    folder = Path.cwd() if Path("Pulumi.yaml").exists() else Path(__file__).resolve().parent.parent
    return run(options.name, {name: text for name, text in given.items() if text is not None}, folder=folder)


def run(name: str | None, given: Mapping[str, str], *, folder: Path) -> int:
    """Write the stack file and print the next commands; return the exit code.

    Args:
        name: the stack's name; None: its cloud and size.
        given: answers by question; the others are asked for.
        folder: where the stack file is written.

    Raises:
        OperationError: the name or an answer is not valid, an answer is missing without a terminal, or the file exists.
        SettingsError: the settings are invalid together.
    """
    if name is not None:
        _free(name, folder)
    answers = _answers(given)
    chosen = name or "-".join(answers[part] for part in ("cloud", "profile") if part in answers)
    file = _free(chosen, folder)
    values = _values(answers)
    parser.parse(values, reserved=RESERVED_OPTIONS)
    try:
        with file.open("x") as stream:
            stream.write(_text(values))
    except OSError as error:
        raise OperationError(f"{file} cannot be written: {error.strerror}.") from None
    print("\n".join(_next(chosen, answers)))
    return 0


def _free(name: str, folder: Path) -> Path:
    """The stack file of a name, which does not exist.

    Raises:
        OperationError: it does, or it is not a name of a stack.
    """
    if not NAME.fullmatch(name):
        raise OperationError(
            f"{name!r} is not a name of a stack: up to 100 letters, digits, hyphens, underscores and dots."
        )
    file = folder / f"Pulumi.{name}.yaml"
    if file.exists():
        raise OperationError(f"{file.name} exists; choose another name, or edit the file.")
    return file


def _answers(given: Mapping[str, str]) -> Answers:
    """The answers to all questions that the cloud needs."""
    answers: Answers = {}
    for question in QUESTIONS:
        if not question.asked(answers):
            if given.get(question.name):
                raise OperationError(f"--{question.name} has no meaning with --cloud {answers['cloud']}; leave it out.")
            continue
        answers[question.name] = _answer(question, answers, given.get(question.name))
    return answers


def _answer(question: Question, answers: Answers, given: str | None) -> str:
    """A valid answer: the given one, or one of a person at a terminal."""
    if given is not None:
        if error := _error(question, {**answers, question.name: given}):
            raise OperationError(error)
        return given
    default = question.default(answers)
    if not sys.stdin.isatty():
        if default is None:
            raise OperationError(f"--{question.name} is required without a terminal: {_help(question.name)}.")
        return default
    while True:
        shown = f" [{default}]" if default else ""
        try:
            text = input(f"{question.text(answers)}{shown}: ").strip() or default or ""
        except (EOFError, KeyboardInterrupt):
            raise OperationError(f"There is no answer to --{question.name}; nothing was written.") from None
        error = _error(question, {**answers, question.name: text})
        if error is None:
            return text
        print(error)


def _error(question: Question, answers: Answers) -> str | None:
    """The message about an answer, from the rules of the setting that it becomes; None if it is valid."""
    text = answers[question.name]
    if question.name == "profile":
        known = ", ".join(profiles.PROFILES)
        return None if text in profiles.PROFILES else f"profile: {text!r} is not known here; choose one of {known}."
    key = f"{PROJECT}:{question.key(answers)}"
    found = [error for error in _setting_errors(answers) if error.key == key]
    return str(found[0]) if found else None


def _setting_errors(answers: Answers) -> list[SettingError]:
    try:
        parser.parse(_values(answers), reserved=RESERVED_OPTIONS)
    except SettingsError as error:
        return list(error.setting_errors)
    return []


def _values(answers: Answers) -> dict[str, Any]:
    """The settings that the answers so far make, by key."""
    cloud = answers["cloud"]
    values = profiles.sections(
        cloud=cloud,
        account=answers.get("account") or None,
        region=answers.get("region", REGIONS.get(cloud, "")),
        executor=answers.get("executor", "celery"),
        profile=cast("profiles.Profile", answers.get("profile", "dev")),
    )
    if cloud not in ACCOUNTS:
        values["cloud"]["kind"] = cloud
    if host := answers.get("host"):
        values["exposure"] = profiles.exposure(cloud, host)
    return values


def _text(values: Mapping[str, Any]) -> str:
    config = {f"{PROJECT}:{key}": value for key, value in values.items()}
    # The type of a parameter of safe_dump is unknown to its stubs.
    body = yaml.safe_dump({"config": config}, sort_keys=False, width=110)  # pyright: ignore[reportUnknownMemberType]
    return (
        "# yaml-language-server: $schema=docs/stack.schema.json\n"
        "# Written by `python -m operations new`. All settings: docs/settings/.\n"
        f"{body}"
    )


def _next(name: str, answers: Answers) -> list[str]:
    cloud = answers["cloud"]
    login = {"gcp": "gcloud auth application-default login", "azure": "az login", "existing": None}[cloud]
    lines = [f"Wrote Pulumi.{name}.yaml. Next:", ""]
    if login is not None:
        lines += [f"  .venv/bin/python -m operations price --file Pulumi.{name}.yaml", f"  {login}"]
    lines.append(f"  pulumi stack init {name}")
    if login is not None:
        lines.append(f"  .venv/bin/python -m operations preflight -s {name}")
    lines.append(f"  pulumi up -s {name}")
    if cloud == "azure" and answers["profile"] == "prod":
        lines += [
            "",
            "The cluster's API is open to every address, for logins of Entra. For production set "
            "airflow:cloud.cluster.endpoint to kind authorized_ranges with the ranges of your operators.",
        ]
    return lines
