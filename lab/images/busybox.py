"""A stand-in for Alpine: Debian's static BusyBox, which is Alpine's shell too, run as root like Alpine's image."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from lab.images import names
from lab.images.image import Image, Workbench, source_of
from lab.images.oci import Settings

BUSYBOX: Final = Path("/bin/busybox")


def _fill(bench: Workbench) -> None:
    tree = bench.tree
    tree.put(BUSYBOX.read_bytes(), "bin/busybox", mode=0o755)
    applets = subprocess.run([BUSYBOX, "--list"], check=True, capture_output=True, text=True).stdout.split()
    for applet in applets:
        if applet != "busybox":
            (tree.root / "bin" / applet).symlink_to("busybox")
    tree.put(b"root:x:0:0:root:/root:/bin/sh\n", "etc/passwd", mode=0o644)
    tree.folder("tmp", mode=0o1777)


IMAGE: Final = Image(
    title="busybox",
    tools=("busybox-static",),
    name=names.ALPINE,
    inputs=(source_of(__name__),),
    fill=_fill,
    settings=Settings(user="", entrypoint=(), command=("/bin/sh",), env={"PATH": "/bin"}),
)
