"""Command line of `python -m operations`: commands and their arguments."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from components.settings.errors import SettingsError
from operations import preflight
from operations.errors import OperationError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m operations", description="Day-2 commands that complement `pulumi up`."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser(
        "preflight",
        help="check in the cloud, read-only, whether `up` can succeed",
        description="Checks permissions, quotas, APIs and registrations in the stack's cloud, read-only.",
    )
    command.add_argument("--stack", "-s", required=True, help="the stack: its file is Pulumi.STACK.yaml")
    options = parser.parse_args(arguments)
    try:
        return preflight.run(options.stack)
    except (OperationError, SettingsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
