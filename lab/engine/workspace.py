"""A workspace of the program with its own stack files: stacks are created without changes to the checkout.

Creating a stack writes the salt of its passphrase into the stack file. Therefore the engine works in a folder of links
to the checkout, in which only the stack files are copies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from lab.engine.stack import Stack
from lab.errors import LabError
from lab.paths import PROJECT

SALT: Final = "encryptionsalt:"
LEFT_OUT: Final = frozenset({".git", ".pytest_cache", ".ruff_cache", ".hypothesis", "__pycache__"})


def workspace(
    folder: Path,
    stack: str,
    environment: Mapping[str, str],
    config: str | None = None,
    *,
    create: Callable[[Stack], None] = Stack.create,
) -> Stack:
    """The stack of this program in its own workspace; created unless it exists.

    Args:
        folder: the workspace, which is updated from the checkout.
        stack: the stack's name.
        environment: environment variables, which select state and tools.
        config: the stack file's text; default: the checkout's Pulumi.STACK.yaml.
        create: creates the stack.

    Raises:
        LabError: the stack file does not exist.
    """
    source = PROJECT / f"Pulumi.{stack}.yaml"
    if config is None:
        if not source.exists():
            raise LabError(f"There is no {source.name}.", remedy="Choose a stack that has a file, for example local.")
        config = source.read_text()
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {entry.name for entry in PROJECT.iterdir() if entry.name not in LEFT_OUT and not _stack_file(entry.name)}
    for stale in folder.iterdir():
        if stale.is_symlink() and stale.name not in wanted:
            stale.unlink()
    for name in wanted:
        link = folder / name
        if link.is_symlink() and link.readlink() != PROJECT / name:
            link.unlink()
        if not link.is_symlink():
            link.symlink_to(PROJECT / name)
    target = folder / f"Pulumi.{stack}.yaml"
    salt = [line for line in target.read_text().splitlines() if line.startswith(SALT)] if target.exists() else []
    target.write_text("\n".join([*salt, config]))
    made = Stack(folder=folder, name=stack, environment=environment)
    create(made)
    return made


def _stack_file(name: str) -> bool:
    return name.startswith("Pulumi.") and name != "Pulumi.yaml"
