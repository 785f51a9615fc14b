"""The image of the container that holds a pod's namespaces: one static program."""

from __future__ import annotations

from typing import Final

from lab.images import names
from lab.images.image import FILES, Image, Workbench, source_of
from lab.images.oci import Settings
from lab.images.tree import logged


def _fill(bench: Workbench) -> None:
    program = bench.tree.root / "pause"
    logged(["gcc", "-Os", "-Wall", "-Werror", "-static", "-s", "-o", program, FILES / "pause.c"], log=bench.tree.log)


IMAGE: Final = Image(
    title="pause",
    tools=("gcc", "libc6-dev"),
    name=names.PAUSE,
    inputs=(source_of(__name__), FILES / "pause.c"),
    fill=_fill,
    settings=Settings(user="65535:65535", entrypoint=("/pause",)),
)
