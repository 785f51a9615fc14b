"""New stacks: the engine creates one for each name, project and passphrase, the others are copies of its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final

import yaml

from lab.engine.stack import Stack

_SALT: Final = "encryptionsalt"
_LOCK: Final = Lock()


@dataclass(frozen=True)
class _Empty:
    """The engine's files of an empty stack."""

    salt: str
    backend: Mapping[Path, bytes]


_made: Final[dict[tuple[str, str, str], _Empty]] = {}


def create(stack: Stack) -> None:
    """Create a stack in its own backend, without the third of a second that `pulumi` takes for it."""
    backend = Path(stack.environment["PULUMI_BACKEND_URL"].removeprefix("file://"))
    project = yaml.safe_load((stack.folder / "Pulumi.yaml").read_text())["name"]
    own = stack.folder / f"Pulumi.{stack.name}.yaml"
    key = (project, stack.name, stack.environment["PULUMI_CONFIG_PASSPHRASE"])
    with _LOCK:
        if key not in _made:
            stack.create()
            files = [path for path in backend.rglob("*") if path.is_file()]
            _made[key] = _Empty(
                salt=yaml.safe_load(own.read_text())[_SALT],
                backend={path.relative_to(backend): path.read_bytes() for path in files},
            )
            return
    for path, content in _made[key].backend.items():
        (backend / path).parent.mkdir(parents=True, exist_ok=True)
        (backend / path).write_bytes(content)
    config: dict[str, Any] = yaml.safe_load(own.read_text()) if own.exists() else {}
    own.write_text(yaml.safe_dump({_SALT: _made[key].salt, **config}))
