"""Command line of `python -m operations`: commands and their arguments."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from components.settings.errors import SettingsError
from operations import new, preflight, price, price_refresh
from operations.dags import command as dags
from operations.doctor import command as doctor
from operations.errors import OperationError
from operations.review import command as review
from operations.review import drift


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m operations", description="Day-2 commands that complement `pulumi up`."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    new.add(commands.add_parser("new", help="write the file of a new stack"))
    doctor.add(commands.add_parser("doctor", help="check what this machine and its logins lack for a stack"))
    _add_preflight(commands.add_parser("preflight", help="check in the cloud, read-only, whether `up` can succeed"))
    _add_price(commands.add_parser("price", help="print the monthly list price of a stack"))
    _add_price_refresh(commands.add_parser("price-refresh", help="renew the price lists from the clouds' APIs"))
    review.add(commands.add_parser("review", help="preview a stack, and comment on the pull request"))
    drift.add(
        commands.add_parser("drift", help="compare a stack with its cloud, and keep one issue about the difference")
    )
    dags.add(commands.add_parser("dags", help="runs and files of DAGs: trigger, backfill, test, upload"))
    options = parser.parse_args(arguments)
    try:
        return options.run(options)
    except (OperationError, SettingsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _add_preflight(command: argparse.ArgumentParser) -> None:
    command.description = "Checks permissions, quotas, APIs and registrations in the stack's cloud, read-only."
    command.add_argument("--stack", "-s", required=True, help="the stack: its file is Pulumi.STACK.yaml")
    command.set_defaults(run=_preflight)


def _preflight(options: argparse.Namespace) -> int:
    return preflight.run(options.stack)


def _add_price(command: argparse.ArgumentParser) -> None:
    command.description = "Prints the monthly list price of a stack at the minimum and maximum of node autoscaling."
    source = command.add_mutually_exclusive_group(required=True)
    source.add_argument("--stack", "-s", help="the stack: its file is Pulumi.STACK.yaml")
    source.add_argument("--file", "-f", type=Path, help="a stack file, read without a login")
    command.set_defaults(run=_price)


def _price(options: argparse.Namespace) -> int:
    return price.run(stack=options.stack, file=options.file)


def _add_price_refresh(command: argparse.ArgumentParser) -> None:
    command.description = (
        "Renews the list prices of a region. Azure's API needs no login; Google's needs an API key in GOOGLE_API_KEY."
    )
    command.add_argument("--cloud", required=True, choices=("azure", "gcp"), help="the list to renew")
    command.add_argument("--region", help="the region; default: every region of the list")
    command.add_argument("--api", metavar="URL", help="address of the API; default: the cloud's own")
    command.set_defaults(run=_price_refresh)


def _price_refresh(options: argparse.Namespace) -> int:
    return price_refresh.run(cloud=options.cloud, region=options.region, api=options.api)
