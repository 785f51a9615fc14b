"""The commands and their arguments."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from components.settings.errors import SettingsError
from operations import preflight
from operations.errors import OperationError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m operations", description="Commands beside `pulumi up`.")
    commands = parser.add_subparsers(dest="command", required=True)
    asked = commands.add_parser(
        "preflight",
        help="ask the cloud, read-only, whether `up` can go through",
        description="Asks the cloud of a stack, read-only, for rights, quotas, APIs and registrations. One line each.",
    )
    asked.add_argument("--stack", "-s", required=True, help="the stack: its file is Pulumi.STACK.yaml")
    given = parser.parse_args(arguments)
    try:
        return preflight.run(given.stack)
    except (OperationError, SettingsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
