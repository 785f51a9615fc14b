"""The command `review`: previews a stack, judges the preview, and comments on the pull request."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from components.pricing.price import PriceError
from components.settings.errors import SettingsError
from operations import stacks
from operations.errors import OperationError
from operations.review import comment, engine, price
from operations.review.changes import Preview, UnreadablePreviewError, read
from operations.review.comment import Review
from operations.review.forge.choice import FORGES, PRINT, Forge, log_address, shortened
from operations.review.protected import LABEL
from operations.review.verdict import Verdict, judge
from operations.review.words import code

PREVIEW_BYTES_MAX: Final = 256 << 20
"""Bytes of a preview's output. That of a stack has 1 to 10 MB."""
SUMMARY_MAX: Final = 1_000_000
"""Characters of a job's summary: GitHub takes 1 MiB for each step,
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#step-isolation-and-limits."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Arguments of the command."""

    stack: str
    preview: Path | None
    stack_file: Path | None
    policy_packs: tuple[str, ...]
    base: str | None
    with_price: bool
    forge: str
    labels: tuple[str, ...]
    allow_label: str
    log: str
    simulated: bool
    output: Path | None


def add(command: argparse.ArgumentParser) -> None:
    """Declare the command and its arguments."""
    command.description = (
        "Previews a stack, judges the preview, and writes one comment: changes, price, policies. "
        "Exit code 0: the check passes; 1: it fails; 2: something could not be computed."
    )
    command.set_defaults(run=_run)
    command.add_argument("--stack", "-s", required=True, help="the stack: its file is Pulumi.STACK.yaml")
    command.add_argument(
        "--preview",
        type=Path,
        metavar="FILE",
        help="output of `pulumi preview --json` with PULUMI_ENABLE_STREAMING_JSON_PREVIEW=true; default: run it",
    )
    command.add_argument("--stack-file", type=Path, metavar="FILE", help="the stack's file; default: Pulumi.STACK.yaml")
    command.add_argument(
        "--policy-pack", action="append", default=[], metavar="FOLDER", help="a policy pack that must run; repeatable"
    )
    command.add_argument("--base", metavar="REVISION", help="the revision with the price before, for example HEAD^1")
    command.add_argument("--no-price", action="store_true", help="leave the price out")
    command.add_argument("--simulated", action="store_true", help="the preview is one of simulated clouds")
    command.add_argument(
        "--labels", default="", metavar="A,B", help="labels of the pull request; default: ask the forge"
    )
    command.add_argument(
        "--allow-label", default=LABEL, metavar="NAME", help=f"the label that allows to destroy data; default: {LABEL}"
    )
    add_forge_arguments(command)


def add_forge_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the arguments that say where the result goes."""
    command.add_argument(
        "--forge", choices=[PRINT, *FORGES], default=PRINT, help=f"where the result is written; default: {PRINT}"
    )
    command.add_argument("--log", default="", metavar="URL", help="address of the log; default: of this job")
    command.add_argument("--output", type=Path, metavar="FILE", help="also write the complete text to a file")


def options(arguments: argparse.Namespace) -> Options:
    """The arguments as values."""
    return Options(
        stack=arguments.stack,
        preview=arguments.preview,
        stack_file=arguments.stack_file,
        policy_packs=tuple(arguments.policy_pack),
        base=arguments.base,
        with_price=not arguments.no_price,
        forge=arguments.forge,
        labels=tuple(label.strip() for label in arguments.labels.split(",") if label.strip()),
        allow_label=arguments.allow_label,
        log=arguments.log or log_address(os.environ),
        simulated=arguments.simulated,
        output=arguments.output,
    )


def _run(arguments: argparse.Namespace) -> int:
    return run(options(arguments))


def run(chosen: Options, environment: Mapping[str, str] = os.environ) -> int:
    """Review a stack and return the exit code: 0 fine, 1 the check fails, 2 something could not be computed.

    Raises:
        OperationError: the stack's name is none, or the forge refused the comment; the review is printed before.
    """
    engine.require_name(chosen.stack)
    # First, because without a forge nobody would see the result.
    forge = FORGES[chosen.forge](environment) if chosen.forge != PRINT else None
    found = review(chosen, forge)
    text = comment.render(found, log=chosen.log)
    print(text, flush=True)
    publish(text, chosen.output, environment)
    if forge is not None:
        address = _post(forge, found, chosen.log)
        print(f"\nComment: {address}", flush=True)
    return found.verdict.code


def review(chosen: Options, forge: Forge | None) -> Review:
    """The complete review. Everything that cannot be computed is a problem in its verdict."""
    problems: list[str] = []
    labels = frozenset(chosen.labels)
    if forge is not None and not chosen.labels:
        labels = forge.labels()
    priced: tuple[str, ...] = ()
    if chosen.with_price:
        try:
            priced = tuple(_price(chosen))
        except (OperationError, PriceError, SettingsError) as error:
            problems.append(f"The price could not be computed: {code(str(error))}")
    preview: Preview | None = None
    try:
        preview, failure = _preview(chosen)
        problems += failure
    except (OperationError, UnreadablePreviewError) as error:
        problems.append(f"There is no preview: {code(str(error))}")
    if preview is None:
        verdict = Verdict(failures=(), problems=tuple(problems))
    else:
        verdict = judge(
            preview,
            labels=labels,
            allow_label=chosen.allow_label,
            policy_packs=chosen.policy_packs,
            problems=problems,
        )
    return Review(
        stack=chosen.stack,
        verdict=verdict,
        preview=preview,
        price=priced,
        policies=bool(chosen.policy_packs),
        simulated=chosen.simulated,
    )


def _preview(chosen: Options) -> tuple[Preview, list[str]]:
    """The preview, and a problem if the command failed without a reason in its output."""
    if chosen.preview is None:
        output = engine.preview(chosen.stack, policy_packs=chosen.policy_packs)
        found = read(output.text)
        told = found.errors or found.failed or any(finding.fails for finding in found.findings)
        if output.code != 0 and not told:
            reason = engine.reason(chosen.stack, output.errors)
            return found, [f"The preview ended with exit code {output.code}: {code(reason)}"]
        return found, []
    try:
        if chosen.preview.stat().st_size > PREVIEW_BYTES_MAX:
            raise OperationError(f"--preview: {chosen.preview} has more than {PREVIEW_BYTES_MAX >> 20} MiB.")
        return read(chosen.preview.read_text()), []
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise OperationError(
            f"--preview: {chosen.preview} cannot be read: {reason}; the step that writes it must run before."
        ) from None


def _price(chosen: Options) -> list[str]:
    name = price.file_name(chosen.stack)
    path = chosen.stack_file or stacks.project_folder() / name
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise OperationError(f"{path.name} cannot be read: {reason}; `--no-price` leaves the price out.") from None
    before = None
    if chosen.base is not None and (old := price.text_at(chosen.base, chosen.stack)) is not None:
        before = price.settings_of(old, f"{name} at {chosen.base}")
    return price.blocks(before, price.settings_of(text, name), compared=chosen.base is not None)


def publish(text: str, output: Path | None, environment: Mapping[str, str]) -> None:
    """Write the complete text to a file, and to the summary of the job on GitHub.

    Raises:
        OperationError: a file cannot be written.
    """
    try:
        if output is not None:
            output.write_text(f"{text}\n")
        if summary := environment.get("GITHUB_STEP_SUMMARY"):
            with Path(summary).open("a") as file:
                file.write(f"{text[:SUMMARY_MAX]}\n")
    except OSError as error:
        raise OperationError(f"{error.filename} cannot be written: {error.strerror}.") from None


def _post(forge: Forge, found: Review, log: str) -> str | None:
    marker = comment.marker(found.stack, simulated=found.simulated)
    return shortened(
        forge, lambda length_max: forge.comment(marker, comment.render(found, length_max=length_max, log=log))
    )
