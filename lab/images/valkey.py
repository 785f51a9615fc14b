"""The Valkey image: Debian's server, started as the official image starts it."""

from __future__ import annotations

from typing import Final

from lab.images import names
from lab.images.image import FILES, Image, Workbench, source_of
from lab.images.oci import Settings

ACCOUNT: Final = """
set -e
groupadd --system --gid 999 valkey
useradd --system --gid valkey --uid 999 --home-dir /data --shell /usr/sbin/nologin valkey
"""


def _fill(bench: Workbench) -> None:
    tree = bench.tree
    assert bench.debs is not None
    tree.run("sh", "-c", ACCOUNT)
    tree.install(bench.debs)
    # Debian's configuration is for a system service; the image starts without a configuration.
    tree.remove("etc/valkey")
    tree.put((FILES / "valkey/docker-entrypoint.sh").read_bytes(), "usr/local/bin/docker-entrypoint.sh", mode=0o755)
    tree.folder("data", mode=0o755, uid=999, gid=999)


IMAGE: Final = Image(
    title="valkey",
    name=names.VALKEY,
    packages=("valkey-server", "valkey-tools"),
    inputs=(source_of(__name__), FILES / "valkey/docker-entrypoint.sh"),
    fill=_fill,
    settings=Settings(
        user="",
        entrypoint=("docker-entrypoint.sh",),
        command=("valkey-server",),
        folder="/data",
        ports=(6379,),
        env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"},
    ),
)
