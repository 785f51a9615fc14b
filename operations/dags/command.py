"""The command `dags`: its commands and their arguments."""

from __future__ import annotations

import argparse
import json
from datetime import datetime
from pathlib import Path
from typing import Final

from operations.dags import image, runs, upload
from operations.dags.pods import instance

MINUTES_MAX: Final = 7 * 24 * 60


def add(command: argparse.ArgumentParser) -> None:
    """Describe the commands and their arguments."""
    command.description = "Runs and files of DAGs on a deployed stack, by kubectl."
    commands = command.add_subparsers(dest="dags_command", required=True)
    _add_trigger(commands.add_parser("trigger", help="start a run of a DAG"))
    _add_backfill(commands.add_parser("backfill", help="create runs of a DAG for past dates"))
    _add_test(commands.add_parser("test", help="run the tasks of a DAG in one process, and print their logs"))
    _add_upload(commands.add_parser("upload", help="make a file share or claim equal to a folder"))
    _add_image(
        commands.add_parser("image", help="build and push an image with the DAG files, and set it in the stack file")
    )


def _common(command: argparse.ArgumentParser) -> None:
    command.add_argument("--stack", "-s", required=True, help="the stack; it must be deployed")


def _add_trigger(command: argparse.ArgumentParser) -> None:
    command.description = "Starts a run of a DAG. The exit code is 1 if the run fails, with --watch."
    _common(command)
    command.add_argument("dag", metavar="DAG", help="id of the DAG")
    command.add_argument("--conf", type=_json_text, help="parameters of the run as a JSON object")
    command.add_argument("--unpause", action="store_true", help="unpause the DAG if it is paused")
    command.add_argument("--watch", action="store_true", help="print the states of the tasks until the run has ended")
    command.add_argument("--minutes", type=_minutes, default=60, help="how long --watch waits; default: 60")
    command.set_defaults(run=_trigger)


def _trigger(options: argparse.Namespace) -> int:
    return runs.trigger(
        instance(options.stack),
        options.dag,
        conf=options.conf,
        unpause=options.unpause,
        watched=options.watch,
        minutes=options.minutes,
    )


def _add_backfill(command: argparse.ArgumentParser) -> None:
    command.description = "Creates a run of a DAG for each date of its schedule in a range; the scheduler runs them."
    _common(command)
    command.add_argument("dag", metavar="DAG", help="id of the DAG; it needs a schedule")
    command.add_argument("--from", dest="begin", type=_date, required=True, metavar="DATE", help="first date")
    command.add_argument("--to", dest="end", type=_date, required=True, metavar="DATE", help="last date")
    command.add_argument(
        "--reprocess",
        choices=("none", "failed", "completed"),
        default="none",
        help="which dates that have a run are run again; default: none",
    )
    command.add_argument("--active", type=_positive, metavar="RUNS", help="maximum of runs at once; default: 10")
    command.add_argument("--unpause", action="store_true", help="unpause the DAG if it is paused")
    command.add_argument("--dry-run", action="store_true", help="print the dates and create nothing")
    command.set_defaults(run=_backfill)


def _backfill(options: argparse.Namespace) -> int:
    return runs.backfill(
        instance(options.stack),
        options.dag,
        dates=(options.begin, options.end),
        reprocess=options.reprocess,
        active=options.active,
        unpause=options.unpause,
        dry=options.dry_run,
    )


def _add_test(command: argparse.ArgumentParser) -> None:
    command.description = (
        "Runs all tasks of a DAG in one process of the dag-processor (`airflow dags test`), and prints their logs. The "
        "run appears in the UI. The exit code is 1 if the run fails."
    )
    _common(command)
    command.add_argument("dag", metavar="DAG", help="id of the DAG")
    command.add_argument("--date", type=_date, metavar="DATE", help="logical date of the run; default: now")
    command.add_argument("--conf", type=_json_text, help="parameters of the run as a JSON object")
    command.add_argument("--pause", action="store_true", help="pause an active DAG until the test has ended")
    command.set_defaults(run=_test)


def _test(options: argparse.Namespace) -> int:
    return runs.test(instance(options.stack), options.dag, date=options.date, conf=options.conf, pause=options.pause)


def _add_upload(command: argparse.ArgumentParser) -> None:
    command.description = (
        "Makes the folder of a file share or claim equal to a local folder: new and changed files first, then files "
        "that the local folder lacks are removed. The dag-processor sees them within its refresh interval."
    )
    _common(command)
    command.add_argument(
        "folder", metavar="FOLDER", type=Path, nargs="?", default=Path("dags"), help="the local folder; default: dags"
    )
    command.add_argument("--source", metavar="NAME", help="name of the source, where airflow:dags has several")
    command.set_defaults(run=_upload)


def _upload(options: argparse.Namespace) -> int:
    return upload.run(instance(options.stack), options.folder, source=options.source)


def _add_image(command: argparse.ArgumentParser) -> None:
    command.description = (
        "Builds images/dags/Containerfile with the current commit as its tag, pushes it to the repository of the "
        "stack's source of kind oci, and sets it in the stack file."
    )
    command.add_argument("--stack", "-s", required=True, help="the stack: its file is Pulumi.STACK.yaml")
    command.add_argument("--source", metavar="NAME", help="name of the source, where airflow:dags has several images")
    command.add_argument("--propose", action="store_true", help="create a pull request on GitHub with the stack file")
    command.set_defaults(run=_image)


def _image(options: argparse.Namespace) -> int:
    return image.run(options.stack, source=options.source, propose=options.propose)


def _date(text: str) -> datetime:
    """A date, which without a time zone is in that of the stack."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date; write 2026-01-31 or 2026-01-31T12:00:00Z") from None


def _json_text(text: str) -> str:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise argparse.ArgumentTypeError(f"""{text!r} is not a JSON object; write for example '{{"key": "value"}}'""")
    return text


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1; write for example 4")
    return int(text)


def _minutes(text: str) -> int:
    found = _positive(text)
    if found > MINUTES_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is above {MINUTES_MAX}, a week; write a smaller number of minutes")
    return found
